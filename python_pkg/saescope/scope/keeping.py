"""Results that are kept with the notes: a call, the table it gave, and what it was made with."""

import inspect
import time
from collections.abc import Mapping
from functools import cached_property
from importlib import metadata
from typing import Any

import polars as pl

from saescope._version import version
from saescope.errors import InputError, SaescopeError
from saescope.index.store import check_feature
from saescope.notes import kept as making
from saescope.notes.headlines import headline
from saescope.notes.kept import Kept
from saescope.notes.kept_calls import FEATURE_OF, args_as_json, check_args, check_method
from saescope.query.rerun import Rerun, compared
from saescope.scope.noting import Noting
from saescope.scope.trying import Check, OnStage, nothing, stoppable

RTOL, ATOL = 1e-3, 1e-4
PACKAGES = ("polars", "numpy", "torch", "transformers", "sae-lens")


class KeepingResults(Noting):
    """Keeps results with the notes, and runs their calls again."""

    def keep(self, feature: int | None, method: str, /, title: str = "", **arguments: Any) -> Kept:
        """Run a method and keep its call and its table with the notes.

        Parameters
        ----------
        feature
            What the result is about; ``None`` for a prompt.
        method
            A method of the scope that gives a table: ``"ablate"``, ``"effect_summary"``, ``"sweep"``, ``"steer"``,
            ``"attribute"``, ``"prompt"``, ``"circuit"``, ``"neighbors"``, ``"examples"``, ``"contrast"`` and others:
            ``saescope.notes.kept_calls.METHODS``.
        title
            One line of at most 300 characters; by default made from the call.
        **arguments
            The method's. The feature need not be given again.

        Returns
        -------
        Kept
            As it is on disk: ``id, feature, title, method, args, frame, fingerprints, versions, author, time, code``.
            Of long tables the first 2,000 rows, or as many as 1 MB of JSON holds: ``kept.cut`` says so.

        Raises
        ------
        UnknownNameError, InputError
            Its results cannot be kept, or it has no such argument.
        SaescopeError
            What the method raises; nothing is kept then.
        NotesError
            The notes cannot be written.

        Examples
        --------
        >>> import saescope
        >>> scope = saescope.demo()
        >>> kept = scope.keep(11, "neighbors", k=3)
        >>> kept.code
        'scope.neighbors(11, k=3)'
        >>> scope.unkeep(kept.id)
        """
        return self.keep_call(feature, method, args_as_json(arguments), title)

    def keep_call(
        self,
        feature: int | None,
        method: str,
        args: dict[str, Any],
        title: str = "",
        *,
        panel: Mapping[str, Any] | None = None,
        check: Check = nothing,
        on_stage: OnStage = nothing,
    ) -> Kept:
        """As `keep`, with the arguments as JSON (`saescope.notes.kept_calls`), and the panel they come from."""
        feature = None if feature is None else check_feature(feature, self.n_features)
        method, args = check_method(method), check_args(args)
        of = FEATURE_OF.get(method)
        if of is not None and of not in args and feature is not None:
            args = {of: feature, **args}
        making.texts.line(title, "a title", making.MAX_TITLE)
        frame = self.run_call(method, args, check=check, on_stage=on_stage)
        made = making.make(
            frame,
            feature=feature,
            title=title.strip() or self._title(method, args),
            method=method,
            args=args,
            headline=headline(method, args, frame),
            fingerprints=self.fingerprints,
            versions=versions(),
            author=self.notes.author,
            time_us=time.time_ns() // 1000,
            panel=panel,
        )
        self.notes.keep(made)
        return made

    def _title(self, method: str, args: dict[str, Any]) -> str:
        """A title made from the call; of token ids the text."""
        for name in ("text", "prompt"):
            ids = args.get(name)
            if isinstance(ids, list) and ids and all(type(i) is int for i in ids) and self.tokenizer is not None:
                args = args | {name: self.tokenizer.decode(ids, skip_special_tokens=True)}
        return making.made_title(method, args)

    def run_call(
        self, method: str, args: dict[str, Any], *, check: Check = nothing, on_stage: OnStage = nothing
    ) -> pl.DataFrame:
        """The table that a call gives; the arguments are JSON.

        Raises
        ------
        InputError
            The method has no such argument, or lacks one.
        SaescopeError
            What the method raises.
        """
        run = getattr(self, check_method(method))
        with stoppable(check, on_stage):
            given = {name: self._given(value) for name, value in check_args(args).items()}
            try:
                inspect.signature(run).bind(**given)
            except TypeError as err:
                raise InputError(f"{method} does not take these arguments: {err}.") from err
            try:
                return run(**given)
            except SaescopeError:
                raise
            except (TypeError, ValueError, OverflowError, AttributeError, KeyError, IndexError) as err:
                raise InputError(f"{method} cannot be run with these arguments: {err!s:.200}.") from err

    def _given(self, value: Any) -> Any:
        """An argument as Python takes it."""
        if isinstance(value, list):
            return [self._given(v) for v in value]
        if not isinstance(value, dict):
            return value
        tag, of = next(iter(value.items())) if len(value) == 1 else ("", None)
        if tag == "()":
            return tuple(self._given(of))
        if tag == "{}":
            return {self._given(k): self._given(v) for k, v in of or []}
        if tag in ("scope.steering_vector", "saescope.Rule"):
            from saescope.index.rule import Rule

            call: Any = Rule if tag == "saescope.Rule" else getattr(self, "steering_vector")  # noqa: B009
            try:
                return call(**{k: self._given(v) for k, v in (of or {}).items()})
            except TypeError as err:
                raise InputError(f"{tag} does not take these arguments: {err}.") from err
        return {k: self._given(v) for k, v in value.items()}

    def kept(self, feature: int | None = None) -> tuple[Kept, ...]:
        """The results that are kept, of one feature or of all (those of prompts too), the newest last.

        Raises
        ------
        UnknownFeatureError
            There is no such feature.
        NotesError
            The notes cannot be read.
        """
        return self.notes.kept(feature)

    def kept_table(self, feature: int | None = None) -> pl.DataFrame:
        """The results that are kept, one row each, the newest last.

        Returns
        -------
        polars.DataFrame
            ``id, feature`` (null for a prompt)``, title, method, headline, author, time`` (UTC)``, code, n_rows``.
        """
        return self.notes.kept_table(feature)

    def unkeep(self, kept: str | Kept) -> None:
        """Take a kept result away; ``scope.notes.undo(kept)`` brings it back.

        Raises
        ------
        UnknownNameError
            There is none of this id.
        """
        self.notes.unkeep(kept)

    def rerun(
        self,
        kept: str | Kept,
        *,
        rtol: float = RTOL,
        atol: float = ATOL,
        check: Check = nothing,
        on_stage: OnStage = nothing,
    ) -> Rerun:
        """Run a kept result's call again, and compare.

        Parameters
        ----------
        kept
            It, or its id.
        rtol, atol
            Numbers are the same within ``atol + rtol * size``.

        Returns
        -------
        Rerun
            ``frame`` (the new table; ``None`` when the call failed)``, is_same, differences`` (texts)``, changed``
            (what of model, SAE, index and corpus is another now)``, failure`` (why the call failed; else empty).

        Raises
        ------
        UnknownNameError
            There is none of this id.

        Examples
        --------
        >>> kept = scope.keep(11, "neighbors", k=3)
        >>> scope.rerun(kept).is_same
        True
        >>> scope.unkeep(kept.id)
        """
        kept = self.notes.kept_result(kept) if isinstance(kept, str) else kept
        changed = changes_of(kept.fingerprints, self.fingerprints)
        try:
            frame = self.run_call(kept.method, kept.args, check=check, on_stage=on_stage)
        except SaescopeError as err:
            if err.code == "cancelled":
                raise
            return Rerun(None, (), changed, f"{err.message} {err.hint or ''}".strip())
        return Rerun(frame, compared(kept.frame, frame, n_rows=kept.n_rows, rtol=rtol, atol=atol), changed, "")

    @property
    def fingerprints(self) -> dict[str, str]:
        """Hashes of the ``model``, the ``sae``, the ``index`` and its ``corpus``, as far as there are."""
        found = {"sae": self._sae_fingerprint}
        if self._index is None:
            return found | {"model": self._model_fingerprint}
        m = self._index.manifest
        index = making.digest([m.identity(), *sorted((p.name, p.digest) for p in m.parts), m.is_complete])
        of_model = self._model_fingerprint or m.model["fingerprint"]
        found |= {"model": of_model, "index": index, "corpus": str(m.corpus.get("fingerprint", ""))}
        return {name: value for name, value in found.items() if value}

    @cached_property
    def _model_fingerprint(self) -> str:
        if self._model is None:
            return ""
        from saescope.sources.fingerprint import fingerprint

        return fingerprint(self._model.model, type(self._model.model).__name__)


def changes_of(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """What is another than it was, in words."""
    names = {"model": "model", "sae": "SAE", "index": "index", "corpus": "corpus"}
    told = []
    for name, word in names.items():
        old, new = before.get(name, ""), now.get(name, "")
        if old == new:
            continue
        told.append(
            f"there was no {word} then ({new:.8} now)" if not old
            else f"the {word} {old:.8} is not there" if not new
            else f"another {word}: {new:.8}, and {old:.8} then"
        )  # fmt: skip
    return tuple(told)


def versions() -> dict[str, str]:
    """Versions of saescope and of the packages it computes with, as far as they are there; imports none."""
    found = {"saescope": version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
