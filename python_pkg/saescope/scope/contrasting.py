"""Prompts to steer on, and directions from a contrast of them."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from saescope.errors import InputError
from saescope.scope.prompting import Prompting
from saescope.scope.trying import Check, nothing
from saescope.scope.turns import Turns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from saescope.effects.steering.contrast import SteeringVector

N_VECTORS = 4

Messages = Sequence[dict[str, str]]
"""A conversation: mappings with ``role`` and ``content``."""


class Contrasting(Prompting):
    """Directions that tell one set of prompts from another."""

    def steering_vector(
        self,
        positive: "Sequence[str | Messages]",
        negative: "Sequence[str | Messages]",
        *,
        at: Literal["last", "mean"] = "last",
        chat: bool = False,
        check: Check = nothing,
        on_prompt: Callable[[int, int], None] = nothing,
    ) -> "SteeringVector":
        """A direction from a contrast of prompts, and the features that it moves.

        Source: contrastive activation addition, Rimsky et al. (2023).

        Parameters
        ----------
        positive, negative
            Prompts, as texts or conversations; best in pairs that differ in one thing.
        at
            Look at the ``"last"`` token, or the ``"mean"`` over all but the first and special ones.
        chat
            Texts are what the user says.
        check
            Called between layers; what it raises stops the work.
        on_prompt
            Told how many prompts are read, and of how many.

        Returns
        -------
        SteeringVector
            With ``vector``, ``features`` (a frame, the largest part of the vector first), ``norm``, ``agreement``
            of the pairs, and ``share_of_error``: what no feature stands for. `steer` takes it.

        Raises
        ------
        NeedsModelError
            Only an index is open.
        InputError
            A set is empty, or a prompt holds no token or more than the model takes.
        ComputeError
            The sets give the same activation, or the SAE's features have no directions of their own.
        """
        from saescope.effects.prompt import weights_version
        from saescope.effects.steering.contrast import Contrast
        from saescope.effects.steering.steering import special_ids

        model, sae, site = self._need_model("a direction from prompts")
        if at not in ("last", "mean"):
            raise InputError(f'at is "last" or "mean", and {at!r} came.')
        sets = [(_listed(positive, "positive"), True), (_listed(negative, "negative"), False)]
        todo = [(self.steered_prompt(p, chat=chat), is_positive) for prompts, is_positive in sets for p in prompts]
        versions = weights_version(model.model), weights_version(sae.sae)
        key = (at, versions, tuple((tokens.tobytes(), is_positive) for tokens, is_positive in todo))
        if key in self._vectors:
            self._vectors.move_to_end(key)
            return self._vectors[key]
        contrast = Contrast(model.model, sae.sae, site, at, special_ids(model.tokenizer))
        with Turns(self.lock, check, nothing) as turns:
            for n, (tokens, is_positive) in enumerate(todo):
                on_prompt(n, len(todo))
                contrast.read(tokens, is_positive=is_positive, check=check)
                turns.let_others()
            made = contrast.vector()
        self._vectors[key] = made
        while len(self._vectors) > N_VECTORS:
            self._vectors.popitem(last=False)
        return made

    @cached_property
    def _vectors(self) -> "OrderedDict[Any, SteeringVector]":
        return OrderedDict()

    def steered_prompt(self, prompt: Any, *, chat: bool = False) -> "NDArray[np.int64]":
        """The tokens ``[seq]`` of a prompt: a text, token ids, or a conversation.

        Raises
        ------
        NeedsModelError, InputError
            See `Scope.steer`.
        """
        from saescope.effects.steering.chat import chat_tokens

        tokenizer = self._need_model("steering")[0].tokenizer
        is_conversation = isinstance(prompt, list | tuple) and bool(prompt) and isinstance(prompt[0], dict)
        if chat and isinstance(prompt, str):
            if not prompt.strip():
                raise InputError("the user's message in the conversation is empty.", hint="Give some text.")
            prompt, is_conversation = [{"role": "user", "content": prompt}], True
        if not is_conversation:
            return self.tokens_of(prompt, what="steering")
        return self.tokens_of(chat_tokens(tokenizer, prompt).tolist(), what="steering")


def _listed(prompts: Any, which: str) -> list[Any]:
    if isinstance(prompts, str) or not isinstance(prompts, Sequence) or not prompts:
        raise InputError(f"the {which} prompts are a list of at least one, and {prompts!r} came.")
    return list(prompts)
