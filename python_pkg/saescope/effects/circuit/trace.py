"""One run of a text to a site, keeping what every block adds to the residual stream on the way.

1. The run goes through a structural clone whose own copy of the configuration asks for eager attention,
   so that attention weights come out; it ends at the site.
2. Of each block are kept what enters its last attention projection (the heads' ``z``), the attention weights,
   the values (from the cache), and what attention and MLP add, after norms of their own if there are such.
3. A block whose output is not its input plus these two is kept as one part.

Softcaps, sliding windows and shared key-value heads are the model's own code. Positions are all kept where
that is little memory, otherwise those asked for.
"""

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache

from saescope.effects.circuit.blocks import Blocks, Heads
from saescope.effects.circuit.place import Place, place_of
from saescope.effects.prefix import can_share
from saescope.engine.clone import is_dispatched, structural_clone
from saescope.errors import ComputeError
from saescope.types import Site

BUDGET_BYTES = 192 << 20
CLOSE = 1e-3
Check = Callable[[], None]


class Reached(Exception):  # noqa: N818 - not an error: the way out of the pass
    """The site was reached."""


@dataclass
class BlockTrace:
    """What one block added, at the positions kept ``[n_pos, ...]``; ``None`` for what could not be told.

    ``z`` [n_pos, n_heads, d_head] enters the last projection, whose output is ``raw`` [n_pos, d]; ``attention``
    and ``mlp`` [n_pos, d] are added to the stream, ``whole`` [n_pos, d] is what the block adds where they do
    not tell. ``weights`` [n_pos, n_heads, seq] and ``values`` [n_kv, seq, d_head] are those of its attention.
    """

    number: int
    heads: Heads | None
    z: Tensor | None = None
    raw: Tensor | None = None
    attention: Tensor | None = None
    mlp: Tensor | None = None
    whole: Tensor | None = None
    weights: Tensor | None = None
    values: Tensor | None = None


@dataclass
class Trace:
    """A text's run to a site: what the stream began with, what each block added, and the site's activation.

    ``start`` and ``site`` are ``[n_pos, d]``; ``positions`` [n_pos] says which tokens they are of. For the
    input of an MLP, ``stream`` [n_pos, d] is what its norm reads, ``norm`` the norm, and ``is_parallel`` whether
    that holds no attention of the same block.
    """

    place: Place
    positions: list[int]
    start: Tensor
    site: Tensor
    blocks: list[BlockTrace]
    model: Blocks
    stream: Tensor | None = None
    norm: Any = None
    is_parallel: bool = False
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    def row(self, pos: int) -> int | None:
        """Where a position is among those kept."""
        return self.positions.index(pos) if pos in self.positions else None


def eager_clone(model: Any) -> Any:
    """A structural clone with eager attention; the model's own configuration stays as it is."""
    clone = structural_clone(model).eval()
    made: dict[int, Any] = {}
    for module in clone.modules():
        config = module.__dict__.get("config")
        if config is None or not hasattr(config, "_attn_implementation"):
            continue
        if id(config) not in made:
            made[id(config)] = copy.deepcopy(config)
            made[id(config)]._attn_implementation = "eager"  # noqa: SLF001 - as transformers sets it
        module.__dict__["config"] = made[id(config)]
    return clone


def first_of(found: Any) -> Tensor:
    """A module's tensor ``[seq, d]`` of the only text in the batch."""
    tensor = found[0] if isinstance(found, tuple) else found
    return tensor[0] if tensor.ndim == 3 else tensor


class Tracer:
    """Traces texts on the way to one site.

    Parameters
    ----------
    model, site
        A transformers causal language model, which is not changed, and where to end.
    check
        Called before each block; what it raises stops the run.
    """

    def __init__(self, model: Any, site: Site, check: Check) -> None:
        self._is_whole = is_dispatched(model)
        self._model = model if self._is_whole else eager_clone(model)
        self._site = site
        self._check = check
        self._blocks = Blocks(self._model)
        self._place = place_of(self._model, site.module, site.kind)

    @property
    def n_blocks(self) -> int:
        """Blocks that the site depends on, the one that it is in included."""
        place = self._place
        return max(place.block, 0) if place.stage == "stream" else place.block + 1

    def run(self, tokens: Tensor, pos: int) -> Trace:
        """Run tokens ``[seq]``, keeping all positions or ``pos`` alone.

        Raises
        ------
        ComputeError
            The pass never reached the site.
        """
        n_tokens = len(tokens)
        config = self._blocks.config
        per_pos = 4 * (6 * self._blocks.width + int(config.num_attention_heads) * n_tokens) * max(self.n_blocks, 1)
        positions = list(range(n_tokens)) if per_pos * n_tokens < BUDGET_BYTES else [pos]
        keep = _Keep(self._model, self._blocks, self._site, positions, self.n_blocks, self._check)
        can_cache = can_share(self._model) and not self._is_whole
        cache = DynamicCache() if can_cache else None
        takes = set(inspect.signature(self._model.forward).parameters)
        options = {"use_cache": cache is not None, "past_key_values": cache, "logits_to_keep": 1}
        try:
            with torch.no_grad():
                device = self._model.get_input_embeddings().weight.device
                self._model(input_ids=tokens[None].to(device), **{k: v for k, v in options.items() if k in takes})
        except Reached:
            pass
        finally:
            keep.close()
        return keep.trace(self._place, cache)


