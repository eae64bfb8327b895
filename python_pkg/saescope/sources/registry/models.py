"""The base models that the registry's SAEs were trained on: hub ids and sizes.

Sizes are from the models' own ``config.json``; a number that is not known is ``None``.
"""

from dataclasses import dataclass

MILLION = 1_000_000


@dataclass(frozen=True)
class BaseModel:
    """A model on the hub.

    Parameters
    ----------
    name
        Its id on the hub.
    d_model
        Width of the residual stream.
    d_heads
        Width of all heads' outputs side by side.
    n_layers
        Number of blocks.
    n_params_m
        Number of parameters, in millions.
    """

    name: str
    d_model: int
    d_heads: int
    n_layers: int
    n_params_m: int | None = None

    @property
    def n_params(self) -> int | None:
        """Number of parameters."""
        return None if self.n_params_m is None else self.n_params_m * MILLION


_ROWS = (
    ("openai-community/gpt2", 768, 768, 12, 124),
    ("EleutherAI/pythia-70m-deduped", 512, 512, 6, 70),
    ("mistralai/Mistral-7B-v0.1", 4096, 4096, 32, 7242),
    ("google/gemma-2b", 2048, 2048, 18, 2506),
    ("google/gemma-2b-it", 2048, 2048, 18, 2506),
    ("google/gemma-2-2b", 2304, 2048, 26, 2614),
    ("google/gemma-2-2b-it", 2304, 2048, 26, 2614),
    ("google/gemma-2-9b", 3584, 4096, 42, 9242),
    ("google/gemma-2-9b-it", 3584, 4096, 42, 9242),
    ("google/gemma-2-27b", 4608, 4096, 46, 27227),
    ("google/gemma-2-27b-it", 4608, 4096, 46, 27227),
    ("google/gemma-3-270m", 640, 1024, 18, 268),
    ("google/gemma-3-270m-it", 640, 1024, 18, 268),
    ("google/gemma-3-1b-pt", 1152, 1024, 26, 1000),
    ("google/gemma-3-1b-it", 1152, 1024, 26, 1000),
    ("google/gemma-3-4b-pt", 2560, 2048, 34, 4300),
    ("google/gemma-3-4b-it", 2560, 2048, 34, 4300),
    ("google/gemma-3-12b-pt", 3840, 4096, 48, 12187),
    ("google/gemma-3-12b-it", 3840, 4096, 48, 12187),
    ("google/gemma-3-27b-pt", 5376, 4096, 62, 27432),
    ("google/gemma-3-27b-it", 5376, 4096, 62, 27432),
    ("meta-llama/Meta-Llama-3-8B-Instruct", 4096, 4096, 32, 8030),
    ("meta-llama/Llama-3.1-8B", 4096, 4096, 32, 8030),
    ("meta-llama/Llama-3.1-8B-Instruct", 4096, 4096, 32, 8030),
    ("meta-llama/Llama-3.3-70B-Instruct", 8192, 8192, 80, 70554),
    ("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", 4096, 4096, 32, 8030),
    ("Qwen/Qwen2.5-7B-Instruct", 3584, 3584, 28, 7616),
    ("Qwen/Qwen3-0.6B", 1024, 2048, 28, 596),
    ("Qwen/Qwen3-1.7B", 2048, 2048, 28, 1721),
    ("Qwen/Qwen3-4B", 2560, 4096, 36, 4022),
    ("Qwen/Qwen3-8B", 4096, 4096, 36, 8191),
    ("Qwen/Qwen3-14B", 5120, 5120, 40, 14768),
    ("Qwen/Qwen3-1.7B-Base", 2048, 2048, 28, 1721),
    ("Qwen/Qwen3-8B-Base", 4096, 4096, 36, 8191),
    ("Qwen/Qwen3-30B-A3B-Base", 2048, 4096, 48, 30532),
    ("openai/gpt-oss-20b", 2880, 4096, 24, 20915),
)
BASES = {row[0]: BaseModel(*row) for row in _ROWS}
"""By hub id."""

D_MODEL = {
    "Qwen/Qwen3.5-2B-Base": 2048,
    "Qwen/Qwen3.5-9B-Base": 4096,
    "Qwen/Qwen3.5-27B": 5120,
    "Qwen/Qwen3.5-35B-A3B-Base": 2048,
} | {name: base.d_model for name, base in BASES.items()}
"""Width of the residual stream, also of models of which nothing else is known: Qwen 3.5, as sae-lens has it."""

ALIASES = {
    "gpt2": "openai-community/gpt2",
    "gpt2-small": "openai-community/gpt2",
    "pythia-70m-deduped": "EleutherAI/pythia-70m-deduped",
    "mistral-7b": "mistralai/Mistral-7B-v0.1",
} | {
    name.rpartition("/")[2].lower(): name
    for name in BASES
    if name.startswith(("google/gemma", "Qwen/", "meta-llama/", "deepseek-ai/", "openai/"))
}
"""Short names, as TransformerLens and sae-lens's registry have them, to hub ids."""


def hub_id(name: str) -> str:
    """A model's id on the hub, from that or from a short name; as it is when it is not known."""
    return ALIASES.get(name.lower(), name)


GATED = ("google/gemma", "meta-llama/")


def is_gated(name: str) -> bool:
    """Whether the hub gives the model only to those who agreed to its licence."""
    return name.startswith(GATED)
