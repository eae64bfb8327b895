"""What is wrong is told, with what was wanted, what came and what to do; and nothing half-built opens."""

import json
import shutil
import subprocess

import pytest
import torch
from safetensors.torch import load_file, save_file

import saescope
import tiny
from disk import small_disk
from saescope.errors import (
    ComputeError,
    DamagedIndexError,
    DiskFullError,
    InputError,
    MismatchError,
    ModelSourceError,
    NeedsModelError,
    NoIndexError,
    OtherBuildError,
    SaescopeError,
    SaeSourceError,
    SiteError,
    StoreError,
)
from saescope.progress import Silent


@pytest.fixture(scope="module")
def scope():
    return saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())


@pytest.fixture
def saved(tiny_folder, tmp_path):
    """A copy of the tiny model and SAE to spoil."""
    for name in ("tiny-model", "tiny-sae"):
        shutil.copytree(tiny_folder / name, tmp_path / name)
    return tmp_path / "tiny-model", tmp_path / "tiny-sae"


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def drop(path, name):
    weights = {k: v for k, v in load_file(path).items() if k != name}
    save_file(weights, path, metadata={"format": "pt"})


def refused(error, said, **load):
    with pytest.raises(error, match=said) as caught:
        saescope.load(**load)
    assert caught.value.code == error.code
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("name", "raw", "code", "said"),
    [
        ("gone.jsonl", None, "corpus_missing", "there is no corpus at"),
        ("c.jsonl", b"", "corpus", "is empty"),
        ("c.jsonl", b'{"text": "the sea"}\n{"text": "caf\xe9"}\n', "corpus", "line 2, is not UTF-8"),
        ("c.jsonl", b'{"text": "the sea and a ship"}\n' * 40 + b'{"text": \n', "corpus", "line 41, is not JSON"),
        ("c.jsonl", b'{"text": "the sea"}\n' * 600 + b'{"body": 1}\n', "corpus", "line 601"),
        ("c.txt", b" \n ", "corpus", "holds no text"),
        ("c.gz.docx", b"PK", "corpus", "unknown kind"),
    ],
)
def test_a_bad_corpus_is_told_and_leaves_no_index(scope, tmp_path, silent, name, raw, code, said):
    corpus, out = tmp_path / name, tmp_path / "index"
    if raw is not None:
        corpus.write_bytes(raw)
    with pytest.raises(SaescopeError, match=said) as caught:
        scope.build_index(corpus, out=out, progress=silent)
    assert (caught.value.code, name in caught.value.message) == (code, True)
    assert caught.value.hint
    assert not out.exists()
    with pytest.raises(NoIndexError):
        saescope.open_index(out)
    assert scope.index is None


@pytest.mark.parametrize("size", [0, 1, -5, 129, 10**6, "32", 8.0, True])
def test_a_context_that_does_not_fit_the_model_is_refused(scope, tmp_path, silent, size):
    with pytest.raises(InputError, match="takes 2 to 128"):
        scope.build_index(["the sea"], out=tmp_path / "index", context_size=size, progress=silent)
    assert not (tmp_path / "index").exists()


def test_an_sae_of_another_width_is_refused():
    error = refused(
        MismatchError, "reads 48 numbers .* has 32", model=(tiny.model(), tiny.tokenizer()), sae=tiny.sae(d_in=48)
    )
    assert error.data == {"wanted": 48, "came": 32}


def test_a_model_without_that_layer_is_refused():
    sae = tiny.sae(hook_name="blocks.9.hook_resid_post")
    refused(SiteError, "blocks 0 to 3", model=(tiny.model(), tiny.tokenizer()), sae=sae)


def test_an_index_of_another_sae_or_model_is_refused(tiny_folder):
    other = tiny.sae()
    with torch.no_grad():
        other.W_enc.mul_(1.5)
    pair = (tiny.model(), tiny.tokenizer())
    refused(MismatchError, "another SAE", model=pair, sae=other, index=tiny_folder / "index")
    model = tiny.model()
    with torch.no_grad():
        model.lm_head.weight.mul_(1.5)
    refused(
        MismatchError, "another model", model=(model, tiny.tokenizer()), sae=tiny.sae(), index=tiny_folder / "index"
    )


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", '{"architecture": "colour"}'])
def test_a_broken_configuration_of_an_sae_is_told(saved, text):
    (saved[1] / "cfg.json").write_text(text)
    with pytest.raises(SaeSourceError, match=r"cfg\.json"):
        saescope.load(saved[0], sae=saved[1], device="cpu")


