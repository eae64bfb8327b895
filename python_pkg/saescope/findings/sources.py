"""What findings were made of: model, SAE, corpus and index with their fingerprints, and versions; and what changed."""

from datetime import datetime
from typing import Any

from saescope.findings.numbers import number, share
from saescope.findings.parts import Column, Table, Tokens, Value
from saescope.index.verdict import told
from saescope.scope import Scope
from saescope.scope.keeping import versions

THINGS = {"model": "model", "sae": "SAE", "corpus": "corpus", "index": "index"}
Facts = dict[str, Any]


def facts(scope: Scope) -> Facts:
    """What a scope is made of, as JSON."""
    index = scope.require_index()
    m = index.manifest
    hashes = scope.fingerprints
    return {
        "model": {
            "name": scope.model_name,
            "is": str(m.model.get("architecture", "")),
            "hash": hashes.get("model", ""),
        },
        "sae": {"name": scope.sae_name, "is": str(m.sae.get("architecture", "")), "hash": hashes["sae"]},
        "corpus": {"name": str(m.corpus.get("name", "")), "hash": hashes.get("corpus", "")},
        "index": {"name": index.path.name, "hash": hashes.get("index", "")},
        "site": scope.hook_name,
        "dtype": str(m.model.get("dtype", "")),
        "n_features": scope.n_features,
        "n_tokens": index.n_rows,
        "n_counted": index.n_counted,
        "context": m.context_size,
        "rule": index.layout.rule.told(),
        "recovered": (m.loss or {}).get("recovered"),
        "explained": m.explained_variance,
        "built": m.created,
        "told": m.origin.told() if m.origin else [],
        "pairing": "" if scope.pairing is None else told(scope.pairing),
        "versions": versions(),
    }


def tables(known: Facts) -> tuple[Table, Table]:
    """The facts, to be read: what there is with its fingerprints, and what else to know."""
    said = {
        "model": [known["model"]["is"], known["dtype"]],
        "sae": [known["sae"]["is"], f"{known['n_features']:,} features", known["site"]],
        "corpus": [f"{known['n_tokens']:,} tokens", f"{known['n_counted']:,} of them count"],
        "index": [f"contexts of {known['context']} tokens", f"built {known['built'][:10]}" if known["built"] else ""],
    }
    things = tuple(
        (name, known[key]["name"] or "not known", " · ".join(filter(None, said[key])), _hash(known[key]["hash"]))
        for key, name in THINGS.items()
    )
    quality = [
        *([f"loss recovered {share(known['recovered'])}"] if known["recovered"] is not None else []),
        *([f"explained variance {number(known['explained'])}"] if known["explained"] is not None else []),
    ]
    versions_said = " · ".join(f"{name} {value}" for name, value in known["versions"].items())
    rows: list[tuple[Value, ...]] = [("not counted", known["rule"])]
    rows += [("measured", " · ".join(quality))] if quality else []
    rows += [*(("imported", text) for text in known["told"]), ("versions", versions_said)]
    columns = (Column(""), Column("name"), Column("what"), Column("fingerprint"))
    return Table(columns, things), Table((), tuple(rows))


def _hash(text: str) -> Value:
    return Tokens([text]) if text else "not known"


def changes(then: Facts, now: Facts) -> list[str]:
    """What is another than it was, in sentences; nothing when the same was opened."""
    told = []
    for key, name in THINGS.items():
        old, new = then.get(key, {}), now[key]
        if old.get("hash", "") != new["hash"]:
            told.append(f"The {name} is another: {_called(new)}; it was {_called(old)}.")
    if then.get("site") != now["site"]:
        told.append(f"The site is another: {now['site']}; it was {then.get('site')}.")
    if then.get("rule") != now["rule"]:
        told.append(f"What counts is other. Not counted: {now['rule']}; it was {then.get('rule')}.")
    for key, what in (("n_features", "features"), ("n_counted", "tokens that count")):
        if then.get(key) != now[key]:
            told.append(f"There are {now[key]:,} {what}; it was {then.get(key) or 0:,}.")
    return told


def newer(then: Facts, now: Facts) -> list[str]:
    """Packages of another version, which alone need not change a number."""
    old, new = then.get("versions", {}), now["versions"]
    return [f"{name} {new.get(name, 'missing')} (was {v})" for name, v in old.items() if new.get(name) != v]


def _called(of: dict[str, Any]) -> str:
    return f"{of.get('name') or 'not known'} (fingerprint {of.get('hash') or 'not known'})"


def day(time: datetime) -> str:
    """A day, as in 4 May 2026."""
    return f"{time.day} {time:%B %Y}"
