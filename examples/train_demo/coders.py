"""The SAEs and the transcoder that ship with the model, and where each of them sits."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from transformers import LlamaForCausalLM


@dataclass(frozen=True)
class Coder:
    """One dictionary: of a block's output, or, a transcoder, from an MLP's input to its output.

    ``k`` is the number of features that fire on a token, over a batch; ``share`` that of ``--sae-samples`` on which it
    is trained: few features need fewer.
    """

    name: str
    block: int
    d_sae: int
    k: int
    is_transcoder: bool = False
    share: float = 1.0

    @property
    def hook_name(self) -> str:
        """Where it reads, as TransformerLens says it."""
        return f"blocks.{self.block}.{'mlp.hook_in' if self.is_transcoder else 'hook_resid_post'}"

    @property
    def hook_name_out(self) -> str:
        """Where it writes."""
        return f"blocks.{self.block}.hook_mlp_out" if self.is_transcoder else self.hook_name

    def module(self, model: LlamaForCausalLM) -> torch.nn.Module:
        """The module whose output it writes: the block, or its MLP."""
        block = model.model.layers[self.block]
        return block.mlp if self.is_transcoder else block


MAIN = Coder("saescope-demo-l1", block=1, d_sae=4_096, k=28)
CODERS = (
    MAIN,
    Coder("saescope-demo-l2", block=2, d_sae=768, k=32, share=0.4),
    Coder("saescope-demo-mlp3", block=3, d_sae=832, k=39, is_transcoder=True, share=1.6),
)
