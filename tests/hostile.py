"""Files as a stranger could make them: well-made ones, changed in a few places, and given to every loader.

A subject writes a well-made source once, takes edits of it, and loads the result. What may come of it is a
load, or one of saescope's own errors; anything else is a fault.
"""

import copy
import io
import json
import shutil
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from safetensors.torch import save

SITE = "blocks.1.hook_resid_post"
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 7, 3.5, -2.5, 1e308, float("nan"), float("inf"), 1 << 31, 1 << 40, 1 << 63, 1 << 70, -(1 << 64),
    "", "x", "0", "12", "\0", "\ud800", "\u202e", "x" * 300, "../../etc/passwd", "/etc/passwd", "blocks.0.__class__",
    "__import__('os')", "os.system", "float33", "cuda:99", "topk", "temporal", "gated", "hook_z", "crosscoder", "none",
    "expected_average_only_in", "layer_norm", "batchtopk", "matching_pursuit", "transcoder", [], {}, [1], [[]], [None], ["a"],
    [1, 2, 3], [-1, 0], {"a": 1}, {"__class__": "os.system"}, {"auto_map": {"AutoModel": "x.Y"}}, {"py/object": "os.system"},
)  # fmt: skip
"""What is put in the place of something in a JSON file."""
KEYS = (
    "auto_map", "__reduce__", "_target_", "d_in", "d_sae", "architecture", "metadata", "hook_name", "dtype", "k", "n_attn_layers",
    "index", "values", "tokens", "parts", "shape", "x", "",
)  # fmt: skip
"""What is added to one."""


@dataclass(frozen=True)
class Edit:
    """A change: how, at which place (a fraction of all there are), and with what."""

    how: str
    place: float
    value: Any


EDITS = st.lists(
    st.builds(
        Edit,
        st.sampled_from(
            ("set",) * 8
            + (
                "drop",
                "drop",
                "add",
                "add",
                "header",
                "header",
                "bytes",
                "bytes",
                "twice",
                "cut",
                "grow",
                "deep",
                "file",
            )
        ),
        st.floats(0, 1, exclude_max=True, allow_nan=False),
        st.one_of(st.sampled_from(VALUES), st.integers(-5, 300), st.floats(allow_nan=True), st.text(max_size=8)),
    ),
    min_size=1,
    max_size=3,
)
"""One to three changes."""


def _pick(value: Any) -> int:
    """A number from a value, the same in every process."""
    return zlib.crc32(repr(value).encode("utf-8", "replace"))


def edited(files: dict[str, bytes], edits: list[Edit]) -> dict[str, bytes]:
    """Some files, changed."""
    files = dict(files)
    for edit in edits:
        names = sorted(files)
        if not names:
            break
        spot = edit.place * len(names)
        name, rest = names[int(spot)], spot % 1
        if edit.how == "file":
            _swap_file(files, name, edit.value)
        elif edit.how in ("bytes", "cut", "grow"):
            files[name] = _on_bytes(files[name], edit, rest)
        elif name.endswith(".safetensors"):
            files[name] = _on_tensors(files[name], edit, rest)
        elif name.endswith((".npy", ".npz", ".parquet")):
            files[name] = _on_bytes(files[name], edit, rest)
        else:
            files[name] = _on_text(files[name], edit, rest)
    return files


def _swap_file(files: dict[str, bytes], name: str, value: Any) -> None:
    """Take a file away, empty it, or put a pickle in its place."""
    kind = _pick(value) % 3
    if kind == 0:
        del files[name]
    else:
        files[name] = (
            b""
            if kind == 1
            else b"\x80\x04\x95\x1e\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93."
        )


def _on_bytes(raw: bytes, edit: Edit, rest: float) -> bytes:
    at = int(rest * len(raw))
    if edit.how == "cut":
        return raw[:at]
    if edit.how == "grow":
        return raw[:at] + b"\xff\0[" * 5 + raw[at:]
    return raw[:at] + bytes([_pick(edit.value) % 256]) + raw[at + 1 :]


def _on_text(raw: bytes, edit: Edit, rest: float) -> bytes:
    """A change in a JSON text, or in one of its lines."""
    lines = raw.decode("utf-8", "replace").split("\n")
    full = [i for i, line in enumerate(lines) if line.strip()]
    if not full:
        return raw
    is_lines = all(lines[i].lstrip()[:1] in "{[" for i in full) and len(full) > 1
    at = full[int(rest * len(full))] if is_lines else 0
    text = lines[at] if is_lines else "\n".join(lines)
    try:
        text = _on_json(text, edit, (rest * len(full)) % 1 if is_lines else rest)
    except (ValueError, RecursionError):
        return _on_bytes(raw, edit, rest)
    if is_lines:
        lines[at] = text
        text = "\n".join(lines)
    return text.encode("utf-8", "surrogatepass")


