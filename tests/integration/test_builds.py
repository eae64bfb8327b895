import gzip
import json
import subprocess
import sys

import pytest

import saescope
import tiny


def test_two_builds_of_the_same_are_byte_for_byte_the_same(tmp_path, silent):
    made = []
    for name in ("a", "b"):
        scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
        scope.build_index(tiny.texts(20), out=tmp_path / name, progress=silent)
        made.append({f.name: f.read_bytes() for f in (tmp_path / name).iterdir() if f.suffix != ".json"})
    assert made[0] == made[1]
    assert {"features.parquet", "examples.arrow", "shard-00000.safetensors", "tokens.bin"} <= set(made[0])


def test_without_postings_the_tables_and_examples_are_the_same(tmp_path, silent):
    scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
    for name in ("with", "without"):
        scope.build_index(tiny.texts(20), out=tmp_path / name, postings=name == "with", progress=silent)
    a, b = (saescope.open_index(tmp_path / n) for n in ("with", "without"))
    assert a.features.equals(b.features)
    assert a.examples(5).equals(b.examples(5))
    assert not list((tmp_path / "without").glob("shard-*"))
    assert len(b.examples(5, k=100)) == len(a.examples(5)) <= 20


@pytest.mark.parametrize("n", [2, 31, 32, 33, 500])
def test_max_tokens_is_exactly_kept(tmp_path, silent, n):
    scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
    index = scope.build_index(tiny.texts(30), out=tmp_path / "index", max_tokens=n, progress=silent)
    assert index.manifest.n_rows == len(index.tokens) == n
    assert len(scope.features) == tiny.D_SAE


def test_several_shards_hold_what_one_holds(tmp_path, silent, monkeypatch):
    frames = []
    for name, rows in (("one", 1 << 16), ("many", 256)):
        monkeypatch.setattr("saescope.index.shards.SHARD_ROWS", rows)
        scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
        index = scope.build_index(tiny.texts(30), out=tmp_path / name, progress=silent)
        frames.append(
            (scope.features["n_fires"].to_list(), [scope.examples(f, k=30)["row"].to_list() for f in range(40)])
        )
        assert (index.manifest.n_shards > 3) == (name == "many")
    assert frames[0] == frames[1]


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
