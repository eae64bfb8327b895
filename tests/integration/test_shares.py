"""Parts of an index, made apart and merged: any order, any grouping, the same bytes."""

import itertools
import json
import os
import re
import shutil
import threading

import pytest
from benchmarks.kills import digests

import saescope
import tiny
from saescope.cli.main import main
from saescope.errors import InputError, MismatchError, NoIndexError, OtherBuildError, OverlapError, UnfinishedIndexError
from saescope.index import Index
from saescope.indexing.worker import Worker
from saescope.progress import Silent

SHARD, N_DOCUMENTS = 128, 30


@pytest.fixture(scope="module", autouse=True)
def small_shards():
    with pytest.MonkeyPatch.context() as patch:
        for module in ("build", "text"):
            patch.setattr(f"saescope.indexing.{module}.SHARD_ROWS", SHARD)
        yield


@pytest.fixture(scope="module")
def scope():
    return saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())


def build(scope, out, **options):
    options = {"corpus": tiny.texts(N_DOCUMENTS), "progress": Silent(), "attach": False} | options
    return scope.build_index(out=out, **options)


def merge(parts, out, **options):
    return saescope.merge(parts, out, progress=Silent(), **options)


def contents(path):
    return {str(f.relative_to(path)): f.read_bytes() for f in path.rglob("*") if f.is_file()}


@pytest.fixture(scope="module")
def whole(scope, tmp_path_factory):
    """The index built at once."""
    return build(scope, tmp_path_factory.mktemp("whole") / "index")


@pytest.fixture(scope="module", params=[True, False], ids=["packed", "apart"])
def either(request, scope, tmp_path_factory):
    """An index built at once, and the same in three parts."""
    folder, options = tmp_path_factory.mktemp("shares"), {"packed": request.param}
    made = {name: build(scope, folder / name, share=f"{n}/3", **options).path for n, name in enumerate("abc", 1)}
    return build(scope, folder / "whole", **options), made


@pytest.fixture(scope="module")
def parts(scope, tmp_path_factory):
    """Three parts, by name."""
    folder = tmp_path_factory.mktemp("parts")
    return {name: build(scope, folder / name, share=f"{n}/3").path for n, name in enumerate("abc", 1)}


def same(index, whole):
    assert {f.name for f in index.folder.iterdir()} == {p.name for p in index.manifest.parts}
    told = [{**vars(i.manifest), "created": "", "folder": "", "corpus_key": None} for i in (index, whole)]
    assert told[0] == told[1]
    return index.is_complete and digests(index.path) == digests(whole.path)


def test_a_part_holds_its_third_of_the_shards_and_says_so(parts, whole):
    for n, path in enumerate(parts.values()):
        index = Index(path)
        mine = range(n, whole.manifest.n_shards, 3)
        assert not index.is_complete
        assert {f.name for f in index.folder.glob("shard-*")} == {f"shard-{k:05d}.safetensors" for k in mine}
        assert index.n_rows == sum(whole.manifest.shard_rows(k) for k in mine)


@pytest.mark.parametrize("order", ["".join(p) for p in itertools.permutations("abc")])
@pytest.mark.parametrize("grouping", ["flat", "left", "right"])
def test_parts_merged_in_any_order_and_grouping_are_the_single_build(either, tmp_path, order, grouping):
    whole, made = either
    first, second, third = (made[name] for name in order)
    if grouping == "left":
        sides = [merge([first, second], tmp_path / "side").path, third]
    elif grouping == "right":
        sides = [first, merge([second, third], tmp_path / "side").path]
    else:
        sides = [first, second, third]
    assert same(merge(sides, tmp_path / "out"), whole)


def test_a_merge_of_one_part_is_that_part(parts, tmp_path, whole):
    alone = {name: merge([path], tmp_path / name).path for name, path in parts.items()}
    assert Index(alone["b"]).table.equals(Index(parts["b"]).table)
    assert same(merge(alone.values(), tmp_path / "out"), whole)


def test_parts_stay_as_they_are_and_are_not_needed_afterwards(parts, tmp_path, whole):
    copies = [shutil.copytree(path, tmp_path / name) for name, path in parts.items()]
    before = [contents(c) for c in copies]
    index = merge(copies, tmp_path / "out")
    assert [contents(c) for c in copies] == before
    for copy in copies:
        for file in copy.rglob("*.*"):
            if file.is_file():
                file.unlink()
    assert same(Index(index.path), whole)


def test_where_files_cannot_be_linked_they_are_copied(parts, tmp_path, whole, monkeypatch):
    def refuse(source, target):
        if target.suffix == ".json":
            return link(source, target)
        raise OSError("no links here")

    link = os.link
    monkeypatch.setattr(os, "link", refuse)
    index = merge(parts.values(), tmp_path / "out")
    assert same(index, whole)
    assert all(f.stat().st_nlink == 1 for f in index.folder.iterdir())


