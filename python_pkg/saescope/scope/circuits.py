"""Circuits one step out: what writes to a feature, and what reads it."""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from saescope.errors import InputError, MismatchError
from saescope.index.store import check_feature
from saescope.scope.prompting import Prompting, Text
from saescope.scope.trying import Check, nothing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from saescope.effects.circuit.circuit import Circuit
    from saescope.effects.circuit.pair import Pair
    from saescope.effects.circuit.rows import Row, Side
    from saescope.effects.prompt import Prompt
    from saescope.effects.targets import Target

Direction = Literal["upstream", "downstream"]
SCHEMA = {
    "kind": pl.String,
    "layer": pl.Int32,
    "head": pl.Int32,
    "feature": pl.UInt32,
    "pos": pl.Int32,
    "source_token": pl.String,
    "score": pl.Float64,
    "share": pl.Float64,
    "method": pl.String,
    "is_exact": pl.Boolean,
    "baseline": pl.Float64,
}
SAME_SITE = (
    "Features of this SAE do not act on each other: they are read and written at one place, with nothing between. "
    "Give an SAE of another layer (upstream=, downstream=) for features."
)


class Circuits(Prompting):
    """What writes to a feature, and what reads it."""

    def circuit(
        self,
        feature: int,
        text: Text | None = None,
        pos: int | None = None,
        *,
        target: "Target" = None,
        direction: Direction = "upstream",
        by: Literal["weights", "text"] | None = None,
        upstream: Any = None,
        downstream: Any = None,
        k: int = 50,
        sources: bool = False,
    ) -> pl.DataFrame:
        """What writes to a feature, or what reads it, one step out: by the weights, or on a text.

        On a text, upstream, the embedding, heads and MLPs sum to the feature's pre-activation at ``pos``, which is
        its activation where it fires; downstream, the last steps of its effect on a target sum to the whole.

        Parameters
        ----------
        text
            A text or token ids; without one, the weights alone tell.
        pos
            Position of the feature; by default where it is strongest.
        target
            Downstream: a token expected after the text, as text or id, or two to contrast; by default the token
            that follows ``pos``.
        direction
            ``"upstream"``: what writes to it. ``"downstream"``: what reads it.
        by
            ``"weights"`` or ``"text"``; by default the text where there is one.
        upstream, downstream
            Another SAE of the same model whose features to tell too, of an earlier or a later site: a folder, a
            release, a sae-lens object, or a `Scope`.
        k
            At most so many features and tokens, and by weights heads and MLPs; on a text all parts of a sum are told.
        sources
            One row for each source token of a head, in place of one for the head.

        Returns
        -------
        polars.DataFrame
            ``kind`` (``embedding, head, attention, mlp, block, bias, direct, feature, token, error``)``, layer,
            head, feature, pos, source_token, score, share, method, is_exact, baseline``. On a text ``score``
            is what it adds: in units of the activation (upstream, and for downstream features), nats (or logits
            for a contrast), or probability (tokens); ``pos`` of a head is the source it takes most from; ``baseline``
            is the value without it. By weights ``score`` is a norm or a product, and ``baseline`` its mean over
            others: their ratio tells. ``error`` is what the parts leave. Features of another SAE are another
            account of the same activation: do not add them to the parts.

        Raises
        ------
        NeedsModelError, UnknownFeatureError
            Only an index is open, or there is no such feature.
        InputError
            A parameter is not what it should be, the feature does not fire on the text and ``pos`` is not given,
            or, downstream, it does not fire at ``pos``.
        ComputeError
            This SAE's or model's parts cannot be told apart.

        Notes
        -----
        Source: Elhage et al. (2021), "A Mathematical Framework for Transformer Circuits"; Dunefsky et al. (2024),
        "Transcoders find interpretable LLM feature circuits"; Marks et al. (2024), "Sparse feature circuits".

        Examples
        --------
        >>> text = "The ship was sunk by the Royal Navy"
        >>> writes = scope.circuit(scope.top_features(text, k=1)["feature"][0], text)
        >>> writes.height > 0
        True
        """
        self._check_circuit(text, by, direction, k)
        feature = check_feature(feature, self.n_features)
        if direction == "upstream":
            other = self._pair(upstream, is_upstream=True)
        else:
            other = self._pair(downstream, is_upstream=False)
        if text is None or by == "weights":
            with self._turn(nothing, nothing):
                sides = list(self.circuit_by_weights(feature, direction, other, k=k))
            return self._circuit_frame(sides, None)
        with self.prompted(text) as prompt:
            at = self.circuit_pos(prompt, feature, pos)
            sides = list(self.circuit_on_text(prompt, feature, at, direction, other, target=target, k=k))
            return self._circuit_frame(sides, prompt, k=k, sources=sources)

    def _check_circuit(self, text: Any, by: Any, direction: Any, k: Any) -> None:
        if direction not in ("upstream", "downstream"):
            raise InputError(f'direction is "upstream" or "downstream", and {direction!r} came.')
        if by not in (None, "weights", "text"):
            raise InputError(f'by is "weights" or "text", and {by!r} came.')
        if by == "text" and text is None:
            raise InputError("attribution on a text needs a text.", hint='Give text=…, or by="weights".')
        if isinstance(k, bool) or not isinstance(k, int) or k < 1:
            raise InputError(f"k is a number of rows, at least 1, and {k!r} came.")

    @cached_property
    def _circuits(self) -> dict[Any, Any]:
        return {}

    @property
    def _circuit(self) -> "Circuit":
        from saescope.effects.circuit.circuit import Circuit

        model, sae, site = self._need_model("telling a circuit")
        held = self._circuits.get("own")
        if held is None or held.model is not model.model or held.sae is not sae.sae:
            held = self._circuits["own"] = Circuit(model.model, sae.sae, site, len(self._pieces[0]))
        return held

    def _pair(self, spec: Any, *, is_upstream: bool) -> "Pair | None":
        """Another SAE of the same model; kept, as it may have been read from disk."""
        from saescope.effects.circuit.pair import Pair

        if spec is None:
            return None
        key = (str(spec) if isinstance(spec, str) else id(spec), is_upstream)
        own = self._circuit
        held, kept = self._circuits.get(key, (None, None))
        if held is None or kept is not spec or held.own is not own:
            held = Pair(own, *self._other(spec), is_upstream=is_upstream)
            self._circuits[key] = (held, spec)
        return held

    def _other(self, spec: Any) -> tuple[Any, Any]:
        from saescope.sources.fingerprint import fingerprint
        from saescope.sources.sae import load_sae
        from saescope.sources.site import find_site

        model, _, _ = self._need_model("telling a circuit")
        if not isinstance(spec, Circuits):
            loaded = load_sae(spec, device=str(model.device))
            return loaded.sae, find_site(model, loaded)
        theirs, sae, _ = spec.parts
        name = type(model.model).__name__
        if theirs.model is not model.model and fingerprint(theirs.model, name) != fingerprint(model.model, name):
            raise MismatchError(
                f"the other scope has another model: {theirs.name}, and this one has {model.name}.",
                hint="A circuit is one model's: load both SAEs with the same one.",
            )
        return sae.sae, find_site(model, sae)

    def circuit_pos(self, prompt: "Prompt", feature: int, pos: int | None) -> int:
        """The position to look at: the one given, or where the feature is strongest among tokens that count.

        Raises
        ------
        InputError
            There is no such position, or none is given and the feature does not fire.
        """
        if pos is not None:
            if isinstance(pos, bool) or not isinstance(pos, int | np.integer) or not 0 <= pos < prompt.n_tokens:
                raise InputError(f"pos is a position from 0 to {prompt.n_tokens - 1}, and {pos!r} came.")
            return int(pos)
        found = np.abs(prompt.activations(feature)) * prompt.counted
        if not found.any():
            raise InputError(
                f"feature {feature} does not fire on this text.",
                hint="Give pos= to see what makes up its pre-activation there.",
            )
        return int(found.argmax())

    def circuit_by_weights(
        self, feature: int, direction: Direction, other: "Pair | None" = None, *, k: int = 50, check: Check = nothing
    ) -> "Iterator[Side]":
        """What writes or reads by the weights: heads, MLPs and tokens; then features of another SAE."""
        from saescope.effects.circuit.rows import Side

        own = self._circuit
        is_up = direction == "upstream"
        yield (own.writes_by_weights if is_up else own.reads_by_weights)(feature, k, check)
        if other is None:
            return
        yield Side((other.upstream_by_weights if is_up else other.downstream_by_weights)(feature, k, check))

    def circuit_on_text(
        self,
        prompt: "Prompt",
        feature: int,
        pos: int,
        direction: Direction,
        other: "Pair | None" = None,
        *,
        target: "Target" = None,
        k: int = 50,
        check: Check = nothing,
    ) -> "Iterator[Side]":
        """What writes or reads on a text: the parts of the sum; then features of another SAE."""
        from saescope.effects.circuit.downstream import Aimed
        from saescope.effects.circuit.rows import Side

        own = self._circuit
        if direction == "upstream":
            yield own.writes_on_text(prompt, feature, pos, check)
            if other is not None:
                yield Side(other.upstream_on_text(prompt, feature, pos, k, check))
            return
        aim = prompt.aim(target)
        at = prompt.n_tokens - 1 if aim.is_given else pos
        yield own.reads_on_text(prompt, feature, pos, Aimed(at, int(aim.targets[at]), aim.contrast))[0]
        check()
        if other is not None:
            yield Side(other.downstream_on_text(prompt, feature, pos, k))

    def circuit_head(
        self, feature: int, layer: int, head: int, direction: Direction, *, k: int = 10
    ) -> "list[tuple[str, Row]]":
        """By weights: the tokens that a head copies into a feature, or those that it raises when it reads it.

        Returns
        -------
        list
            Each token's text, and its row.
        """
        with self._turn(nothing, nothing):
            rows = self._circuit.head_tokens(feature, layer, head, direction, k)
        return [(self.token_text(row.token), row) for row in rows]

    def circuit_sources(
        self, prompt: "Prompt", feature: int, pos: int, layer: int, head: int, *, check: Check = nothing
    ) -> "NDArray[np.float32] | None":
        """What a head adds to a feature's pre-activation from each token ``[seq]``, if that can be told."""
        found = self._circuit.decomposition(prompt, feature, pos, check)
        own = (part for part in found.parts if part.kind == "head" and (part.layer, part.head) == (layer, head))
        return next((part.sources for part in own), None)

    def preactivation(self, prompt: "Prompt", feature: int, pos: int) -> float:
        """A feature's pre-activation at a position."""
        x = prompt.run.seen[pos : pos + 1]
        return float(self._circuit.reading.preactivations(x, [feature])[0, 0])

    def circuit_pair(self, other: Any, direction: Direction) -> "Pair | None":
        """Another SAE of the same model, upstream or downstream of this one."""
        return self._pair(other, is_upstream=direction == "upstream")

    def turn(self, check: Check, on_wait: Callable[[], None]) -> Any:
        """The model for oneself, as a context."""
        return self._turn(check, on_wait)

    def token_text(self, token: int | None) -> str:
        """What to show for a token of the vocabulary."""
        texts = self._pieces[0]
        return "" if token is None else texts[token] if token < len(texts) else f"‹token {token}›"

    def _circuit_frame(
        self, sides: "list[Side]", prompt: "Prompt | None", *, k: int | None = None, sources: bool = False
    ) -> pl.DataFrame:
        from saescope.effects.circuit.rows import split_by_source

        rows = [row for side in sides for row in side.rows]
        if k is not None:
            tokens = [row for row in rows if row.kind == "token"][:k]
            rows = [row for row in rows if row.kind != "token"] + tokens
        if sources:
            rows = split_by_source(rows)
        shown: Callable[[Row], str | None] = lambda row: (  # noqa: E731
            self.token_text(row.token)
            if row.token is not None
            else prompt.texts[row.pos]
            if prompt is not None and row.pos is not None
            else None
        )
        records = [{name: getattr(row, name, None) for name in SCHEMA} | {"source_token": shown(row)} for row in rows]
        return pl.DataFrame(records, schema=SCHEMA)
