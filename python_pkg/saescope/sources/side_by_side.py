"""Several models side by side, for crosscoders that read the same site of each.

1. All read the same token ids, so the first one's tokens must mean the same in the others.
2. What asks for a model's output, embedding or layers is given the first one's.
3. A site of one of them says which by ``Site.model``; `engine.reader` runs each as far as its site.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from saescope.errors import InputError, MismatchError, ModelSourceError
from saescope.sources.model import LoadedModel, load_model

MOST_MODELS = 8


class SideBySide(torch.nn.Module):
    """Models that run on the same tokens; the first is the one whose output counts."""

    def __init__(self, models: Sequence[Any]) -> None:
        super().__init__()
        self.models = torch.nn.ModuleList(models)
        self.base_model_prefix = self._prefix()

    @property
    def _first(self) -> Any:
        return self.models[0]

    def _prefix(self) -> str:
        first = self._first
        return "models.0" if first.base_model is first else f"models.0.{first.base_model_prefix}"

    @property
    def config(self) -> Any:
        """The first one's."""
        return self._first.config

    @property
    def dtype(self) -> torch.dtype:
        """The first one's."""
        return self._first.dtype

    @property
    def base_model(self) -> Any:
        """The first one's."""
        return self._first.base_model

    def get_input_embeddings(self) -> Any:
        """The first one's."""
        return self._first.get_input_embeddings()

    def get_output_embeddings(self) -> Any:
        """The first one's."""
        return self._first.get_output_embeddings()

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the first one."""
        return self._first(*args, **kwargs)


def load_side_by_side(models: Mapping[str, Any], *, device: str = "auto", dtype: Any = None) -> LoadedModel:
    """Load models by the names that a crosscoder has for them.

    Parameters
    ----------
    models
        A hub id, folder, model or ``(model, tokenizer)`` by name, in the order of the crosscoder's places.

    Raises
    ------
    InputError
        They are fewer than two or more than eight.
    ModelSourceError
        One cannot be loaded, or they lie on different devices.
    MismatchError
        Their tokenizers do not agree.
    """
    if not 2 <= len(models) <= MOST_MODELS:
        raise InputError(f"two to {MOST_MODELS} models can be read side by side, and {len(models)} came.")
    loaded = {name: load_model(model, device=device, dtype=dtype) for name, model in models.items()}
    first, *others = loaded.items()
    for name, other in others:
        _check_tokens(first[0], first[1], name, other)
        if other.device != first[1].device:
            raise ModelSourceError(
                f"{first[0]} lies on {first[1].device} and {name} on {other.device}.", hint="Load both onto one device."
            )
    made = SideBySide([one.model for one in loaded.values()]).eval()
    named = " and ".join(f"{one.name} ({name})" if one.name != name else name for name, one in loaded.items())
    return LoadedModel(made, first[1].tokenizer, named)


def _check_tokens(name: str, one: LoadedModel, other_name: str, other: LoadedModel) -> None:
    mine, theirs = one.tokenizer.get_vocab(), other.tokenizer.get_vocab()
    unlike = next((piece for piece, number in mine.items() if theirs.get(piece) != number), None)
    if unlike is not None:
        raise MismatchError(
            f"{name} and {other_name} do not have the same tokens: {unlike!r} is {mine[unlike]} in {name} and "
            f"{theirs.get(unlike, 'no token')} in {other_name}.",
            hint="A crosscoder reads both models on the same token ids: give models with one tokenizer.",
        )
