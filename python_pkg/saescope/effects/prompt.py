"""A text that was run once, and all that effects on it start from."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from saescope.effects.ablation import Ablator
from saescope.effects.clean import CleanRun, never
from saescope.effects.targets import Aim, Target, aim
from saescope.effects.writing import Writer
from saescope.engine.encoder import Encoder, Nonzeros
from saescope.engine.live import Check
from saescope.types import Site


@dataclass
class Prompt:
    """One text's clean run, what fires on it, and its ablations.

    Parameters
    ----------
    tokens
        ``[seq]`` int64, BOS included where the SAE wants it.
    texts, raws
        What to show for each token, and the pieces as the tokenizer writes them.
    counted
        ``[seq]`` bool: the positions that count by the index's rule. Others are left alone unless asked for.
    run, nonzeros, ablator
        The clean run, the features that fire, and what measures changes.
    """

    tokens: NDArray[np.int64]
    texts: list[str]
    raws: list[str]
    counted: NDArray[np.bool_]
    run: CleanRun
    nonzeros: Nonzeros
    ablator: Ablator
    tokenizer: Any

    @property
    def n_tokens(self) -> int:
        """Tokens, BOS included."""
        return len(self.tokens)

    @property
    def n_vocab(self) -> int:
        """Width of the model's output."""
        return int(self.run.module.get_output_embeddings().weight.shape[0])

    @cached_property
    def features(self) -> NDArray[np.uint32]:
        """The features that fire on positions that count, rising."""
        return np.unique(self.nonzeros.features[self.counted[self.nonzeros.rows]])

    def activations(self, feature: int) -> NDArray[np.float32]:
        """A feature's activation on each token, ``[seq]`` float32."""
        own = self.nonzeros.features == feature
        made = np.zeros(self.n_tokens, dtype=np.float32)
        made[self.nonzeros.rows[own]] = self.nonzeros.values[own]
        return made

    @cached_property
    def likeliest(self) -> int:
        """The token that the model expects after the text."""
        return int(self.ablator.output(self.n_tokens - 1).log_p[-1].argmax())

    def aim(self, target: Target) -> Aim:
        """What to measure, for a target; see `targets.aim`."""
        return aim(self.tokenizer, self.tokens, self.likeliest, target, self.n_vocab)


def weights_version(model: Any) -> tuple[int, int, str]:
    """Changes when weights are written to in place, replaced or moved: then a clean run is no longer true."""
    total, first = 0, None
    for parameter in model.parameters():
        first = parameter if first is None else first
        total += parameter._version  # noqa: SLF001 - torch's own count of writes in place
    return total, first.data_ptr() if first is not None else 0, str(first.device) if first is not None else ""


def differentiable() -> torch.inference_mode:
    """Where what is computed can have slopes later, even when the caller is in torch's inference mode."""
    return torch.inference_mode(mode=False)


def run_prompt(
    model: Any, sae: Any, site: Site, tokens: NDArray[np.int64], check: Check = never
) -> tuple[CleanRun, Nonzeros, Ablator]:
    """Run tokens ``[seq]`` int64 and encode them.

    Raises
    ------
    ComputeError
        The model's output is not finite, or the SAE's features have no directions of their own.
    """
    run = CleanRun(model, site, torch.from_numpy(tokens), check)
    return run, Encoder(sae).encode(run.seen), Ablator(run, Writer(sae))