def _on_json(text: str, edit: Edit, rest: float) -> str:
    tree = json.loads(text)
    if edit.how == "deep":
        return text.replace(":", ":" + "[" * 3000, 1) if rest < 0.5 else "[" * 50_000
    spots = list(_spots(tree))
    if not spots:
        return json.dumps(edit.value)
    inside, key = spots[int(rest * len(spots))]
    if edit.how == "drop":
        del inside[key]
    elif edit.how == "add" and isinstance(inside, dict):
        inside[KEYS[_pick(edit.value) % len(KEYS)]] = edit.value
    elif edit.how == "twice" and isinstance(inside, dict):
        return f'{{"{key}": {json.dumps(edit.value)}, {json.dumps(tree)[1:]}'
    else:
        inside[key] = edit.value
    return json.dumps(tree)


def _spots(tree: Any) -> Any:
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield tree, key
            yield from _spots(value)
    elif isinstance(tree, list):
        for number, value in enumerate(tree[:6]):
            yield tree, number
            yield from _spots(value)


def _on_tensors(raw: bytes, edit: Edit, rest: float) -> bytes:
    """A change in a safetensors file: of its header, of a value, or of a dtype or shape with as many bytes."""
    try:
        n_header = struct.unpack("<Q", raw[:8])[0]
        header = json.loads(raw[8 : 8 + n_header])
        names = sorted(n for n in header if n != "__metadata__")
        name = names[int(rest * len(names))]
        spec = header[name]
        kind = _pick(edit.value) % 5
        if edit.how == "set" and kind < 3:
            body = bytearray(raw[8 + n_header :])
            start = spec["data_offsets"][0]
            body[start : start + 4] = struct.pack("<I", (0x7FC00000, 0x7F800000, 0xFF7FFFFF)[kind])
            return raw[: 8 + n_header] + bytes(body)
        if edit.how == "drop":
            del header[name]
        elif kind == 3:
            spec["dtype"] = ("I32", "U32", "F32", "I8", "BOOL", "F64")[int(rest * 97) % 6]
        elif kind == 4:
            spec["shape"] = spec["shape"][::-1]
        else:
            head = json.dumps(header)
            return _packed(_on_json(head, edit, rest), raw[8 + n_header :])
        return _packed(json.dumps(header), raw[8 + n_header :])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, struct.error):
        return _on_bytes(raw, edit, rest)


def _packed(header: str, body: bytes) -> bytes:
    raw = header.encode("utf-8", "surrogatepass")
    return struct.pack("<Q", len(raw)) + raw + body


@dataclass(frozen=True)
class Subject:
    """A loader: a name, a well-made source by file name, and how it is loaded from a folder."""

    name: str
    files: Callable[[], dict[str, bytes]]
    load: Callable[[Path], Any]


def run(subject: Subject, edits: list[Edit], folder: Path) -> str:
    """Load an edited source; returns ``"loaded"`` or the class of our error."""
    from saescope.errors import SaescopeError

    source = folder / "source"
    shutil.rmtree(folder, ignore_errors=True)
    for name, raw in edited(subject.files(), edits).items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
    source.mkdir(parents=True, exist_ok=True)
    try:
        subject.load(source)
    except SaescopeError as err:
        if not err.message.strip():
            raise AssertionError("an error says nothing") from err
        return type(err).__name__
    return "loaded"


KINDS = ("standard", "gated", "jumprelu", "topk", "temporal", "matching_pursuit", "transcoder", "batchtopk")


@cache
def _sae_files(kind: str) -> dict[str, bytes]:
    import tempfile

    import dictionaries

    with tempfile.TemporaryDirectory() as folder:
        metadata = {"hook_name": SITE, "hook_name_out": SITE} if "transcoder" in kind else {"hook_name": SITE}
        dictionaries.make(kind, 8, metadata).save_model(folder)
        return {p.name: p.read_bytes() for p in Path(folder).iterdir() if p.suffix in (".json", ".safetensors")}


@cache
def _old_sae_files() -> dict[str, bytes]:
    """As sae-lens wrote them before version 6."""
    config = {
        "d_in": 8, "d_sae": 64, "dtype": "torch.float32", "hook_point": SITE, "hook_name": SITE, "model_name": "gpt2",
        "activation_fn_str": "topk", "activation_fn_kwargs": {"k": 4}, "normalize_activations": False, "prepend_bos": True,
        "context_size": 16, "apply_b_dec_to_input": True,
    }  # fmt: skip
    return {
        "cfg.json": json.dumps(config).encode(),
        "sae_weights.safetensors": _sae_files("topk")["sae_weights.safetensors"],
    }


