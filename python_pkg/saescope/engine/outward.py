"""What is written at a site, as the residual stream gets it.

The outputs of heads and the MLP's hidden layer reach the stream through one matrix, which rows are
multiplied by here; a norm after attention or the MLP (Gemma-2 and -3), which scales them by how long the
token's sum is, is left out. Before an activation function or a norm there is no such row.
"""

from typing import Any

import torch
from torch import Tensor

from saescope.errors import SiteError
from saescope.sources.site import IN_BLOCK
from saescope.types import Site

BEFORE_SOMETHING = ("mlp.hook_pre", "mlp.hook_pre_linear", "mlp.hook_in", "hook_mlp_in", "ln2.hook_normalized")


@torch.no_grad()
def stream_rows(model: Any, site: Site, rows: Tensor) -> Tensor:
    """Rows ``[n, d]`` written at a site, as rows ``[n, d_model]`` of the residual stream.

    Raises
    ------
    SiteError
        What is written there reaches the stream through more than a matrix.
    """
    if site.also:
        raise SiteError(
            "a crosscoder's features write at several sites, and have no one direction in the residual stream."
        )
    path, kind = site.writes_to
    module = model.get_submodule(path)
    match = IN_BLOCK.match(site.name)
    if not site.written and match is not None and match[2] in BEFORE_SOMETHING:
        raise SiteError(
            f"what is written at {site.name} has no direction in the residual stream: an activation function or norm "
            "comes after it.",
            hint="Effects of features are computed there all the same; look at what they change.",
        )
    weight = getattr(module, "weight", None)
    if kind != "input" or not isinstance(weight, Tensor) or weight.ndim != 2:
        return rows
    whole = site.placed(rows.float())
    weight = weight.float() if type(module).__name__ == "Conv1D" else weight.float().T
    return whole.to(weight.device) @ weight


def rows_of_lens(model: Any, site: Site, sae: Any) -> Tensor | None:
    """What all features write to the residual stream, ``[d_sae, d_model]``; ``None`` where there is no such row."""
    try:
        return stream_rows(model, site, sae.W_dec.detach())
    except SiteError:
        return None