def test_broken_weights_of_an_sae_are_told(saved):
    model, sae = saved
    weights = sae / "sae_weights.safetensors"
    whole = weights.read_bytes()
    cut(weights)
    refused(SaeSourceError, "no whole safetensors", model=model, sae=sae, device="cpu")
    weights.write_bytes(whole)
    drop(weights, "b_dec")
    refused(SaeSourceError, "does not match", model=model, sae=sae, device="cpu")
    weights.unlink()
    refused(SaeSourceError, r"no sae_weights\.safetensors", model=model, sae=sae, device="cpu")


def test_broken_weights_of_a_model_are_told_and_never_made_up(saved):
    model, sae = saved
    weights = model / "model.safetensors"
    whole = weights.read_bytes()
    cut(weights)
    refused(ModelSourceError, "could not be loaded", model=model, sae=sae, device="cpu")
    weights.write_bytes(whole)
    drop(weights, "model.layers.1.mlp.up_proj.weight")
    refused(ModelSourceError, r"lacks 1 of its weights.*layers\.1\.mlp", model=model, sae=sae, device="cpu")
    weights.write_bytes(whole)
    config = model / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"hidden_size": 64}))
    refused(ModelSourceError, "could not be loaded", model=model, sae=sae, device="cpu")


def test_names_that_are_nothing_are_told(saved):
    model, sae = saved
    refused(ModelSourceError, "there is no model at", model="./no/such/folder", sae=sae)
    refused(ModelSourceError, "could not be loaded", model="no-such-person/no-such-model", sae=sae, device="cpu")
    refused(SaeSourceError, "names no SAE", model=model, sae="nothing", device="cpu")
    error = refused(SaeSourceError, "no release", model=model, sae="gpt2-small-res-jbx/a", device="cpu")
    assert "gpt2-small-res-jb" in error.data["near"]
    refused(SaeSourceError, "no SAE 'a'", model=model, sae="gpt2-small-res-jb/a", device="cpu")
    refused(InputError, "gpu", model=model, sae=sae, device="gpu")
    refused(InputError, "float33", model=model, sae=sae, device="cpu", dtype="float33")
    refused(NoIndexError, "there is no index", model=model, sae=sae, index="nowhere")


def test_activations_that_are_not_finite_are_no_index(tmp_path, silent):
    model = tiny.model()
    with torch.no_grad():
        model.model.layers[0].mlp.down_proj.weight.fill_(float("nan"))
    broken = saescope.load((model, tiny.tokenizer()), sae=tiny.sae())
    with pytest.raises(ComputeError, match="not finite"):
        broken.build_index(["the sea"], out=tmp_path / "index", progress=silent)
    assert broken.index is None
    assert not list((tmp_path / "index").rglob("shard-*"))
    assert saescope.open_index(tmp_path / "index").index.n_rows == 0
    healed = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
    with pytest.raises(OtherBuildError, match="model"):
        healed.build_index(["the sea"], out=tmp_path / "index", progress=silent)
    assert healed.build_index(["the sea"], out=tmp_path / "index", progress=silent, overwrite=True).is_complete


def test_without_a_model_what_needs_one_says_so(opened, tmp_path):
    with pytest.raises(NeedsModelError, match="reading a text needs the model"):
        opened.activations("the sea")
    with pytest.raises(NeedsModelError, match="building an index"):
        opened.build_index(["a"], out=tmp_path / "index")


def test_an_index_that_was_cut_off_does_not_open(tiny_folder, tmp_path):
    parts = saescope.open_index(tiny_folder / "index").index.manifest.parts
    assert len(parts) >= 8
    for name in (p.name for p in parts):
        copy = tmp_path / name
        shutil.copytree(tiny_folder / "index", copy)
        cut(copy / "data-1" / name)
        with pytest.raises(DamagedIndexError, match=name):
            saescope.open_index(copy)


