"""Features of another SAE of the same model, before or after: which of them write to a feature, which read it."""

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from saescope.effects.circuit.between import (
    Between,
    Pull,
    Tie,
    check_order,
    followed,
    leading_ties,
    ties_downstream,
    ties_upstream,
)
from saescope.effects.circuit.circuit import Circuit
from saescope.effects.circuit.rows import ABLATION, GRADIENT, WEIGHTS, Row
from saescope.effects.clean import CleanRun
from saescope.effects.prompt import Prompt
from saescope.engine.encoder import Encoder
from saescope.types import Site

N_VERIFIED = 24
Check = Callable[[], None]


class Pair:
    """An SAE and another, earlier or later one.

    Parameters
    ----------
    own
        The SAE whose feature is looked at.
    sae, site
        The other SAE, and where it reads and writes.
    is_upstream
        Whether the other one comes before.

    Raises
    ------
    InputError
        It does not.
    """

    def __init__(self, own: Circuit, sae: Any, site: Site, *, is_upstream: bool) -> None:
        self.own = own
        self.other = Circuit(own.model, sae, site, own.n_tokens)
        self._up, self._down = (self.other, own) if is_upstream else (own, self.other)
        self._places = (self._up.writes_at, self._down.reads_at)
        check_order(*self._places, (self._up.site.name, self._down.site.name))
        self._between: WeakKeyDictionary[CleanRun, Between] = WeakKeyDictionary()

    def upstream_by_weights(self, feature: int, k: int, check: Check) -> list[Row]:
        """The features of the earlier SAE most tied to one, directly and through the heads between."""
        up, down = self._up, self._down
        paths = ties_upstream(down.blocks, self._places, up.writer, down.reading, feature, up.n_features, check)
        return [_tied(tie) for tie in leading_ties(paths, k)]

    def downstream_by_weights(self, feature: int, k: int, check: Check) -> list[Row]:
        """The features of the later SAE most tied to one, directly and through the heads between."""
        up, down = self._up, self._down
        paths = ties_downstream(up.blocks, self._places, up.writer, down.reading, feature, check)
        return [_tied(tie) for tie in leading_ties(paths, k)]

    def upstream_on_text(self, prompt: Prompt, feature: int, pos: int, k: int, check: Check) -> list[Row]:
        """The features of the earlier SAE that bring about one's pre-activation; those that lead are exact."""
        between = self._between.get(prompt.run)
        if between is None:
            run = CleanRun(self.own.model, self._up.site, torch.from_numpy(prompt.tokens), check)
            between = Between(run, Encoder(self._up.sae).encode(run.seen), self._up.writer, self._down.reading)
            self._between[prompt.run] = between
        between.run.check = check
        pulls = between.pulls(feature, pos)[:k]
        value = float(between.preactivation(feature, pos))
        exact = between.verified(pulls[:N_VERIFIED], feature, pos, check)
        found = sorted(exact, key=lambda p: -abs(p.score)) + pulls[N_VERIFIED:]
        return [_pulled(pull, value) for pull in found]

    def downstream_on_text(self, prompt: Prompt, feature: int, pos: int, k: int) -> list[Row]:
        """The features of the later SAE whose activations change most when one is taken out: exact."""
        delta: Tensor = self.own.removal(prompt, feature, pos)
        found = followed(prompt.run, delta, pos, self._down.sae, self._down.site)
        columns = (found.positions, found.features, found.clean, found.changed)
        return [
            Row("feature", float(a - b), ABLATION, True, feature=int(f), pos=int(p), baseline=float(b))
            for p, f, a, b in list(zip(*columns, strict=True))[:k]
        ]


def _tied(tie: Tie) -> Row:
    where = (tie.layer, tie.head, tie.feature)
    return Row("feature", tie.score, WEIGHTS, False, *where, baseline=tie.baseline)


def _pulled(pull: Pull, value: float) -> Row:
    method = ABLATION if pull.is_exact else GRADIENT
    baseline = value - pull.score if pull.is_exact else None
    return Row("feature", pull.score, method, pull.is_exact, feature=pull.feature, pos=pull.pos, baseline=baseline)
