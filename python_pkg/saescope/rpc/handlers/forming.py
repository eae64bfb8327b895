"""Parts of messages that several handlers make."""

import math
from collections.abc import Callable

from saescope.index.examples import Window
from saescope.index.store import Index
from saescope.query.examples import doc_of, position_of, token_ids
from saescope.rpc.messages.page import Example, TokenWeight


def token_weights(index: Index, tokens: list[int], weights: list[float]) -> list[TokenWeight]:
    """Tokens of the vocabulary with their weights."""
    v = index.vocabulary
    texts, raws = pieces(v.texts, v.text, tokens), pieces(v.raws, v.raw, tokens)
    return [
        TokenWeight(token=t, text=text, raw=raw, weight=short(w))
        for t, text, raw, w in zip(tokens, texts, raws, weights, strict=True)
    ]


def pieces(known: list[str], of: Callable[[int], str], tokens: list[int]) -> list[str]:
    """The piece of each token, looked up at once; one by one where the tokenizer has none for one of them."""
    try:
        return [known[t] for t in tokens]
    except IndexError:
        return [of(t) for t in tokens]


def short(value: float) -> float:
    """Six significant digits: what a page can show, and less to send."""
    return float(f"{value:.6g}")


def known(value: float) -> float | None:
    """A number as it is; none where it is not known, which tables write as NaN."""
    return None if math.isnan(value) else value


def shown(value: float) -> float | None:
    """A number in six significant digits, or none where it is not known."""
    return None if math.isnan(value) else short(value)


def example(index: Index, window: Window, group: str) -> Example:
    """A window as the page shows it."""
    ids = token_ids(index, window)
    doc, source = doc_of(index, window)
    vocabulary = index.vocabulary
    return Example(
        rank=window.rank,
        group=group,
        activation=short(window.activation),
        peak=window.row - window.start,
        start=position_of(index, window.start),
        doc=doc,
        source=source,
        tokens=ids,
        texts=pieces(vocabulary.texts, vocabulary.text, ids),
        raws=pieces(vocabulary.raws, vocabulary.raw, ids),
        activations=[float(f"{a:.6g}") if a else 0.0 for a in window.activations.tolist()],
        n_same=window.n_same,
        row=window.start,
    )
