"""The nearest rows of every row, exactly, by blocks of products in single precision."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saescope.types import Progress

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

Best = Callable[[slice], tuple[Floats, Ints]]

QUERIES = 1 << 10
KEYS = 1 << 14


def nearest(rows: NDArray[Any], k: int, progress: Progress) -> tuple[Ints, Floats]:
    """The ``k`` nearest rows of each by cosine, itself first.

    Parameters
    ----------
    rows
        Unit rows ``[n, d_in]``, ``n > k``.
    progress
        Told how many rows have been asked for.

    Returns
    -------
    tuple
        Row numbers ``[n, k]`` int64, and cosine distances ``[n, k]`` float32, from 0 to 2, rising.
    """
    n = len(rows)
    of, distances = np.empty((n, k), dtype=np.int64), np.empty((n, k), dtype=np.float32)
    torch = sys.modules.get("torch")
    has_gpu = torch is not None and torch.cuda.is_available()
    best_of = _best_by_torch(torch, rows, k, "cuda") if has_gpu else _best_by_numpy(rows, k)
    progress.start("Finding neighbors", n, "feature")
    for low in range(0, n, QUERIES):
        asked = slice(low, min(low + QUERIES, n))
        scores, found = best_of(asked)
        own = np.arange(asked.start, asked.stop)[:, None]
        scores[found == own] = np.inf
        order = np.lexsort((found, -scores), axis=1)
        of[asked] = np.take_along_axis(found, order, axis=1)
        distances[asked] = np.clip(1 - np.take_along_axis(scores, order, axis=1), 0, 2)
        of[asked, 0], distances[asked, 0] = own[:, 0], 0
        progress.advance(asked.stop - asked.start)
    progress.finish()
    return of, distances


def _best_by_numpy(rows: NDArray[Any], k: int) -> Best:
    def best(asked: slice) -> tuple[Floats, Ints]:
        queries = rows[asked].astype(np.float32)
        scores, found = np.zeros((len(queries), 0), dtype=np.float32), np.zeros((len(queries), 0), dtype=np.int64)
        for low in range(0, len(rows), KEYS):
            products = queries @ rows[low : low + KEYS].astype(np.float32).T
            numbers = np.broadcast_to(np.arange(low, low + products.shape[1]), products.shape)
            scores, found = np.concatenate([scores, products], axis=1), np.concatenate([found, numbers], axis=1)
            kept = np.argpartition(-scores, min(k, scores.shape[1]) - 1, axis=1)[:, :k]
            scores = np.asarray(np.take_along_axis(scores, kept, axis=1), dtype=np.float32)
            found = np.asarray(np.take_along_axis(found, kept, axis=1), dtype=np.int64)
        return scores, found

    return best


def _best_by_torch(torch: Any, rows: NDArray[Any], k: int, device: str) -> Best:
    """The same on a GPU, where something else has imported torch and there is one."""
    held = torch.from_numpy(np.array(rows)).to(device)

    def best(asked: slice) -> tuple[Floats, Ints]:
        queries = held[asked].float()
        scores, found = queries[:, :0], queries[:, :0].long()
        for low in range(0, len(held), KEYS):
            products = queries @ held[low : low + KEYS].float().T
            top, at = products.topk(min(k, products.shape[1]), dim=1)
            scores, found = torch.cat([scores, top], dim=1), torch.cat([found, at + low], dim=1)
            scores, order = scores.topk(min(k, scores.shape[1]), dim=1)
            found = found.gather(1, order)
        return scores.cpu().numpy(), found.cpu().numpy()

    return best