@pytest.mark.parametrize("n", [7, 50])
def test_any_number_of_shares_will_do(scope, tmp_path, whole, n):
    paths = [build(scope, tmp_path / str(k), share=f"{k}/{n}").path for k in range(1, n + 1, 1)][::-1]
    assert same(merge(paths, tmp_path / "out"), whole)


def test_a_share_that_was_interrupted_goes_on_with_its_own_shards(scope, tmp_path, whole, parts, monkeypatch):
    numbers, make = [], Worker.make

    def counting(self, number, on_done):
        numbers.append(number)
        if len(numbers) == 3:
            raise KeyboardInterrupt
        return make(self, number, on_done)

    monkeypatch.setattr(Worker, "make", counting)
    with pytest.raises(KeyboardInterrupt):
        build(scope, tmp_path / "b", share="2/3")
    build(scope, tmp_path / "b", share="2/3")
    mine = list(range(1, whole.manifest.n_shards, 3))
    assert numbers == [*mine[:3], *mine[2:]]
    assert same(merge([parts["c"], tmp_path / "b", parts["a"]], tmp_path / "out"), whole)


def test_shares_made_one_after_the_other_in_one_folder_become_the_index(scope, tmp_path, whole):
    states = [build(scope, tmp_path / "index", share=f"{n}/3").is_complete for n in (2, 1, 3)]
    assert states == [False, False, True]
    assert same(Index(tmp_path / "index"), whole)


@pytest.mark.parametrize("twice", ["itself", "a merge"])
def test_a_shard_in_two_parts_is_refused_and_leaves_nothing(parts, tmp_path, twice):
    other = parts["a"] if twice == "itself" else merge([parts["a"], parts["b"]], tmp_path / "ab").path
    with pytest.raises(OverlapError, match="shard 0 is in") as caught:
        merge([parts["a"], parts["c"], other], tmp_path / "out")
    assert caught.value.data["shard"] == 0
    assert str(other) in caught.value.message
    assert caught.value.hint
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"corpus": tiny.texts(N_DOCUMENTS, seed=3)}, "text"),
        ({"max_tokens": 1000}, "number of tokens"),
        ({"context_size": 16}, "context size"),
        ({"packed": False}, "packing"),
        ({"rule": saescope.Rule(5)}, "rule of what counts"),
        ({"sae": "topk"}, "SAE"),
    ],
    ids=str,
)
def test_parts_of_different_indexes_are_refused_and_what_differs_is_named(scope, parts, tmp_path, change, named):
    options = dict(change)
    if kind := options.pop("sae", None):
        scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae(kind))
    other = build(scope, tmp_path / "other", share="2/3", **options).path
    with pytest.raises(MismatchError, match=f"differ in .*{named}") as caught:
        merge([parts["a"], other, parts["c"]], tmp_path / "out")
    assert named in caught.value.data["differs"]
    assert str(other) in caught.value.message
    assert not (tmp_path / "out").exists()


def test_an_incomplete_merge_can_be_read_and_merged_further(parts, tmp_path, whole):
    index = merge([parts["c"], parts["a"]], tmp_path / "ca")
    assert not index.is_complete
    assert index.n_rows == Index(parts["a"]).n_rows + Index(parts["c"]).n_rows < whole.n_rows
    fires = [Index(p).table["n_fires"] for p in (parts["a"], parts["c"])]
    assert (index.table["n_fires"] == fires[0] + fires[1]).all()
    assert same(merge([parts["b"], tmp_path / "ca"], tmp_path / "out"), whole)


@pytest.mark.parametrize("names", ["ac", "bc"])
def test_an_incomplete_merge_can_be_built_on(scope, parts, tmp_path, whole, monkeypatch, names):
    merge([parts[n] for n in names], tmp_path / "out")
    numbers, make = [], Worker.make
    monkeypatch.setattr(Worker, "make", lambda self, n, on_done: numbers.append(n) or make(self, n, on_done))
    assert same(build(scope, tmp_path / "out"), whole)
    assert numbers == list(range({"ac": 1, "bc": 0}[names], whole.manifest.n_shards, 3))


def test_an_interrupted_build_is_a_part_too(scope, parts, tmp_path, whole, monkeypatch):
    make = Worker.make

    def breaking(self, number, on_done):
        if number == 6:
            raise KeyboardInterrupt
        return make(self, number, on_done)

    monkeypatch.setattr(Worker, "make", breaking)
    with pytest.raises(KeyboardInterrupt):
        build(scope, tmp_path / "first")
    monkeypatch.setattr(Worker, "make", make)
    with pytest.raises(OverlapError):
        merge([tmp_path / "first", parts["b"]], tmp_path / "out")
    assert same(build(scope, merge([tmp_path / "first"], tmp_path / "out").path), whole)