def _load_sae(source: Path) -> None:
    from saescope.sources.sae import load_sae

    load_sae(source)


def _load_listing(source: Path) -> None:
    from saescope.sources.registry.folders import folder_table

    folder_table([source])


@cache
def _crosscoder_files(layout: str) -> dict[str, bytes]:
    draw = torch.Generator().manual_seed(0)
    encoder, decoder = torch.randn(2, 8, 16, generator=draw), torch.randn(2, 16, 8, generator=draw)
    biases = torch.randn(16, generator=draw), torch.randn(2, 8, generator=draw)
    if layout == "W_enc":
        tensors = {
            "W_enc": encoder,
            "W_dec": decoder.transpose(0, 1).contiguous(),
            "b_enc": biases[0],
            "b_dec": biases[1],
        }
    else:
        tensors = {
            "encoder.weight": encoder, "decoder.weight": decoder, "encoder.bias": biases[0], "decoder.bias": biases[1],
            "threshold": torch.tensor(0.5), "k": torch.tensor(3),
        }  # fmt: skip
    config = {
        "code_normalization": "CodeNormalization.CROSSCODER",
        "num_layers": 2,
        "activation_dim": 8,
        "dict_size": 16,
    }
    return {"model.safetensors": save(tensors), "config.json": json.dumps(config).encode()}


def _load_crosscoder(source: Path) -> None:
    import saescope
    from saescope.sources.sae import load_sae

    saescope.crosscoder(source, models=["base", "chat"], site=SITE).table()
    load_sae(saescope.crosscoder(source, sites=[SITE, "blocks.0.hook_resid_pre"]))


@cache
def _direction_files(kind: str) -> dict[str, bytes]:
    rows = np.random.default_rng(0).standard_normal((3, 8)).astype(np.float32)
    stream = io.BytesIO()
    if kind == "npy":
        np.save(stream, rows)
    elif kind == "npz":
        np.savez(stream, truth=rows[0], tone=rows[1:])
    elif kind == "packed":
        np.savez_compressed(stream, truth=rows[0], tone=rows[1:])
    else:
        stream.write(save({"truth": torch.from_numpy(rows[0]), "tone": torch.from_numpy(rows[1:])}))
    end = {"packed": "npz"}.get(kind, kind)
    return {f"probes.{end}": stream.getvalue()}


def _load_directions(source: Path) -> None:
    import saescope
    from saescope.sources.sae import load_sae

    for path in source.iterdir():
        load_sae(saescope.directions(path, site=SITE))


@cache
def _label_files(kind: str) -> dict[str, bytes]:
    rows = [{"modelId": "gpt2", "layer": "6-res", "index": str(n), "description": f"label {n}"} for n in range(4)]
    if kind == "jsonl":
        return {"labels.jsonl": "\n".join(map(json.dumps, rows)).encode()}
    if kind == "csv":
        return {"labels.csv": b'feature,label\n0,sea\n1,"sky, star"\n2,navy\n'}
    import polars as pl

    stream = io.BytesIO()
    pl.DataFrame({"feature": [0, 1], "label": ["sea", "sky"]}).write_parquet(stream)
    return {"labels.parquet": stream.getvalue()}


def _load_labels(source: Path) -> None:
    from saescope.notes.layer_files import read_labels

    for path in source.iterdir():
        read_labels(path, 16)


@cache
def _neuronpedia_files() -> dict[str, bytes]:
    features = [
        {
            "modelId": "gpt2", "layer": "6-res", "index": str(n), "maxActApprox": 4.0, "frac_nonzero": 0.25, "pos_str": [" up", "up"],
            "pos_values": [1.5, 1.25], "neg_str": [" down"], "neg_values": [-2.0], "freq_hist_data_bar_values": [1.0, 2.0, 3.0],
            "freq_hist_data_bar_heights": [10, 5, 1], "hookName": SITE, "vector": [0.1, 0.2],
        }
        for n in (0, 2)
    ]  # fmt: skip
    activations = [
        {
            "modelId": "gpt2", "layer": "6-res", "index": str(n), "tokens": ["The", " sea", "."], "values": [0.0, 4.0, 1.0],
            "maxValue": 4.0, "maxValueTokenIndex": 1, "binMin": -1, "binMax": 4.0, "binContains": -1, "qualifyingTokenIndex": 1,
        }
        for n in (0, 2)
    ]  # fmt: skip
    explanations = [
        {"index": "0", "description": "the sea", "typeName": "auto", "explanationModelName": "m", "scoreV1": 0.5}
    ]
    source = [{"num_prompts": 4, "num_tokens_in_prompt": 16, "dataset": "pile", "notes": 'saescope: {"d_sae": 8}'}]
    named = {
        "features/batch-0.jsonl": features, "activations/batch-0.jsonl": activations,
        "explanations/batch-0.jsonl": explanations, "source.jsonl": source,
    }  # fmt: skip
    return {name: "\n".join(map(json.dumps, rows)).encode() for name, rows in named.items()}


