"""transformers causal language models: from an id, a path, or already in memory."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from saescope.errors import InputError, ModelSourceError
from saescope.sources.room import check_room

BARRED_BYTES = 1_000_000_000
"""A model of this size takes long enough to load that a bar is shown."""
UNFOUND = (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError)


@dataclass(frozen=True)
class LoadedModel:
    """A causal language model with its tokenizer, and the name to show for it."""

    model: Any
    tokenizer: Any
    name: str

    @property
    def device(self) -> torch.device:
        """Where the model's weights are."""
        return next(self.model.parameters()).device


def choose_device(device: str) -> str:
    """Turn ``"auto"`` into the best device there is; check any other name."""
    if device != "auto":
        try:
            torch.empty(0, device=device)
            return str(torch.device(device))
        except (RuntimeError, AssertionError, NotImplementedError, TypeError) as err:
            raise InputError(
                f"{device!r} is no device that torch can use here: {_first_line(err)}",
                hint='Give "auto", "cpu", "cuda", "cuda:1" or "mps".',
            ) from err
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def choose_dtype(dtype: Any, device: str) -> torch.dtype | str:
    """Turn a dtype's name into a dtype; by default float32 on a CPU and the model's own elsewhere."""
    if dtype is None:
        return torch.float32 if device == "cpu" else "auto"
    found = getattr(torch, dtype, None) if isinstance(dtype, str) else dtype
    if not isinstance(found, torch.dtype) or not found.is_floating_point:
        raise InputError(
            f"{dtype!r} is no floating-point dtype.", hint='Give "float32", "bfloat16" or "float16", or leave it out.'
        )
    return found


def load_model(model: Any, *, device: str = "auto", dtype: Any = None) -> LoadedModel:
    """Load a causal language model, or take one from memory as it is.

    Parameters
    ----------
    model
        A hub id, a folder, a path to a GGUF file, a transformers model whose tokenizer
        can be found by its name, or a pair ``(model, tokenizer)``.
    device, dtype
        For loading; a model in memory stays where and what it is.

    Raises
    ------
    InputError
        There is no such device or dtype.
    ModelSourceError
        There is no such model, or its tokenizer is missing.
    MemoryShortError
        Its weights take more memory than is free.
    """
    device = choose_device(device)
    if isinstance(model, str | os.PathLike):
        return _load_named(os.fspath(model), device, dtype)
    pair: Any = model if isinstance(model, tuple) and len(model) == 2 else (model, None)
    inner, tokenizer = pair
    _check_model(inner)
    return LoadedModel(inner, _tokenizer_of(inner) if tokenizer is None else tokenizer, _name_of(inner))


def _load_named(name: str, device: str, dtype: Any) -> LoadedModel:
    path = Path(name).expanduser()
    looks_local = path.exists() or name.startswith((".", "/", "~")) or name.count("/") > 1
    if looks_local and not path.exists():
        raise ModelSourceError(
            f"there is no model at {name}.", hint="Give a folder with config.json and *.safetensors, or a hub id."
        )
    options: dict[str, Any] = {"use_safetensors": True, "trust_remote_code": False}
    where: str | Path = path if looks_local else name
    if path.suffix == ".gguf":
        where, options = path.parent, {"gguf_file": path.name, "trust_remote_code": False}
    tokenizer_options = {k: v for k, v in options.items() if k in ("gguf_file", "trust_remote_code")}
    options["dtype"] = choose_dtype(dtype, device)
    n_bytes = None if "gguf_file" in options else check_room(where, options["dtype"], device)
    try:
        with _no_bar() if n_bytes is not None and n_bytes < BARRED_BYTES else nullcontext():
            answer: Any = AutoModelForCausalLM.from_pretrained(where, output_loading_info=True, **options)
        loaded, report = answer
        tokenizer = AutoTokenizer.from_pretrained(where, **tokenizer_options)
    except UNFOUND as err:
        if "trust_remote_code" in str(err):
            raise ModelSourceError(
                f"the model {name!r} brings code of its own, and saescope runs no code of a downloaded model.",
                hint="If you trust it, load it yourself with trust_remote_code=True, and give the model: "
                "saescope.load((model, tokenizer), sae=…).",
            ) from err
        raise ModelSourceError(
            f"the model {name!r} could not be loaded: {_first_line(err)}",
            hint="It must be a causal language model with weights as safetensors: a folder, or an id on a hub that "
            "can be reached from here.",
        ) from err
    if report["missing_keys"]:
        missing = sorted(report["missing_keys"])
        raise ModelSourceError(
            f"the model {name!r} lacks {len(missing)} of its weights, beginning with {missing[0]}.",
            hint="Is a file missing, or is config.json of another model?",
        )
    moved: Any = loaded.to(torch.device(device))  # pyright: ignore[reportArgumentType, reportCallIssue]
    return LoadedModel(moved.eval(), tokenizer, path.stem if looks_local else name)


@contextmanager
def _no_bar() -> Iterator[None]:
    """Without transformers' bar, which would stay in the notebook: such a model is there in a moment."""
    was_shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_shown:
            transformers_logging.enable_progress_bar()


def _first_line(err: BaseException) -> str:
    lines = [line for line in str(err).splitlines() if line.strip()]
    return lines[0] if lines else type(err).__name__


def _check_model(model: Any) -> None:
    if not isinstance(model, torch.nn.Module) or not hasattr(model, "config"):
        raise InputError(
            f"a model is an id, a path, a transformers model or (model, tokenizer), and {type(model).__name__} came.",
        )
    away = [name for name, weight in model.named_parameters() if weight.is_meta]
    if away:
        raise ModelSourceError(
            f"{len(away)} of the weights of {type(model).__name__} are not in memory, beginning with {away[0]}: they "
            "are offloaded to CPU or disk, and come for one module at a time.",
            hint="saescope reads weights and their gradients beside running the model. Load it whole: in bfloat16, "
            'quantised, or spread over GPUs with a device_map that offloads nothing (max_memory without "cpu").',
        )
    if getattr(model, "get_output_embeddings", lambda: None)() is None:
        raise ModelSourceError(
            f"{type(model).__name__} has no unembedding: wanted a causal language model.",
            hint="Load it with AutoModelForCausalLM.",
        )


def _name_of(model: Any) -> str:
    name = getattr(model, "name_or_path", "") or getattr(model.config, "_name_or_path", "")
    return Path(name).name if name and Path(name).exists() else name or type(model).__name__


def _tokenizer_of(model: Any) -> Any:
    name = getattr(model, "name_or_path", "")
    try:
        if name:
            return AutoTokenizer.from_pretrained(name)
    except UNFOUND:
        pass
    raise ModelSourceError(
        f"no tokenizer could be found for the {type(model).__name__} in memory.",
        hint="Give both: saescope.load((model, tokenizer), sae=…).",
    )
