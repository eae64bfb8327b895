"""What is measured of a change of the model's output; each quantity is defined here and nowhere else.

With the clean run's probabilities ``p`` and the changed run's ``q`` of the next token after a position:

- log-probability: ``log q(t)`` of the target ``t``, in nats; its change ``log q(t) - log p(t)``.
- KL: ``sum_v p(v) (log p(v) - log q(v))``, in nats, from the model's own distribution to the changed one
  (Kullback and Leibler, 1951); float32, so below about 1e-6 it is noise.
- loss: ``-log q(t)`` of the token that follows in the text.
- raised and lowered: the tokens with the largest ``q(v) - p(v)`` and ``p(v) - q(v)``.
- contrast: ``logit(t) - logit(u)``, which the normalisation of the probabilities does not touch.
- metric: what is attributed to features: the log-probability of a target, or its contrast with another token.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from saescope.engine.lens import largest


@dataclass(frozen=True)
class Output:
    """The model's output at some positions of a clean run.

    ``logits`` [n_pos, n_vocab] float32; ``log_p`` the same as log-probabilities, nats.
    """

    logits: Tensor
    log_p: Tensor

    @classmethod
    def of(cls, logits: Tensor) -> "Output":
        """From logits ``[n_pos, n_vocab]``."""
        logits = logits.float()
        return cls(logits, logits.log_softmax(-1))


@dataclass(frozen=True)
class Moved:
    """The tokens whose probability moved most: ids, and probability before and after.

    ``[n_rows, k]`` each, of the last position, or ``[n_rows, n_pos, k]`` of all.
    """

    ids: Tensor
    before: Tensor
    after: Tensor


@dataclass(frozen=True)
class Change:
    """What changed from a clean output to changed ones.

    ``logprob`` and ``delta_logprob`` [n_rows, n_pos] float32, nats, of each position's target, after the
    change, and after less before; ``kl`` [n_rows, n_pos] float32, nats; ``delta_contrast`` [n_rows, n_pos] in
    logits, where there is something to contrast with; ``raised`` and ``lowered`` at the last position, or at all.
    """

    logprob: Tensor
    delta_logprob: Tensor
    kl: Tensor
    delta_contrast: Tensor | None
    raised: Moved | None
    lowered: Moved | None


def change_of(
    clean: Output,
    logits: Tensor,
    targets: Tensor,
    contrast: Tensor | None = None,
    *,
    n_moved: int = 0,
    moves_everywhere: bool = False,
) -> Change:
    """Compare changed outputs with the clean one.

    Parameters
    ----------
    clean
        At the same ``n_pos`` positions.
    logits
        ``[n_rows, n_pos, n_vocab]``, float32; overwritten.
    targets, contrast
        Token ids ``[n_pos]``; the second is what the first is compared with.
    n_moved
        So many raised and lowered tokens of the last position.
    moves_everywhere
        Of all positions instead.
    """
    logits = logits.float()
    own = targets.expand(len(logits), -1)[..., None]
    delta_contrast = None
    if contrast is not None:
        before = clean.logits.gather(-1, targets[:, None]) - clean.logits.gather(-1, contrast[:, None])
        other = contrast.expand(len(logits), -1)[..., None]
        delta_contrast = (logits.gather(-1, own) - logits.gather(-1, other) - before).squeeze(-1)
    log_q = logits.log_softmax(-1)
    logprob = log_q.gather(-1, own).squeeze(-1)
    delta = logprob - clean.log_p.gather(-1, targets[:, None]).squeeze(-1)
    raised = lowered = None
    if n_moved:
        which = slice(None) if moves_everywhere else -1
        p, q = clean.log_p[which].exp(), log_q[:, which].exp()
        raised, lowered = _moved(p, q, q - p, n_moved), _moved(p, q, p - q, n_moved)
    p = clean.log_p.exp()
    kl = torch.sub(clean.log_p, log_q, out=log_q).mul_(p).sum(-1).clamp_(min=0)
    return Change(logprob, delta, kl, delta_contrast, raised, lowered)


def _moved(p: Tensor, q: Tensor, by: Tensor, k: int) -> Moved:
    ids = largest(by.flatten(0, -2), min(k, by.shape[-1]))[1].view(*by.shape[:-1], -1)
    return Moved(ids, p.expand_as(q).gather(-1, ids), q.gather(-1, ids))


def metric_of(logits: Tensor, target: int, contrast: int | None = None) -> Tensor:
    """What is attributed: ``log q(t)`` in nats, or with a contrast ``logit(t) - logit(u)``.

    Parameters
    ----------
    logits
        ``[n_rows, n_vocab]``.
    target, contrast
        Token ids.

    Returns
    -------
    Tensor
        ``[n_rows]`` float32.
    """
    logits = logits.float()
    if contrast is None:
        return logits.log_softmax(-1)[:, target]
    return logits[:, target] - logits[:, contrast]


def kl_of(log_p: Tensor, log_q: Tensor) -> Tensor:
    """KL from ``p`` to ``q`` over the last axis, nats."""
    return (log_p.exp() * (log_p - log_q)).sum(-1).clamp(min=0)