def test_an_index_of_an_earlier_version_says_that_it_must_be_built_again(tmp_path):
    raw = {"format": "saescope-index", "version": [1, 0], "n_rows": 5}
    (tmp_path / "manifest-1.json").write_text(json.dumps(raw))
    with pytest.raises(DamagedIndexError, match="version 1, and this saescope reads version 2") as caught:
        saescope.open_index(tmp_path)
    assert "build the index again" in caught.value.hint


class Stops(Silent):
    """Progress that raises at its n-th word."""

    def __init__(self, n, error):
        self.n, self.error, self.n_words = n, error, 0

    def _word(self):
        self.n_words += 1
        if self.n_words == self.n:
            raise self.error

    def start(self, what, total, unit, done=0):
        self._word()

    def advance(self, n):
        self._word()

    def finish(self):
        self._word()


def contents(path):
    return {str(f.relative_to(path)): f.read_bytes() for f in path.rglob("*") if f.is_file()}


def test_a_build_stopped_at_any_point_leaves_nothing_or_what_can_be_read_and_gone_on_with(scope, tmp_path):
    counter, texts, is_kept = Stops(-1, None), tiny.texts(30), []
    own = saescope.load((scope.model, scope.tokenizer), sae=scope.sae)
    whole = own.build_index(texts, out=tmp_path / "whole", progress=counter)
    assert counter.n_words > 10
    for n in range(1, counter.n_words + 1):
        out = tmp_path / str(n)
        with pytest.raises(KeyboardInterrupt):
            scope.build_index(texts, out=out, progress=Stops(n, KeyboardInterrupt()), attach=False)
        is_kept.append(out.exists())
        if out.exists():
            found = saescope.open_index(out).index
            assert not found.is_complete
            assert found.n_rows in (0, whole.n_rows)
            assert {f.name for f in out.iterdir()} == {"building.json", "data-1"}
    assert is_kept == sorted(is_kept)
    assert set(is_kept) == {False, True}
    assert scope.index is None


def test_an_overwrite_stopped_at_any_point_leaves_the_old_index(scope, tmp_path, silent):
    own = saescope.load((scope.model, scope.tokenizer), sae=scope.sae)
    out = tmp_path / "index"
    own.build_index(tiny.texts(6), out=out, progress=silent)
    before, counter = contents(out), Stops(-1, None)
    own.build_index(tiny.texts(9), out=tmp_path / "other", progress=counter, attach=False)
    for n in range(1, counter.n_words + 1):
        with pytest.raises(RuntimeError, match="stop"):
            own.build_index(tiny.texts(9), out=out, overwrite=True, progress=Stops(n, RuntimeError("stop")))
        assert {k: v for k, v in contents(out).items() if k in before} == before
        assert saescope.open_index(out).index.manifest.corpus["n_docs"] == 6
        assert own.index.manifest.corpus["n_docs"] == 6
        shutil.rmtree(out / "data-2", ignore_errors=True)
    own.build_index(tiny.texts(9), out=out, overwrite=True, progress=silent)
    assert saescope.open_index(out).index.manifest.corpus["n_docs"] == 9
    assert not (out / "data-1").exists()


@pytest.mark.parametrize("kilobytes", [8, 24, 96, 600, 1240, 1400, 1700])
def test_a_full_disk_is_told_and_what_is_done_is_gone_on_with_when_there_is_room(scope, tmp_path, silent, kilobytes):
    with small_disk(tmp_path / "disk", kilobytes) as disk:
        out = disk / "index"
        with pytest.raises(StoreError) as caught:
            scope.build_index(tiny.texts(40), out=out, progress=silent, attach=False)
        assert isinstance(caught.value, DiskFullError), caught.value
        assert "same `out` to go on" in caught.value.hint
        names = {f.name for f in out.rglob("*")}
        assert not names & {"manifest-1.json", "building.lock", "progress.json"}
        assert ("building.json" in names) == out.exists()
        is_kept = "rows-00000.safetensors" in names and "shard-00000.safetensors" in names
        assert is_kept == (kilobytes > 1220)
        subprocess.run(["mount", "-o", "remount,size=20m", str(disk)], check=True)
        stages = []
        progress = Silent()
        progress.start = lambda what, total, unit, done=0: stages.append((what, total, done))
        assert scope.build_index(tiny.texts(40), out=out, progress=progress, attach=False).is_complete
        assert ("Running the model" in [what for what, _, _ in stages]) != is_kept
    assert scope.index is None
