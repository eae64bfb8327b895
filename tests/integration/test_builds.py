import gzip
import json
import signal
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest

import saescope
import tiny
from saescope.errors import BusyIndexError, OccupiedError, OtherBuildError
from saescope.index.rule import EVERYTHING
from saescope.progress import Silent


def fresh():
    return saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())


def parts(path):
    """The parts of an index, by name."""
    index = saescope.open_index(path).index
    assert {f.name for f in index.folder.iterdir()} == {p.name for p in index.manifest.parts}
    return {f.name: f.read_bytes() for f in index.folder.iterdir()}


def facts(path):
    """What a manifest says, but for when and from where."""
    told = asdict(saescope.open_index(path).index.manifest)
    return {k: v for k, v in told.items() if k not in ("created", "folder")}


@pytest.fixture
def small_shards(monkeypatch):
    for module in ("build", "text"):
        monkeypatch.setattr(f"saescope.indexing.{module}.SHARD_ROWS", 256)


class Stops(Silent):
    """Progress that raises at its n-th word."""

    def __init__(self, n):
        self.n, self.n_words, self.stages = n, 0, []

    def _word(self):
        self.n_words += 1
        if self.n_words == self.n:
            raise KeyboardInterrupt

    def start(self, what, total, unit, done=0):
        self.stages.append((what, total, done))
        self._word()

    def advance(self, n):
        self._word()

    def finish(self):
        self._word()


@pytest.mark.parametrize("packed", [True, False])
def test_two_builds_of_the_same_are_byte_for_byte_the_same(tmp_path, silent, packed):
    for name in ("a", "b"):
        fresh().build_index(tiny.texts(20), out=tmp_path / name, packed=packed, progress=silent)
    assert parts(tmp_path / "a") == parts(tmp_path / "b")
    assert facts(tmp_path / "a") == facts(tmp_path / "b")
    wanted = {"features.arrow", "examples.arrow", "postings.safetensors", "rows-00000.safetensors", "tokens.bin"}
    assert wanted | (set() if packed else {"contexts.safetensors"}) <= set(parts(tmp_path / "a"))


def test_without_postings_the_tables_and_examples_are_the_same(tmp_path, silent):
    scope = fresh()
    for name in ("with", "without"):
        scope.build_index(tiny.texts(20), out=tmp_path / name, postings=name == "with", progress=silent)
    a, b = (saescope.open_index(tmp_path / n) for n in ("with", "without"))
    assert a.features.equals(b.features)
    assert a.examples(5).equals(b.examples(5))
    names = [parts(tmp_path / n) for n in ("with", "without")]
    assert names[0].keys() - names[1].keys() == {"postings.safetensors", "rows-00000.safetensors"}
    assert {k: v for k, v in names[0].items() if k in names[1]} == names[1]
    assert len(b.examples(5, k=100)) == len(a.examples(5)) <= 20
    assert (b.index.manifest.median_norm, b.index.manifest.l0) == (a.index.manifest.median_norm, a.index.manifest.l0)


@pytest.mark.parametrize("n", [2, 31, 32, 33, 500])
def test_max_tokens_is_exactly_kept(tmp_path, silent, n):
    scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
    index = scope.build_index(tiny.texts(30), out=tmp_path / "index", max_tokens=n, progress=silent)
    assert index.manifest.n_rows == len(index.tokens) == n
    assert len(scope.features) == tiny.D_SAE


@pytest.mark.parametrize("packed", [True, False])
def test_several_shards_hold_what_one_holds(tmp_path, silent, monkeypatch, packed):
    for name, rows in (("one", 1 << 16), ("many", 256)):
        for module in ("build", "text"):
            monkeypatch.setattr(f"saescope.indexing.{module}.SHARD_ROWS", rows)
        index = fresh().build_index(tiny.texts(30), out=tmp_path / name, packed=packed, progress=silent)
        assert (index.manifest.n_shards > 3) == (name == "many")
        assert all(index.manifest.shard_rows(n) <= rows for n in range(index.manifest.n_shards))
    one, many = (parts(tmp_path / n) for n in ("one", "many"))
    same = {k: v for k, v in one.items() if not k.startswith("rows-")}
    a, b = (saescope.open_index(tmp_path / n).index for n in ("one", "many"))
    assert a.table["n_fires"].sum() > 1000
    if packed:
        assert {k: many[k] for k in same} == same
    else:
        assert a.table["n_fires"].to_list() == b.table["n_fires"].to_list()
        np.testing.assert_allclose(a.table["max"], b.table["max"], rtol=1e-5)
    for row in range(0, a.n_rows, 97):
        for left, right in zip(a.row_shards.row(row), b.row_shards.row(row), strict=True):
            np.testing.assert_allclose(left, right, rtol=2e-3)


