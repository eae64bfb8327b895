"""``saescope info``: what an index is, and whether it is whole."""

import argparse
import hashlib
import sys
from pathlib import Path
from typing import Any

from saescope.errors import DamagedIndexError
from saescope.index.manifest import Manifest, Part, read_manifest
from saescope.index.rule import Rule

READ_BYTES = 1 << 22


def add_to(commands: Any) -> None:
    """Declare the command."""
    made = commands.add_parser(
        "info", help="say what an index is and holds", description="Say what an index is and holds."
    )
    made.add_argument("index", metavar="DIR", help="folder of an index")
    made.add_argument("--verify", action="store_true", help="read every part and compare its checksum")
    made.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Tell."""
    path = Path(options.index).expanduser()
    manifest = read_manifest(path)
    if not manifest.is_complete:
        return _tell_unfinished(path)
    width = max(len(name) for name, _ in facts(manifest))
    sys.stdout.write("".join(f"{name:<{width}}  {value}\n" for name, value in facts(manifest)))
    if options.verify:
        for part in manifest.parts:
            verify(path / manifest.folder, part)
        sys.stdout.write(f"all {len(manifest.parts)} parts are whole\n")
    return 0


def _tell_unfinished(path: Path) -> int:
    from saescope.index import Index
    from saescope.indexing.heartbeat import read_beat
    from saescope.indexing.workspace import is_being_built

    index = Index(path)
    done = f"{index.n_rows:,} of {index.manifest.n_rows:,} tokens ({index.n_rows / index.manifest.n_rows:.0%})"
    beat = read_beat(path) if is_being_built(path) else None
    state = f"being built now: {beat.stage.lower()}" if beat else "not being built; build again with the same --out"
    sys.stdout.write(f"{index!r}\nunfinished: {done}\n{state}\n")
    return 0


def facts(manifest: Manifest) -> list[tuple[str, str]]:
    """Names and values, as a person reads them."""
    m = manifest
    size = sum(p.n_bytes for p in m.parts)
    return [
        ("model", f"{m.model['name']} ({m.model['architecture']}, {m.model['dtype']})"),
        ("SAE", f"{m.sae['name']} ({m.sae['architecture']}), {m.d_sae:,} features"),
        ("site", f"{m.sae['hook_name']}, {m.d_in or 'unknown'} wide"),
        ("corpus", f"{m.corpus['name']}, {m.corpus['n_docs']:,} documents"),
        ("tokens", _tokens(m)),
        ("not counted", Rule.of(m.rule).told()),
        ("context", f"{m.context_size} tokens, documents {'packed' if m.is_packed else 'kept apart'}"),
        ("features alive", _alive(m)),
        ("L0", f"{m.l0:.1f} features on a token"),
        ("explained variance", "not measured" if m.explained_variance is None else f"{m.explained_variance:.3f}"),
        ("loss recovered", _recovered(m.loss)),
        ("postings", f"{m.n_shards} shards" if m.has_postings else "none"),
        ("size", f"{size / 1e6:,.1f} MB ({size / m.n_rows:,.0f} bytes a token)"),
        ("built", f"{m.created} by {m.made_by}"),
        *(("imported", line) for line in (m.origin.told() if m.origin else [])),
    ]


def _tokens(m: Manifest) -> str:
    if m.origin is None:
        return f"{m.n_rows:,}, of which {m.n_counted:,} count"
    rests = f"{m.origin.n_tokens:,}" if m.origin.n_tokens else "an unknown number of"
    return f"{m.n_rows:,} of examples; figures rest on {rests} tokens"


def _alive(m: Manifest) -> str:
    n = m.origin.n_features if m.origin else m.d_sae
    return f"{m.n_alive:,} of {n:,} ({m.n_alive / max(n, 1):.1%})"


def _recovered(loss: dict[str, Any] | None) -> str:
    if loss is None or loss["recovered"] is None:
        return "not measured"
    error = f" ± {loss['standard_error']:.1%}" if loss["standard_error"] is not None else ""
    return (
        f"{loss['recovered']:.1%}{error} of {loss['zero'] - loss['clean']:.2f} nats a token, "
        f"on {loss['n_tokens']:,} tokens"
    )


def verify(path: Path, part: Part) -> None:
    """Compare a part with its checksum."""
    digest = hashlib.blake2b(digest_size=16)
    with (path / part.name).open("rb") as stream:
        while chunk := stream.read(READ_BYTES):
            digest.update(chunk)
    if digest.hexdigest() != part.digest:
        raise DamagedIndexError(
            f"{path / part.name} was altered since it was built.", hint="Copy it again, or build it again."
        )
