"""The same things once more, as plainly as they can be said; slow, and obviously right."""

import math
from collections import Counter
from fractions import Fraction

import numpy as np


def pack(documents, context_size, bos, max_tokens=None):
    """Lay lists of tokens into contexts; returns the stream and where each document begins."""
    stream, starts = [], []
    for ids in documents:
        if not ids:
            continue
        starts.append(len(stream))
        if bos is not None:
            stream.append(bos)
        for token in ids:
            if bos is not None and len(stream) % context_size == 0:
                stream.append(bos)
            stream.append(token)
    stream = stream if max_tokens is None else stream[:max_tokens]
    return stream, [s for s in starts if s < len(stream)]


def by_feature(postings):
    """Lists of (row, value) of each feature, in row order."""
    lists = [[] for _ in range(postings.n_features)]
    for feature, row, value in zip(postings.features, postings.rows, postings.values, strict=True):
        lists[feature].append((int(row), np.float32(value)))
    return [sorted(pairs) for pairs in lists]


def position_hash(feature, row):
    """splitmix64 of feature and row, in whole numbers."""
    mask = (1 << 64) - 1
    x = (((feature << 40) & mask) ^ row) + 0x9E3779B97F4A7C15 & mask
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & mask
    x = (x ^ x >> 27) * 0x94D049BB133111EB & mask
    return x ^ x >> 31


def drawn(pairs, feature, k):
    """The k with the smallest hash, in that order."""
    return sorted(pairs, key=lambda p: position_hash(feature, p[0]))[:k]


def interval(value, maximum, n):
    """Which of n equal parts of the range up to the maximum, from 0, in single precision."""
    return min(int(np.float32(abs(value)) / np.float32(maximum) * np.float32(n)), n - 1)


def quantile(pairs, q):
    """Nearest rank: the smallest strength that a share q of all does not exceed."""
    strengths = sorted(abs(v) for _, v in pairs)
    return strengths[max(math.ceil(Fraction(str(q)) * len(strengths)) - 1, 0)]


def top_tokens(pairs, layout, k):
    """The tokens with most summed strength and their shares; of equal ones the lower id."""
    mass = Counter()
    for row, value in pairs:
        mass[int(layout.tokens[row])] += float(abs(value))
    total = sum(mass.values())
    return [(t, m / total) for t, m in sorted(mass.items(), key=lambda p: (-p[1], p[0]))[:k]]