def test_a_build_stopped_at_any_point_goes_on_to_the_same_index(tmp_path, silent, small_shards):
    texts, scope = tiny.texts(16), fresh()
    counter = Stops(-1)
    scope.build_index(texts, out=tmp_path / "whole", progress=counter, attach=False)
    wanted = parts(tmp_path / "whole"), facts(tmp_path / "whole")
    n_begun = n_kept = 0
    for n in range(1, counter.n_words + 1):
        out = tmp_path / str(n)
        with pytest.raises(KeyboardInterrupt):
            scope.build_index(texts, out=out, progress=Stops(n), attach=False)
        n_begun += out.exists()
        again = Stops(-1)
        scope.build_index(texts, out=out, progress=again, attach=False)
        assert (parts(out), facts(out)) == wanted
        assert {f.name for f in out.iterdir()} == {"manifest-1.json", "data-1"}
        n_kept += any(done for _, _, done in again.stages)
    assert 0 < n_kept < n_begun < counter.n_words


def test_a_build_killed_at_a_shard_or_after_its_manifest_can_be_built_to_the_same_index(
    tmp_path, child_env, silent, small_shards
):
    code = """
import os, signal, sys, tiny, saescope
from saescope.progress import Silent
import saescope.indexing.build, saescope.indexing.text, saescope.indexing.workspace
saescope.indexing.build.SHARD_ROWS = saescope.indexing.text.SHARD_ROWS = 256
kill = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)
where = sys.argv[2]
if where == "sweep":
    saescope.indexing.workspace.Workspace._sweep = kill
else:
    save = saescope.indexing.build.save_shard
    saescope.indexing.build.save_shard = lambda f, n, s: kill() if n == int(where) else save(f, n, s)
scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
scope.build_index(tiny.texts(16), out=sys.argv[1], progress=Silent())
"""
    fresh().build_index(tiny.texts(16), out=tmp_path / "whole", progress=silent)
    for where in ("1", "sweep"):
        out = tmp_path / where
        child = subprocess.run(
            [sys.executable, "-c", code, out, where], env=child_env, capture_output=True, check=False
        )
        assert child.returncode == -signal.SIGKILL, child.stderr
        index = saescope.open_index(out).index
        assert index.is_complete == (where == "sweep")
        if where == "sweep":
            with pytest.raises(OccupiedError):
                fresh().build_index(tiny.texts(16), out=out, progress=silent)
            assert index.table["n_fires"].sum() > 0
            fresh().build_index(tiny.texts(16), out=out, progress=silent, overwrite=True)
            assert {f.name for f in out.iterdir()} == {"manifest-2.json", "data-2"}
        else:
            fresh().build_index(tiny.texts(16), out=out, progress=silent)
        assert parts(out) == parts(tmp_path / "whole")