@cache
def _dashboard_files() -> dict[str, bytes]:
    activation = {
        "bin_min": -1, "bin_max": 3.0, "bin_contains": -1, "tokens": ["The", " sea", "."], "values": [0.0, 3.0, 1.0],
        "qualifying_token_index": 1,
    }  # fmt: skip
    feature = {
        "feature_index": 0, "frac_nonzero": 0.25, "neg_str": [], "neg_values": [], "pos_str": ["a"], "pos_values": [1],
        "freq_hist_data_bar_values": [1.0, 2.0, 3.0], "freq_hist_data_bar_heights": [10, 5, 1], "n_prompts_total": 4,
        "n_tokens_in_prompt": 16, "dataset": "pile", "activations": [activation],
    }  # fmt: skip
    features = [feature, {**copy.deepcopy(feature), "feature_index": 3}]
    head = {"model_id": "gpt2", "layer": 6, "sae_set": "res", "sae_id_suffix": None, "features": features}
    settings = {"saescope": {"d_sae": 8, "rule": {"n_skipped": 1}, "n_counted": 64}}
    return {"batch-0.json": json.dumps(head).encode(), "run_settings.json": json.dumps(settings).encode()}


@cache
def _delphi_files() -> dict[str, bytes]:
    locations = torch.tensor([[0, 1, 0], [0, 2, 3], [1, 0, 1]])
    tensors = {
        "locations": locations, "activations": torch.tensor([1.0, 2.0, 0.5]),
        "tokens": torch.tensor([[5, 6, 7, 8], [9, 5, 6, 7]]),
    }  # fmt: skip
    config = {"model_name": "gpt2", "dataset_repo": "pile", "ctx_len": 4}
    return {"0_3.safetensors": save(tensors), "config.json": json.dumps(config).encode()}


def _importing(kind: str) -> Callable[[Path], None]:
    def load(source: Path) -> None:
        import saescope
        import tiny
        from saescope.progress import Silent

        options = {"tokenizer": tiny.tokenizer()} if kind == "delphi" else {}
        index = saescope.import_index(kind, source, source.parent / "out", progress=Silent(), **options)
        _read(index)

    return load


def _read(index: Any) -> None:
    """Read what a page would."""
    _ = index.table, index.layout, index.vocabulary, index.docs


@cache
def _index_files() -> dict[str, bytes]:
    import tempfile

    import saescope
    import tiny
    from saescope.progress import Silent

    with tempfile.TemporaryDirectory() as folder:
        scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
        scope.build_index(tiny.texts(3), out=Path(folder) / "index", progress=Silent())
        root = Path(folder) / "index"
        return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


@cache
def _manifest_only() -> dict[str, bytes]:
    return {name: raw for name, raw in _index_files().items() if name.startswith("manifest")}


def _load_index(source: Path) -> None:
    import saescope

    for name, raw in _index_files().items():
        path = source / name
        if not name.startswith("manifest"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(raw)
    scope = saescope.open_index(source)
    _read(scope.index)
    _ = scope.name, scope.n_features


SUBJECTS = (
    *(Subject(f"SAE folder, {kind}", lambda kind=kind: _sae_files(kind), _load_sae) for kind in KINDS),
    Subject("SAE folder, before sae-lens 6", _old_sae_files, _load_sae),
    Subject("SAE folders in the registry", _old_sae_files, _load_listing),
    *(Subject(f"crosscoder, {n}", lambda n=n: _crosscoder_files(n), _load_crosscoder) for n in ("W_enc", "encoder.weight")),
    *(Subject(f"directions, {n}", lambda n=n: _direction_files(n), _load_directions) for n in ("npy", "npz", "packed", "safetensors")),
    *(Subject(f"labels, {n}", lambda n=n: _label_files(n), _load_labels) for n in ("jsonl", "csv", "parquet")),
    Subject("index manifest", _manifest_only, _load_index),
    Subject("import of Neuronpedia", _neuronpedia_files, _importing("neuronpedia")),
    Subject("import of SAEDashboard", _dashboard_files, _importing("saedashboard")),
    Subject("import of delphi", _delphi_files, _importing("delphi")),
)  # fmt: skip
