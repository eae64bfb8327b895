"""What a cluster of features is about: the words that tell it from all others.

1. The words of a feature are its top tokens without spaces and case, or those of its label.
2. Each word of a cluster has a score: by how many standard errors its log-odds among the
   cluster's features exceed those among the others.
3. The best two or three words that enough features share are the name.

A piece that is only punctuation or spaces, or a letter or two of a word, names a cluster only if
most of its features fire first of all on such.

Notes
-----
Source: B. Monroe, M. Colaresi, K. Quinn, Fightin' Words (Political Analysis 16, 2008), equations
16 and 22, with the words of all features as the prior.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saescope.query.maps.clusters import Level

Ints = NDArray[np.int64]

N_WORDS, N_TOKENS = 3, 5
LEAST_SHARE, LEAST_LABELLED = 0.025, 0.3
PRIOR = 500.0
STOP = frozenset(
    {"a", "an", "and", "are", "as", "at", "by", "for", "from", "in", "is", "it", "of", "on", "or", "that", "the", "to"}
)
WORD = re.compile(r"[^\W_][\w'’-]*")
MIDDOT = " · "


@dataclass(frozen=True)
class Words:
    """The words of features: pairs of ``features`` and ``words``, each once; a word is a place in ``texts``.

    ``is_blank`` tells which texts are punctuation, spaces, or scraps of words, ``starts_blank`` which
    features have such a one as their first.
    """

    features: Ints
    words: Ints
    texts: list[str]
    is_blank: NDArray[np.bool_]
    starts_blank: NDArray[np.bool_]


def token_words(top_tokens: pl.Series, texts: list[str]) -> Words:
    """The first top tokens of all features, as words.

    Parameters
    ----------
    top_tokens
        A list of token ids a feature.
    texts
        The vocabulary.
    """
    lists = top_tokens.list.head(N_TOKENS)
    lengths = lists.list.len().to_numpy().astype(np.int64)
    features = np.repeat(np.arange(len(lists)), lengths)
    ids = lists.explode(empty_as_null=False).to_numpy().astype(np.int64) if len(features) else features
    used = np.flatnonzero(np.bincount(ids)) if len(ids) else ids
    folded = [_folded(texts[t]) for t in used.tolist()]
    known = {text: n for n, text in enumerate(dict.fromkeys(folded))}
    of_token = np.zeros(int(used[-1]) + 1 if len(used) else 0, dtype=np.int64)
    of_token[used] = [known[text] for text in folded]
    words = of_token[ids]
    solid = {text for text, t in zip(folded, used.tolist(), strict=True) if _is_solid(texts[t], text)}
    is_blank = np.array([text not in solid for text in known], dtype=bool)
    starts_blank = np.zeros(len(lists), dtype=bool)
    if len(features):
        first = np.flatnonzero(np.r_[True, features[1:] != features[:-1]])
        starts_blank[features[first]] = is_blank[words[first]]
    return Words(*_once(features, words), list(known), is_blank, starts_blank)


def label_words(labels: Mapping[int, str], n: int) -> Words:
    """The words of labels, without the commonest ones."""
    pairs = {
        (feature, word): None
        for feature, label in labels.items()
        for word in WORD.findall(label.casefold())
        if word not in STOP and 0 <= feature < n
    }
    known = {word: i for i, word in enumerate(dict.fromkeys(word for _, word in pairs))}
    features = np.array([f for f, _ in pairs], dtype=np.int64)
    words = np.array([known[w] for _, w in pairs], dtype=np.int64)
    return Words(features, words, list(known), np.zeros(len(known), dtype=bool), np.zeros(n, dtype=bool))


def _once(features: Ints, words: Ints) -> tuple[Ints, Ints]:
    """Each pair once, of pairs sorted by feature of which none has more than ``N_TOKENS``."""
    is_first = np.ones(len(words), dtype=bool)
    for back in range(1, N_TOKENS):
        is_first[back:] &= (features[back:] != features[:-back]) | (words[back:] != words[:-back])
    return features[is_first], words[is_first]


def name_clusters(level: Level, tokens: Words, labels: Words) -> list[str]:
    """A name for each cluster, from its labels where enough features have one; empty where nothing tells it."""
    by_token, by_label = _distinct(level, tokens), _distinct(level, labels)
    labelled = np.unique(labels.features)
    n_labelled = np.bincount(level.of[labelled][level.of[labelled] >= 0], minlength=len(level.sizes))
    is_labelled = n_labelled >= np.maximum(LEAST_LABELLED * level.sizes, 1)
    return [(by_label[c] if is_labelled[c] and by_label[c] else by_token[c]) or "" for c in range(len(level.sizes))]


def _distinct(level: Level, words: Words) -> list[str]:
    n_clusters, n_words = len(level.sizes), len(words.texts)
    if not n_words:
        return [""] * n_clusters
    cluster = level.of[words.features].astype(np.int64)
    pairs = cluster[cluster >= 0] * n_words + words.words[cluster >= 0]
    keys, counts = np.unique(pairs, return_counts=True)
    totals = np.bincount(keys % n_words, weights=counts, minlength=n_words).astype(np.float64)
    sizes = np.bincount(keys // n_words, weights=counts, minlength=n_clusters)
    blank = level.of[words.starts_blank]
    is_about_blanks = np.bincount(blank[blank >= 0], minlength=n_clusters) > level.sizes / 2
    prior = PRIOR * totals / max(totals.sum(), 1)
    ends = np.searchsorted(keys, np.arange(n_clusters + 1) * n_words)
    found = []
    for c in range(n_clusters):
        own = slice(ends[c], ends[c + 1])
        word, here = keys[own] % n_words, counts[own].astype(np.float64)
        score = _scores(here, totals[word], sizes[c], totals.sum(), prior[word])
        score[here < max(2, LEAST_SHARE * level.sizes[c])] = -np.inf
        if not is_about_blanks[c]:
            score[words.is_blank[word]] = -np.inf
        n_telling = int((score > 1).sum()) or int((score > 0).sum())
        best = word[np.argsort(-score, kind="stable")][:n_telling]
        found.append(MIDDOT.join(_apart([words.texts[w] for w in best[: 3 * N_WORDS]])))
    return found


def _scores(
    here: NDArray[np.float64], all_: NDArray[np.float64], n_here: float, n_all: float, prior: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Log-odds ratio in the cluster against the others, in standard errors."""
    there, n_there = all_ - here, n_all - n_here
    own, other = here + prior, there + prior
    odds = np.log(own / np.maximum(n_here + PRIOR - own, 1e-9)) - np.log(
        other / np.maximum(n_there + PRIOR - other, 1e-9)
    )
    return odds / np.sqrt(1 / own + 1 / other)


def _apart(words: list[str]) -> list[str]:
    """The first words of which none begins another."""
    kept: list[str] = []
    for word in words:
        if not any(word.startswith(k) or k.startswith(word) for k in kept):
            kept.append(word)
    return kept[:N_WORDS]


def _is_solid(text: str, folded: str) -> bool:
    """Whether a piece is a word, and not punctuation, bytes, or the letter or two that one begins or ends with."""
    if not WORD.search(folded) or folded.startswith("‹"):
        return False
    return not folded.isascii() or len(folded) > (1 if text[:1].isspace() else 2)


def _folded(text: str) -> str:
    return text.strip().casefold() or ("⏎" if "\n" in text else "␣")