class _Keep:
    """The hooks of one run."""

    def __init__(
        self, model: Any, blocks: Blocks, site: Site, positions: list[int], n_blocks: int, check: Check
    ) -> None:
        self._model, self._all, self._site, self._positions = model, blocks, site, positions
        self._check = check
        self._handles: list[Any] = []
        self._found: dict[Any, Tensor] = {}
        self._blocks = [BlockTrace(n, blocks.paths(n).heads) for n in range(n_blocks)]
        self._passed: list[tuple[Tensor, Tensor, Any]] = []
        self._norm: Any = None
        self._hook(f"{blocks.path}.0", "input", "start")
        for block in self._blocks:
            self._watch(block)
        if site.kind == "input" and site.module.removeprefix(blocks.path + ".").count("."):
            self._watch_norms(site.module.rpartition(".")[0])
        self._hook(site.module, site.kind, "site", ends=True)

    def close(self) -> None:
        for handle in self._handles:
            handle.remove()

    def _rows(self, found: Any) -> Tensor:
        return first_of(found)[self._positions].detach().float()

    def _hook(self, path: str, kind: str, name: Any, *, ends: bool = False) -> None:
        module = self._model.get_submodule(path)

        def on_input(_module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            found = args[0] if args else kwargs["hidden_states"]
            self._take(name, found, ends)

        def on_output(_module: Any, _args: Any, output: Any) -> None:
            self._take(name, output, ends)

        if kind == "input":
            self._handles.append(module.register_forward_pre_hook(on_input, with_kwargs=True))
        else:
            self._handles.append(module.register_forward_hook(on_output))

    def _take(self, name: Any, found: Any, ends: bool) -> None:
        self._found[name] = self._rows(found)
        if ends:
            tensor = found[0] if isinstance(found, tuple) else found
            self._norm = next(((x, norm) for x, y, norm in self._passed if y is tensor), None)
            raise Reached

    def _watch(self, block: BlockTrace) -> None:
        paths = self._all.paths(block.number)
        module = self._model.get_submodule(paths.path)
        self._handles.append(module.register_forward_pre_hook(lambda *_: self._check()))
        self._hook(paths.path, "input", (block.number, "in"))
        if paths.heads:
            self._hook(paths.heads.out_path, "input", (block.number, "z"))
            self._hook(paths.heads.out_path, "output", (block.number, "raw"))
            self._hook(paths.heads.added_path, "output", (block.number, "attention"))
            attention = self._model.get_submodule(paths.heads.path)
            self._handles.append(attention.register_forward_hook(lambda _m, _a, out: self._weights(block, out)))
        if paths.mlp:
            self._hook(paths.mlp, "output", (block.number, "mlp"))
        self._handles.append(module.register_forward_hook(lambda _m, _a, out: self._close(block, out)))

    def _watch_norms(self, path: str) -> None:
        """Keep what each child of the site's block makes, to know which of them is the norm that the site is."""
        for child in self._model.get_submodule(path).children():
            self._handles.append(child.register_forward_hook(self._pass))

    def _pass(self, module: Any, args: tuple[Any, ...], output: Any) -> None:
        if args and isinstance(output, Tensor):
            self._passed.append((args[0], output, module))

    def _weights(self, block: BlockTrace, output: Any) -> None:
        found = output[1] if isinstance(output, tuple) and len(output) > 1 else None
        if isinstance(found, Tensor) and found.ndim == 4:
            block.weights = found[0][:, self._positions].transpose(0, 1).detach().float()

    def _close(self, block: BlockTrace, output: Any) -> None:
        """At a block's end: whether it is a sum of what attention and MLP add."""
        before, after = self._found[block.number, "in"], self._rows(output)
        self._settle(block)
        if block.attention is not None and block.mlp is not None:
            rest = after - before - block.attention - block.mlp
            if float(rest.norm()) <= CLOSE * float((after - before).norm()) + 1e-6 * float(after.norm()):
                return
        block.whole, block.heads = after - before, None

    def _settle(self, block: BlockTrace) -> None:
        """Take over what the hooks have found of a block, as far as it has run."""
        factor = self._all.multiplier
        for name in ("attention", "mlp"):
            found = self._found.get((block.number, name))
            setattr(block, name, None if found is None else found * factor)
        block.raw = self._found.get((block.number, "raw"))
        z = self._found.get((block.number, "z"))
        if z is not None and block.heads is not None:
            block.z = z.reshape(len(z), block.heads.n_heads, block.heads.d_head)

    def trace(self, place: Place, cache: Any) -> Trace:
        """What was found."""
        missing = {"site"} - set(self._found)
        if missing:
            raise ComputeError(f"the forward pass never reached {self._site.module}.")
        start = self._found.get("start", self._found["site"])
        made = Trace(place, self._positions, start, self._found["site"], self._blocks, self._all)
        for n, block in enumerate(self._blocks):
            self._settle(block)
            values = getattr(cache.layers[n], "values", None) if cache and n < len(cache.layers) else None
            block.values = values[0].float() if isinstance(values, Tensor) and values.ndim == 4 else None
        if place.stage == "mlp_input" and self._norm is not None:
            stream, made.norm = self._norm
            made.stream = self._rows(stream)
            block = self._blocks[-1]
            before = self._found[block.number, "in"]
            made.is_parallel = float((made.stream - before).norm()) <= CLOSE * float(made.stream.norm())
        return made
