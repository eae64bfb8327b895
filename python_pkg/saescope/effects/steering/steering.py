"""What is added at the site while the model writes: a row of the batch for each condition.

1. The features' activations are computed from what the SAE reads now, where a change needs them.
2. What is added is the change of the activation times what the feature writes, so that the SAE's error,
   and every feature that is not named, stays as it is.
3. The first tokens of the context and special tokens are left alone; so is the prompt if only the
   answer is steered.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saescope.effects.steering.changes import Condition
from saescope.effects.writing import Writer
from saescope.engine.hooking import hook_at
from saescope.types import Site

CHUNK = 256
BY_COLUMN = ("standard", "jumprelu")

Where = Literal["all", "answer"]


class Steering:
    """What is added at a site, row by row.

    Parameters
    ----------
    sae
        A sae-lens SAE or transcoder.
    conditions
        One a row.
    units
        The activation that strength 1 means, by feature.

    Raises
    ------
    ComputeError
        The SAE's decoder mixes positions, so that no feature has a direction of its own.
    """

    def __init__(self, sae: Any, conditions: Sequence[Condition], units: Mapping[int, float]) -> None:
        self._sae = sae
        self.n_rows = len(conditions)
        self.features = sorted({c.feature for condition in conditions for c in condition.changes})
        place = {feature: i for i, feature in enumerate(self.features)}
        slopes = torch.zeros(self.n_rows, len(self.features), dtype=torch.float64)
        steps = torch.zeros_like(slopes)
        for row, condition in enumerate(conditions):
            for change in condition.changes:
                slopes[row, place[change.feature]], steps[row, place[change.feature]] = change.affine(
                    units[change.feature]
                )
        self._device: torch.device = sae.W_dec.device
        self._slopes, self._steps = slopes.float().to(self._device), steps.float().to(self._device)
        self._writer = Writer(sae) if self.features else None
        self._directions = self._writer.directions(self.features) if self._writer else None
        self._vectors = self._stack(conditions)
        self._needs_live = bool(slopes.any())

    def _stack(self, conditions: Sequence[Condition]) -> Tensor | None:
        known = [c.vector for c in conditions if c.vector is not None]
        if not known:
            return None
        zero = np.zeros_like(known[0])
        rows = [zero if c.vector is None else c.vector * np.float32(c.coefficient) for c in conditions]
        return torch.from_numpy(np.stack(rows)).to(self._device)

    @torch.no_grad()
    def added(self, seen: Tensor) -> Tensor:
        """What is added on every token, ``[n_rows, seq, d]`` float32; the SAE reads ``seen`` [n_rows, seq, d_in]."""
        n_rows, seq = seen.shape[:2]
        width = self._sae.W_dec.shape[1]
        made = torch.zeros(n_rows, seq, width, device=self._device)
        if self._directions is not None and self._writer is not None:
            flat = seen.flatten(0, 1).to(self._device)
            steps = self._steps[:, None].expand(-1, seq, -1)
            if self._needs_live:
                steps = steps + self._slopes[:, None] * self.activations(flat).view(n_rows, seq, -1)
            made = steps @ self._directions
            if self._writer.is_scaled:
                made = made * self._writer.scales(flat).view(n_rows, seq, 1)
        return made if self._vectors is None else made + self._vectors[:, None]

    @torch.no_grad()
    def activations(self, x: Tensor) -> Tensor:
        """The features' activations, ``[n, n_features]`` float32; the SAE reads ``x`` [n, d_in]."""
        if self._sae.cfg.architecture() in BY_COLUMN:
            return self._by_column(x).float()
        x = x.to(self._sae.W_dec.dtype)
        return torch.cat([_dense(self._sae.encode(part))[:, self.features] for part in x.split(CHUNK)]).float()

    def _by_column(self, x: Tensor) -> Tensor:
        """Of these features alone: a ReLU or JumpReLU looks at nothing else."""
        sae, features = self._sae, self.features
        x = sae.process_sae_in(x.to(sae.W_enc.dtype))
        found = x @ sae.W_enc[:, features] + sae.b_enc[features]
        if sae.cfg.architecture() == "standard":
            return found.relu()
        return found.relu() * (found > sae.threshold[features])

    @contextmanager
    def attached(self, model: Any, site: Site, places: "Places") -> Iterator[None]:
        """While it lasts, each row of a batch that goes through ``model`` is steered."""
        kept: list[Tensor] = []

        def read(x: Tensor) -> None:
            kept[:] = [site.seen(x)]

        def write(x: Tensor) -> Tensor:
            change = self.added(kept[0]).masked_fill_(places.is_left.to(self._device), 0.0)
            return x + site.placed(change.to(x.device, x.dtype))

        module, kind = site.writes_to
        handles = [
            model.register_forward_pre_hook(places.note, with_kwargs=True),
            hook_at(model, site.module, site.kind, read),
            hook_at(model, module, kind, write),
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()


class Places:
    """Which tokens of the text are steered.

    Parameters
    ----------
    first
        The first position that is.
    special
        Token ids that never are.
    n_tokens
        Tokens of the text so far: those that the model reads next are its last. ``is_left`` [n_rows, seq, 1]
        bool says which of those it reads are left alone.
    """

    def __init__(self, first: int, special: Sequence[int], n_tokens: int) -> None:
        self._first = first
        self._special = torch.tensor(list(special), dtype=torch.int64)
        self.n_tokens = n_tokens
        self.is_left = torch.zeros(0, dtype=torch.bool)

    def note(self, _model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Look at the tokens that the model is about to read."""
        ids = kwargs["input_ids"] if "input_ids" in kwargs else args[0]
        start = self.n_tokens - ids.shape[1]
        is_before = torch.arange(start, self.n_tokens, device=ids.device) < self._first
        self.is_left = (is_before | torch.isin(ids, self._special.to(ids.device)))[..., None]


def first_steered(where: Where, n_prompt: int, n_skipped: int) -> int:
    """The first position that is steered; the answer begins with the token that it is written from."""
    return max(1, n_skipped, n_prompt - 1 if where == "answer" else 0)


def special_ids(tokenizer: Any) -> NDArray[np.int64]:
    """The tokens that carry no text."""
    return np.array(sorted(int(i) for i in tokenizer.all_special_ids), dtype=np.int64)


def _dense(x: Tensor) -> Tensor:
    return x.to_dense() if x.layout != torch.strided else x
