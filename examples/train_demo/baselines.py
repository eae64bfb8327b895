"""Count-based language models that the trained model must beat.

Each context length ``n`` interpolates with the next shorter one by absolute discounting:
``p_n(c | h) = max(count(hc) - D, 0) / count(h) + D * types(h) / count(h) * p_{n-1}(c | h')``
with ``D = n1 / (n1 + 2 n2)``, where ``n1`` and ``n2`` count the n-grams seen once and twice.
The shortest is the unigram with one added to each count.

Source: Ney, Essen, Kneser (1994), "On structuring probabilistic dependences in
stochastic language modelling", interpolated form.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Probabilities = NDArray[np.float64]


def _lookup(keys: Ids, values: Ids, wanted: Ids) -> Ids:
    """Values at the wanted keys, 0 where a key is absent; ``keys`` are sorted."""
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, values[at], 0)


def _discounted(train: tuple[Ids, Ids], valid: tuple[Ids, Ids], lower: Probabilities, vocab_size: int) -> Probabilities:
    """Probability of each validation token, from ``(history, next)`` pairs of codes."""
    train_history, train_next = train
    history, following = valid
    grams, gram_counts = np.unique(train_history * vocab_size + train_next, return_counts=True)
    histories, history_counts = np.unique(train_history, return_counts=True)
    gram_histories, types = np.unique(grams // vocab_size, return_counts=True)
    n_once, n_twice = (gram_counts == 1).sum(), (gram_counts == 2).sum()
    discount = n_once / max(n_once + 2 * n_twice, 1)
    gram_count = _lookup(grams, gram_counts, history * vocab_size + following)
    history_count = _lookup(histories, history_counts, history)
    n_types = _lookup(gram_histories, types, history)
    seen = np.maximum(history_count, 1)
    higher = np.maximum(gram_count - discount, 0) / seen
    return np.where(history_count > 0, higher + discount * n_types / seen * lower, lower)


def ngram_losses(train_rows: Ids, valid_rows: Ids, vocab_size: int) -> dict[str, float]:
    """Mean loss of a unigram, a bigram and a trigram on the validation rows, in nats.

    Parameters
    ----------
    train_rows, valid_rows
        Token ids ``[n_rows, context + 1]``, int64, column 0 the separator. Each predicts
        columns ``1..context`` from the row alone, as the model does.
    vocab_size
        Number of token ids.

    Returns
    -------
    dict of str to float
        Losses by the names ``unigram``, ``bigram``, ``trigram``.
    """

    def shifted(rows: Ids) -> tuple[Ids, Ids, Ids]:
        padded = np.concatenate([rows[:, :1], rows], axis=1)
        first, second, third = padded[:, :-2], padded[:, 1:-1], padded[:, 2:]
        return first.ravel(), second.ravel(), third.ravel()

    train_first, train_second, train_third = shifted(train_rows)
    first, second, third = shifted(valid_rows)
    counts = np.bincount(train_third, minlength=vocab_size) + 1.0
    unigram = (counts / counts.sum())[third]
    bigram = _discounted((train_second, train_third), (second, third), unigram, vocab_size)
    trigram = _discounted(
        (train_first * vocab_size + train_second, train_third),
        (first * vocab_size + second, third),
        bigram,
        vocab_size,
    )
    named = {"unigram": unigram, "bigram": bigram, "trigram": trigram}
    return {name: float(-np.log(values).mean()) for name, values in named.items()}
