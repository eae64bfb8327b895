"""Which tokens come next where a feature fires, and which of them it promotes.

A feature's decoder row promotes tokens: it raises their logits. Whether these are the tokens that
the text goes on with is a question to its examples, which this panel counts.
"""

from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import polars as pl

import saescope

N_EXAMPLES = 50
N_MOST = 2000


def next_tokens(scope: saescope.Scope, feature: int, n_examples: int = N_EXAMPLES) -> pl.DataFrame:
    """The tokens that follow a feature's strongest firings, the most frequent first.

    Parameters
    ----------
    scope
        A scope with an index.
    feature
        Feature number.
    n_examples
        How many of its strongest stored examples to count; one that ends its document has no next token.

    Returns
    -------
    polars.DataFrame
        ``token, n`` (examples that go on with it)``, share`` (of all that go on)``, promoted`` (its place among the
        tokens that the feature promotes, from 1; null if it is none of them). Promoted tokens that never come
        next are at the end, with an ``n`` of 0.
    """
    shown = scope.examples(feature, k=min(n_examples, N_MOST), context=2)
    windows = zip(shown["tokens"].to_list(), shown["peak"].to_list(), strict=True)
    counts = Counter(tokens[peak + 1] for tokens, peak in windows if peak + 1 < len(tokens))
    places = {token: place for place, token in reversed(list(enumerate(_promoted(scope, feature), 1)))}
    rows = [(token, n, places.get(token)) for token, n in counts.most_common()]
    rows += [(token, 0, place) for token, place in sorted(places.items(), key=lambda p: p[1]) if token not in counts]
    schema = {"token": pl.String, "n": pl.UInt32, "promoted": pl.UInt32}
    share = pl.col("n") / max(counts.total(), 1)
    return pl.DataFrame(rows, schema=schema, orient="row").select("token", "n", share.alias("share"), "promoted")


def hit_share(scope: saescope.Scope, feature: int, n_examples: int = N_EXAMPLES) -> float | None:
    """The share of a feature's examples that go on with a token it promotes; none where nothing goes on."""
    frame = next_tokens(scope, feature, n_examples)
    if frame["n"].sum() == 0:
        return None
    return float(frame.filter(pl.col("promoted").is_not_null())["share"].sum())


def _promoted(scope: saescope.Scope, feature: int) -> list[str]:
    return scope.feature(feature)["promoted"].to_list()[0] or []


def _table(scope: saescope.Scope, feature: int, n_examples: int = N_EXAMPLES) -> dict[str, Any]:
    frame = next_tokens(scope, feature, n_examples)
    return {"rows": frame.to_dicts(), "n": int(frame["n"].sum())}


def _shares(scope: saescope.Scope, features: list[int]) -> dict[str, Any]:
    return {"shares": [hit_share(scope, feature) for feature in features]}


class NextTokens(saescope.Panel):
    """Tokens that come next where a feature fires, beside those it promotes."""

    view = "next_tokens"
    title = "Next tokens"
    about = "Which tokens come next where the feature fires, and which of them it promotes."
    key = "v"
    height_px = 420
    esm = Path(__file__).parent / "view.js"
    answers: ClassVar = {"table": _table, "shares": _shares}

    def frame(self) -> pl.DataFrame:
        """What the panel shows: `next_tokens`."""
        return next_tokens(self.scope, self.feature, int(self.state.get("n_examples", N_EXAMPLES)))
