"""Sites that an SAE may have been meant for: near its own, and as wide."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from saescope.errors import SaescopeError
from saescope.sources.model import LoadedModel
from saescope.sources.sae import LoadedSae
from saescope.sources.site import IN_BLOCK, find_blocks, find_site
from saescope.types import Site

FURTHEST = 2
NEAR = (-1, 1, -FURTHEST, FURTHEST)
STREAM = ("hook_resid_mid", "hook_resid_post", "hook_attn_out", "hook_mlp_out", "attn.hook_z")
MLP_INPUTS = ("mlp.hook_in", "ln2.hook_normalized", "hook_mlp_in")
SAME = {
    "hook_resid_pre": ("hook_resid_post",),
    "hook_resid_post": ("hook_resid_pre",),
    "hook_mlp_in": ("hook_resid_mid",),
}


@dataclass(frozen=True)
class OtherSite:
    """A site that is tried.

    ``n_off`` is how many blocks later it is, where it is the same hook; 0 where it is another.
    """

    name: str
    name_out: str | None
    site: Site
    n_off: int


def other_sites(model: LoadedModel, sae: LoadedSae) -> Iterator[OtherSite]:
    """The same hook one and two blocks away, and other hooks of the same width in this block and its neighbors.

    Of transcoders what they read and what they write move together.
    """
    match = IN_BLOCK.match(sae.hook_name)
    if match is None or sae.hook_names:
        return
    layer, hook = int(match[1]), match[2]
    for by in NEAR:
        yield from _found(model, sae, layer + by, hook, by)
    kinds = MLP_INPUTS if sae.hook_name_out and sae.hook_name_out != sae.hook_name else STREAM
    for kind in kinds:
        if kind == hook or kind in SAME.get(hook, ()):
            continue
        for by in (0, -1, 1):
            if not sae.hook_name_out or by == 0:
                yield from _found(model, sae, layer + by, kind, 0)


def far_sites(model: LoadedModel, sae: LoadedSae, near: Sequence[OtherSite]) -> Iterator[OtherSite]:
    """The same hook in every other block, besides those that are ``near``."""
    match = IN_BLOCK.match(sae.hook_name)
    if match is None:
        return
    layer, hook = int(match[1]), match[2]
    known = {sae.hook_name, *(other.name for other in near)}
    for other in range(len(find_blocks(model.model)[1])):
        if f"blocks.{other}.{hook}" not in known:
            yield from _found(model, sae, other, hook, other - layer)


def _found(model: LoadedModel, sae: LoadedSae, layer: int, hook: str, n_off: int) -> Iterator[OtherSite]:
    if layer < 0:
        return
    out = sae.hook_name_out
    if out and n_off:
        match = IN_BLOCK.match(out)
        if match is None or int(match[1]) + n_off < 0:
            return
        out = f"blocks.{int(match[1]) + n_off}.{match[2]}"
    name = f"blocks.{layer}.{hook}"
    try:
        site = find_site(
            model, replace(sae, hook_name=name, hf_hook_name=None, hook_name_out=out, hf_hook_name_out=None)
        )
    except SaescopeError:
        return
    yield OtherSite(name, out, site, n_off)