def test_only_what_is_missing_is_made_again_and_the_corpus_is_not_read_again(tmp_path, small_shards):
    corpus = tmp_path / "c.jsonl"
    corpus.write_text("".join(json.dumps({"text": t}) + "\n" for t in tiny.texts(30)))

    class StopAfterShards(Stops):
        def _word(self):
            if (tmp_path / "index" / "data-1" / "shard-00001.safetensors").exists():
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fresh().build_index(corpus, out=tmp_path / "index", progress=StopAfterShards(0))
    kept = {f.name: f.stat().st_mtime_ns for f in (tmp_path / "index" / "data-1").glob("*-0000[01].safetensors")}
    again = Stops(-1)
    index = fresh().build_index(corpus, out=tmp_path / "index", progress=again)
    stages = {what: (total, done) for what, total, done in again.stages}
    assert "Reading the corpus" not in stages
    assert stages["Running the model"] == (index.n_rows, index.manifest.shard_starts[2])
    assert index.row_shards.norms.shape == (index.n_rows,)
    assert {f.name: f.stat().st_mtime_ns for f in index.folder.glob("rows-0000[01]*")}.items() <= kept.items()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"texts": tiny.texts(15)}, "text"),
        ({"context_size": 16}, "context size"),
        ({"packed": False}, "packing"),
        ({"max_tokens": 300}, "number of tokens"),
        ({"rule": EVERYTHING}, "rule of what counts"),
        ({"sae": "topk"}, "SAE"),
    ],
    ids=str,
)
def test_an_unfinished_build_of_something_else_is_told_and_replaced_only_when_asked(tmp_path, silent, change, named):
    out = tmp_path / "index"

    def build(progress, sae="jumprelu", texts=None, **options):
        scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae(sae))
        return scope.build_index(texts or tiny.texts(16), out=out, progress=progress, **options)

    class StopAtEnd(Silent):
        def start(self, what, total, unit, done=0):
            if what == "Summarising":
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(StopAtEnd())
    shard = out / "data-1" / "shard-00000.safetensors"
    before = shard.read_bytes()
    with pytest.raises(OtherBuildError, match=named) as caught:
        build(silent, **change)
    assert "overwrite" in caught.value.hint
    assert named in caught.value.data["differs"]
    assert shard.read_bytes() == before
    index = build(silent, overwrite=True, **change)
    assert index.is_complete
    assert not shard.exists()
    assert {f.name for f in out.iterdir()} == {"manifest-1.json", index.folder.name}
    parts(out)


def test_two_builds_of_one_folder_at_once_are_one_too_many(tmp_path, silent):
    class BuildsInside(Silent):
        def start(self, what, total, unit, done=0):
            if what == "Running the model":
                with pytest.raises(BusyIndexError):
                    fresh().build_index(tiny.texts(5), out=tmp_path / "index", progress=silent)
                seen.append(saescope.open_index(tmp_path / "index").index.n_rows)

    seen = []
    fresh().build_index(tiny.texts(20), out=tmp_path / "index", progress=BuildsInside())
    assert seen == [0]
    parts(tmp_path / "index")


def test_the_scope_uses_the_index_it_built(tmp_path, silent):
    scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
    assert scope.index is None
    first = scope.build_index(tiny.texts(10), out=tmp_path / "a", progress=silent)
    n_first = scope.features["n_fires"].sum()
    scope.build_index(tiny.texts(30), out=tmp_path / "b", progress=silent)
    assert scope.index.path != first.path
    assert scope.features["n_fires"].sum() > n_first


def test_the_shell_builds_an_index_and_verifies_it(tiny_folder, tmp_path, child_env):
    corpus = tmp_path / "corpus.jsonl.gz"
    with gzip.open(corpus, "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps({"text": t}) + "\n" for t in tiny.texts(20))

    def run(*arguments):
        command = [sys.executable, "-m", "saescope", *map(str, arguments)]
        return subprocess.run(command, env=child_env, capture_output=True, text=True, check=False, timeout=200)

    models = tiny_folder / "tiny-model", tiny_folder / "tiny-sae"
    built = run("index", *models, corpus, "--out", tmp_path / "index", "--max-tokens", 900, "--device", "cpu")
    assert built.returncode == 0, built.stderr
    assert "900 tokens" in built.stdout
    told = run("info", tmp_path / "index", "--verify")
    assert told.returncode == 0
    assert "parts are whole" in told.stdout
    assert "corpus.jsonl.gz" in told.stdout
    again = run("index", *models, corpus, "--out", tmp_path / "index", "--device", "cpu")
    assert again.returncode == 1
    assert "already" in again.stderr
    assert "Traceback" not in again.stderr
    scope = saescope.load(*models, index=tmp_path / "index", device="cpu")
    assert scope.index.manifest.n_rows == 900
