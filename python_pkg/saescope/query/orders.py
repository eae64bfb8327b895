"""Permutations of features: by any column, equal ones by number, what is unknown last.

Each value becomes a number of 32 bits that is in the same order; with the feature below it
the keys are sorted as whole numbers, which is many times as fast as sorting places by value.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saescope.index.summary import LOW

LAST = np.uint32(0xFFFFFFFF)
SIGN = np.uint32(0x80000000)
STATUSES = ("checked", "proposed", "rejected")

Keys = NDArray[np.uint32]


def order_by(keys: Keys, *, descending: bool) -> Keys:
    """Features by their keys; those whose key is ``LAST`` at the end either way."""
    if descending:
        keys = np.where(keys == LAST, LAST, LAST - np.uint32(1) - keys)
    whole = keys.astype(np.uint64) << np.uint64(32)
    whole |= np.arange(len(keys), dtype=np.uint64)
    whole.sort()
    return (whole & LOW).astype(np.uint32)


def number_keys(values: NDArray[np.generic]) -> Keys:
    """Keys of numbers: counts below 2^32 - 1, or floats as float32; no number is last."""
    if values.dtype.kind in "ui":
        return values.astype(np.uint32)
    exact = values.astype(np.float32) + np.float32(0)
    bits = exact.view(np.uint32)
    keys = np.where(bits & SIGN, ~bits, bits | SIGN)
    return np.where(np.isnan(exact), LAST, np.minimum(keys, LAST - np.uint32(1)))


def text_keys(texts: Mapping[int, str], n_features: int) -> Keys:
    """Keys of some features' texts, in their alphabetical order; features without one are last."""
    keys = np.full(n_features, LAST)
    ranks = _ranks(list(texts.values()))
    numbers = np.fromiter(texts, dtype=np.int64, count=len(texts))
    is_there = (numbers >= 0) & (numbers < n_features)
    keys[numbers[is_there]] = ranks[is_there]
    return keys


def status_keys(statuses: Mapping[int, str], n_features: int) -> Keys:
    """Keys of some features' statuses: checked, proposed, rejected, then all without one."""
    keys = np.full(n_features, LAST)
    for feature, status in statuses.items():
        if 0 <= feature < n_features and status in STATUSES:
            keys[feature] = STATUSES.index(status)
    return keys


def token_keys(firsts: NDArray[np.integer], texts: list[str]) -> Keys:
    """Keys of features' first tokens, by the tokens' texts; −1, for no token, is last."""
    ranks = np.r_[_ranks([t.strip() for t in texts]), LAST]
    inside = (firsts >= 0) & (firsts < len(texts))
    return ranks[np.where(inside, firsts, len(texts))]


def _ranks(texts: list[str]) -> Keys:
    """The place of each text in the alphabet, whatever the case; the same for the same text."""
    return pl.Series([t.casefold() for t in texts], dtype=pl.String).rank("dense").to_numpy().astype(np.uint32)