def test_what_is_no_part_is_told(parts, whole, tmp_path):
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "notes.txt").write_text("mine")
    for path in (whole.path, plain, tmp_path / "gone"):
        with pytest.raises(InputError, match="is no part of an index") as caught:
            merge([parts["a"], path], tmp_path / "out")
        assert str(path) in caught.value.message
        assert "share" in caught.value.hint
    with pytest.raises(InputError, match="nothing to merge"):
        merge([], tmp_path / "out")
    with pytest.raises(InputError, match="is one of the parts"):
        merge(parts.values(), parts["b"] / ".." / "b")
    assert not (tmp_path / "out").exists()
    assert contents(plain) == {"notes.txt": b"mine"}


def test_a_part_that_is_still_being_built_is_told(scope, parts, tmp_path):
    is_in, go = threading.Event(), threading.Event()

    class Waits(Silent):
        def advance(self, n):
            is_in.set()
            assert go.wait(30)

    def work():
        build(scope, tmp_path / "b", share="2/3", progress=Waits())

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert is_in.wait(30)
        with pytest.raises(UnfinishedIndexError, match="is still being built"):
            merge([parts["a"], tmp_path / "b"], tmp_path / "out")
    finally:
        go.set()
        thread.join()
    assert merge([parts["a"], tmp_path / "b"], tmp_path / "out").n_rows > 0


def test_a_merge_replaces_an_index_only_when_asked(parts, tmp_path, whole):
    out = shutil.copytree(whole.path, tmp_path / "out")
    before = contents(out)
    with pytest.raises(FileExistsError, match="already"):
        merge(parts.values(), out)
    assert contents(out) == before
    assert same(merge(parts.values(), out, overwrite=True), whole)


def test_a_merge_throws_no_shards_away_that_are_in_its_folder(scope, parts, tmp_path, whole):
    out = merge([parts["a"], parts["b"]], tmp_path / "out").path
    before = contents(out)
    with pytest.raises(OtherBuildError, match="unfinished"):
        merge([parts["c"]], out)
    assert contents(out) == before
    other = build(scope, tmp_path / "other", share="1/2", context_size=16).path
    before = contents(other)
    with pytest.raises(OtherBuildError, match="context size"):
        merge(parts.values(), other)
    assert contents(other) == before
    assert same(merge(parts.values(), other, overwrite=True), whole)


def test_a_merge_that_was_interrupted_can_be_called_again(parts, tmp_path, whole):
    class Breaks(Silent):
        def advance(self, n):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        saescope.merge(parts.values(), tmp_path / "out", progress=Breaks())
    assert not Index(tmp_path / "out").is_complete
    assert same(merge(parts.values(), tmp_path / "out"), whole)


@pytest.mark.parametrize("share", ["0/3", "4/3", "3", "a/b", "", "1/0", "-1/3", "1/3/5", "1.5/3"])
def test_what_is_no_share_is_told(scope, tmp_path, share):
    with pytest.raises(InputError, match="a share is i/n"):
        build(scope, tmp_path / "out", share=share)
    assert not (tmp_path / "out").exists()


def test_the_shell_makes_parts_tells_of_them_and_joins_them(tiny_folder, tmp_path, capsys):
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text("".join(json.dumps({"text": t}) + "\n" for t in tiny.texts(N_DOCUMENTS)))
    source = [str(tiny_folder / name) for name in ("tiny-model", "tiny-sae")]

    def said(*arguments):
        assert main([str(a) for a in arguments]) == 0
        return capsys.readouterr().out

    common = [*source, corpus, "--device", "cpu", "--out"]
    for n in "123":
        shown = said("index", *common, tmp_path / n, "--share", f"{n}/3")
        rows, total = (int(x.replace(",", "")) for x in re.search(r"([\d,]+) of ([\d,]+) tokens", shown).groups())
        assert 0 < rows == Index(tmp_path / n).n_rows < total
        assert "saescope merge" in shown
    shown = said("info", tmp_path / "2")
    assert f"unfinished: {rows_of(tmp_path / '2')} tokens" in shown
    assert "not being built" in shown
    shown = said("merge", tmp_path / "3", tmp_path / "1", "--out", tmp_path / "31")
    assert "tokens so far" in shown
    shown = said("merge", tmp_path / "2", tmp_path / "31", "--out", tmp_path / "out")
    assert shown.splitlines()[-1] == "complete"
    said("index", *common, tmp_path / "whole")
    assert same(Index(tmp_path / "out"), Index(tmp_path / "whole"))
    assert "parts are whole" in said("info", "--verify", tmp_path / "out")
    assert main(["merge", str(tmp_path / "1"), str(tmp_path / "31"), "--out", str(tmp_path / "no")]) == 1
    assert "would count twice" in capsys.readouterr().err
    with pytest.raises(NoIndexError):
        Index(tmp_path / "no")


def rows_of(path):
    index = Index(path)
    return f"{index.n_rows:,} of {index.manifest.n_rows:,}"
