"""A text run once as it is, and the later layers run again with the site changed.

1. The clean run goes through a structural clone and keeps what enters the first block that
   the site can reach, and every later layer's keys and values.
2. A changed run skips the blocks before, puts the kept tensor in, adds the change at the site,
   and computes only the positions from the first changed one on: earlier ones cannot see it.
3. Many changes run as rows of one batch, as many as the memory allows.

Rows equal a full forward pass with the change made by a hook, to rounding. Models whose
layers remember otherwise than by keys and values compute all positions; models that
accelerate has dispatched run whole, with the hook on the model itself while it lasts.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache

from saescope.effects.prefix import Pair, can_share, pairs_of, prefix_cache
from saescope.engine.clone import is_dispatched, structural_clone
from saescope.engine.hooking import hook_at
from saescope.errors import ComputeError
from saescope.sources.site import final_norm_path, find_blocks
from saescope.types import Site, SiteKind

Check = Callable[[], None]


def never() -> None:
    """Nobody wants to stop it."""


@dataclass(frozen=True)
class _Entry:
    """Where a changed run begins: the first block to run, and whether the change is added to what enters it."""

    block: int
    module: str
    is_kept: bool
    is_site: bool


class CleanRun:
    """One text's clean run, and what changed runs need of it.

    Parameters
    ----------
    model, site
        A transformers causal language model, and where an SAE reads and writes. The model is not
        changed; hooks of the user's own do not run here.
    tokens
        Token ids ``[seq]``, int64.
    check
        Called between layers, of changed runs too; what it raises stops the run.

    Raises
    ------
    ComputeError
        Nothing can be changed at the site, the pass never reached it, or the model's output is not finite.
    """

    def __init__(self, model: Any, site: Site, tokens: Tensor, check: Check = never) -> None:
        if not site.is_written:
            raise ComputeError(
                f"effects of features at {site.name} cannot be computed: {site.refusal}.",
                hint="What fires can be shown and indexed there.",
            )
        self.site = site
        self.check = check
        self._is_whole = is_dispatched(model)
        self._clone = model if self._is_whole else structural_clone(model)
        self._takes = set(inspect.signature(self._clone.forward).parameters)
        self._path, blocks = find_blocks(self._clone)
        self.n_blocks = len(blocks)
        self.device = self._clone.get_input_embeddings().weight.device
        self.tokens = tokens.to(self.device)[None]
        self.n_tokens = len(tokens)
        self._entry = self._find_entry()
        self._kept: dict[str, Tensor] = {}
        self._pairs: list[Pair] | None = None
        self._is_tuple = False
        self._run_clean()
        if not self._is_whole:
            self._skip()
            self._watch()

    @property
    def first(self) -> int:
        """The first block that a changed run computes."""
        return self._entry.block

    @property
    def has_prefix(self) -> bool:
        """Whether positions before a change are not computed again."""
        return self._pairs is not None

    @property
    def seen(self) -> Tensor:
        """What the SAE reads, ``[seq, d_in]``."""
        return self.site.seen(self._kept["site"])

    @property
    def final(self) -> Tensor:
        """What enters the final norm, ``[seq, d_model]``."""
        return self._kept["final"]

    @property
    def module(self) -> Any:
        """The clone that changed runs go through: for hooks that look at it while it runs."""
        return self._clone

    def _find_entry(self) -> _Entry:
        module, kind = self.site.writes_to
        rest = module.removeprefix(self._path + ".")
        if self._is_whole or rest == module:
            return _Entry(0, f"{self._path}.0", is_kept=False, is_site=False)
        number, _, inner = rest.partition(".")
        block = int(number) + (1 if not inner and kind == "output" else 0)
        at_end = block == self.n_blocks
        path = final_norm_path(self._clone) if at_end else f"{self._path}.{block}"
        return _Entry(block, path, is_kept=True, is_site=not inner)

    def _run_clean(self) -> None:
        handles = [
            self._keep(self.site.module, self.site.kind, "site"),
            self._keep(self._entry.module, "input", "entry"),
            self._keep(final_norm_path(self._clone), "input", "final"),
            self._clone.get_submodule(f"{self._path}.0").register_forward_hook(self._note_tuple),
        ]
        if not self._is_whole:
            handles += [b.register_forward_pre_hook(lambda *_: self.check()) for b in find_blocks(self._clone)[1]]
        cache = DynamicCache() if can_share(self._clone) and not self._is_whole else None
        try:
            with torch.no_grad():
                logits = self._call(self.tokens, cache=cache, n_last=1)
        finally:
            for handle in handles:
                handle.remove()
        missing = {"site", "entry", "final"} - set(self._kept)
        if missing:
            raise ComputeError(f"the forward pass never reached {self.site.module}.")
        if not torch.isfinite(logits).all() or not torch.isfinite(self._kept["site"]).all():
            raise ComputeError(
                f"the model's output on this text is not finite in {str(logits.dtype).removeprefix('torch.')}.",
                hint="Load the model in float32 or bfloat16; are its weights whole?",
            )
        self._pairs = None if cache is None else pairs_of(cache, self.n_blocks, self.n_tokens)

    def _note_tuple(self, _module: Any, _args: Any, output: Any) -> None:
        self._is_tuple = isinstance(output, tuple)

    def _keep(self, path: str, kind: SiteKind, name: str) -> Any:
        def keep(x: Tensor) -> None:
            self._kept[name] = x[0].detach().clone()

        return hook_at(self._clone, path, kind, keep)

    def _skip(self) -> None:
        """Let the blocks before the entry hand on what they are given."""
        blocks = find_blocks(self._clone)[1]
        for n in range(min(self.first, self.n_blocks)):
            blocks[n] = _Skipped(blocks[n], self._is_tuple)

    def _watch(self) -> None:
        for block in find_blocks(self._clone)[1]:
            block.register_forward_pre_hook(lambda *_: self.check())

    def _call(self, tokens: Tensor, *, cache: Any = None, start: int = 0, n_last: int = 0) -> Tensor:
        """Logits ``[n_rows, n_last or all, n_vocab]`` of tokens that stand at ``start``."""
        positions = torch.arange(start, start + tokens.shape[1], device=self.device)[None]
        options: dict[str, Any] = {"use_cache": cache is not None, "past_key_values": cache}
        options |= {"position_ids": positions, "logits_to_keep": n_last}
        wanted = {name: value for name, value in options.items() if name in self._takes}
        logits = self._clone(input_ids=tokens, **wanted).logits
        return logits[:, -n_last:] if n_last else logits

    def changed(self, deltas: Tensor | None, start: int, n_last: int, *, end: int | None = None) -> Tensor:
        """Logits with the site changed.

        Gradients flow from the result to ``deltas`` where they are enabled and wanted.

        Parameters
        ----------
        deltas
            What is added at the site, ``[n_rows, end - start, d]``; ``None`` runs one row as it is.
        start
            Position of the first change; earlier ones keep their activation. Without a prefix
            (`has_prefix`) all positions are computed.
        n_last
            Positions wanted, counted from the last.
        end
            Position after the last to run; by default all.

        Returns
        -------
        Tensor
            ``[n_rows, n_last, n_vocab]`` in the model's dtype.
        """
        end = self.n_tokens if end is None else end
        if self._pairs is None and start:
            deltas = None if deltas is None else torch.nn.functional.pad(deltas, (0, 0, start, 0))
            start = 0
        n_rows = 1 if deltas is None else len(deltas)
        tokens = self.tokens[:, start:end].expand(n_rows, -1)
        cache = None if self._pairs is None else prefix_cache(self._pairs, start, self.first)
        handles = []
        if self._entry.is_kept:
            entry = self._kept["entry"][None, start:end].expand(n_rows, -1, -1)
            if self._entry.is_site and deltas is not None:
                entry = entry + deltas.to(entry.dtype)
            handles.append(hook_at(self._clone, self._entry.module, "input", lambda _x: entry))
        if not self._entry.is_site and deltas is not None:
            handles.append(
                hook_at(self._clone, *self.site.writes_to, lambda x: x + self.site.placed(deltas.to(x.dtype)))
            )
        try:
            return self._call(tokens, cache=cache, start=start, n_last=n_last)
        finally:
            for handle in handles:
                handle.remove()


class _Skipped(torch.nn.Module):
    """A block that does nothing, and otherwise passes for the one it stands for."""

    def __init__(self, block: Any, is_tuple: bool) -> None:
        super().__init__()
        self.__dict__["_block"] = block
        self._is_tuple = is_tuple

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(self.__dict__["_block"], name)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        given = args[0] if args else kwargs["hidden_states"]
        return (given, None) if self._is_tuple else given
