"""Credit for what a feature writes straight to the output.

With ``x`` what enters the final norm at the last position, ``s`` and ``g`` the norm's scale there and its
gain, and ``u`` the target's row of the unembedding less the contrast's, or less the mean row:

    direct_j = a_j s (C d_j * g) · u

where ``C`` takes the mean away where the norm does (LayerNorm). Blocks between the site and the
output are left out, so is a soft cap on the logits; other positions have no straight way and get 0.

Source: direct logit attribution, Elhage et al. (2021), "A mathematical framework for transformer circuits";
the norm frozen at the clean run as in nostalgebraist's logit lens (2020).
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from saescope.effects.attribution.about import About, told
from saescope.effects.attribution.question import Part, Question
from saescope.engine.lens import norm_gain
from saescope.engine.outward import stream_rows
from saescope.sources.site import final_norm

_means = WeakTensorKeyDictionary()


@told(
    About(
        title="direct",
        meaning="What it writes straight to the target's logit at the last position, past all later blocks.",
        source="Elhage et al. 2021, direct logit attribution",
        baseline="zero, the final norm as it was",
        unit="logits",
        costs="none",
    )
)
def direct(question: Question) -> Iterator[Part]:
    """Direct logit attribution."""
    units, last = question.units, question.ablator.run.n_tokens - 1
    figures = np.zeros(len(units.pos), dtype=np.float32)
    start = int(np.searchsorted(units.pos, last))
    if start < len(figures):
        reader = output_reader(question)
        run = question.ablator.run
        written = stream_rows(run.module, run.site, question.contributions(slice(start, None)))
        figures[start:] = (written @ reader).cpu().numpy()
    yield question.whole(units.summed(figures))


@torch.no_grad()
def output_reader(question: Question) -> Tensor:
    """What reads the target's logit off the residual stream after the last block, ``[d_model]`` float32."""
    run = question.ablator.run
    norm, head = final_norm(run.module), run.module.get_output_embeddings().weight
    other = mean_row(head) if question.contrast is None else head[question.contrast].float()
    row = (head[question.target].float() - other) * _logit_scale(run.module.config.get_text_config())
    final = run.final[-1]
    gain, is_centring = norm_gain(norm, len(final))
    gain = gain.to(row.device)
    read = final.float() - final.float().mean() if is_centring else final.float()
    normed = norm(final).float() - norm(torch.zeros_like(final)).float()
    scale = (normed @ (read * gain)) / (read * gain).square().sum().clamp(min=1e-30)
    reader = row * gain * scale
    return reader - reader.mean() if is_centring else reader


def mean_row(head: Tensor) -> Tensor:
    """The mean row of an unembedding, ``[d_model]`` float32; kept as long as its weights stay."""
    version = head._version  # noqa: SLF001 - torch's own count of writes in place
    held = _means.get(head)
    if held is None or held[0] != version or held[1].device != head.device:
        held = _means[head] = (version, head.mean(0, dtype=torch.float32))
    return held[1]


def _logit_scale(config: object) -> float:
    """What a model multiplies all logits by (Cohere, Granite)."""
    return float(getattr(config, "logit_scale", None) or 1.0) / float(getattr(config, "logits_scaling", None) or 1.0)
