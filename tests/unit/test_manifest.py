import errno
import json
from dataclasses import asdict

import pytest

from saescope.errors import DamagedIndexError, NoIndexError, UnfinishedIndexError
from saescope.index.manifest import (
    BUILDING,
    MAJOR,
    MINOR,
    Manifest,
    Part,
    manifest_numbers,
    read_manifest,
    read_unfinished,
    write_manifest,
)


def manifest(**changes):
    facts = {
        "n_rows": 10, "context_size": 8, "is_packed": True, "d_sae": 4, "d_in": 2, "vocab_size": 5, "shard_starts": [0],
        "rule": {"n_skipped": 1, "skips_special": True, "max_norm_ratio": None}, "groups": ["top"],
        "model": {"name": "m", "fingerprint": "1", "dtype": "float32"},
        "sae": {"name": "s", "fingerprint": "2", "hook_name": "blocks.0.hook_resid_post"},
        "corpus": {"name": "c", "fingerprint": "3"}, "settings": {}, "made_by": "test", "folder": "data-1",
    }  # fmt: skip
    return Manifest(**(facts | changes))


def commit(path, **changes):
    return write_manifest(path, manifest(is_complete=True, **changes))


def rewrite(path, **changes):
    file = path / "manifest-1.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_a_manifest_survives_the_disk(tmp_path):
    (tmp_path / "data-1").mkdir()
    (tmp_path / "data-1" / "a").write_bytes(b"12345")
    made = manifest(is_complete=True, parts=[Part("a", 5, "00")], loss={"recovered": 0.5}, explained_variance=0.9)
    assert write_manifest(tmp_path, made).name == "manifest-1.json"
    assert read_manifest(tmp_path) == made
    assert [f.name for f in tmp_path.iterdir() if "tmp" in f.name] == []


def test_the_highest_number_wins_and_numbers_are_no_texts(tmp_path):
    for n in range(1, 12):
        commit(tmp_path, n_rows=n)
    (tmp_path / "manifest-x.json").write_text("{}")
    (tmp_path / "manifest-99.json.tmp-7").write_text("{}")
    assert manifest_numbers(tmp_path) == list(range(1, 12))
    assert read_manifest(tmp_path).n_rows == 11


def test_a_commit_never_replaces_a_manifest_of_the_same_number(tmp_path, monkeypatch):
    commit(tmp_path, n_rows=1)
    monkeypatch.setattr("saescope.index.manifest.manifest_numbers", lambda _path: [])
    with pytest.raises(FileExistsError):
        commit(tmp_path, n_rows=2)
    monkeypatch.undo()
    assert read_manifest(tmp_path).n_rows == 1
    assert [f.name for f in tmp_path.iterdir()] == ["manifest-1.json"]


def test_a_missing_folder_and_a_folder_without_index_are_told_apart(tmp_path):
    with pytest.raises(NoIndexError, match="there is no index at"):
        read_manifest(tmp_path / "nothing")
    with pytest.raises(NoIndexError, match="holds no index") as caught:
        read_manifest(tmp_path)
    assert caught.value.code == "no_index"
    assert isinstance(caught.value, FileNotFoundError)


def test_a_build_that_has_only_begun_is_told(tmp_path):
    (tmp_path / BUILDING).touch()
    with pytest.raises(UnfinishedIndexError, match="nothing of it can be read yet") as caught:
        read_manifest(tmp_path)
    assert "same `out`" in caught.value.hint


def test_a_build_with_a_plan_can_be_read_and_an_index_goes_before_it(tmp_path):
    plan = manifest(n_rows=99, folder="data-2")
    (tmp_path / BUILDING).write_text(json.dumps(asdict(plan)))
    assert read_manifest(tmp_path) == read_unfinished(tmp_path) == plan
    assert not read_manifest(tmp_path).is_complete
    commit(tmp_path)
    assert (read_manifest(tmp_path).n_rows, read_manifest(tmp_path).is_complete) == (10, True)
    assert read_unfinished(tmp_path) == plan


@pytest.mark.parametrize("text", ["{", "[]", "5", "null", "{}", '{"format": "saescope-index"}', "\x00"])
def test_a_broken_plan_is_a_damaged_index(tmp_path, text):
    (tmp_path / BUILDING).write_text(text)
    with pytest.raises(DamagedIndexError, match=r"building\.json"):
        read_manifest(tmp_path)


def test_another_major_version_is_refused_and_a_newer_minor_one_is_read(tmp_path):
    commit(tmp_path)
    rewrite(tmp_path, version=[MAJOR, MINOR + 1], something_new=5)
    assert read_manifest(tmp_path).n_rows == 10
    rewrite(tmp_path, version=[MAJOR + 1, 0])
    with pytest.raises(
        DamagedIndexError, match=f"version {MAJOR + 1}, and this saescope reads version {MAJOR}"
    ) as caught:
        read_manifest(tmp_path)
    assert "Update saescope" in caught.value.hint


@pytest.mark.parametrize(
    ("content", "said"), [(None, "is missing"), (b"1234", "has 4 bytes"), (b"123456", "has 6 bytes")]
)
def test_a_part_that_is_missing_or_of_another_size_is_told(tmp_path, content, said):
    (tmp_path / "data-1").mkdir()
    (tmp_path / "a").write_bytes(b"12345")
    if content is not None:
        (tmp_path / "data-1" / "a").write_bytes(content)
    commit(tmp_path, parts=[Part("a", 5, "00")])
    with pytest.raises(DamagedIndexError, match=f"a should have 5 bytes and {said}") as caught:
        read_manifest(tmp_path)
    assert caught.value.hint


@pytest.mark.parametrize("text", ["", "{", "[]", "5", "null", "{}", '{"format": "saescope-index"}', "\x00"])
def test_a_broken_manifest_is_a_damaged_index(tmp_path, text):
    (tmp_path / "manifest-1.json").write_text(text)
    with pytest.raises(DamagedIndexError, match=r"manifest-1\.json"):
        read_manifest(tmp_path)


def test_a_manifest_that_lacks_a_field_or_is_of_another_format_is_refused(tmp_path):
    commit(tmp_path)
    rewrite(tmp_path, format="other")
    with pytest.raises(DamagedIndexError, match="'other'"):
        read_manifest(tmp_path)
    raw = json.loads((tmp_path / "manifest-1.json").read_text()) | {"format": "saescope-index"}
    del raw["n_rows"]
    (tmp_path / "manifest-1.json").write_text(json.dumps(raw))
    with pytest.raises(DamagedIndexError, match="n_rows"):
        read_manifest(tmp_path)


def test_a_file_system_without_hard_links_still_takes_an_index(tmp_path, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("saescope.index.manifest.os.link", refuse)
    assert commit(tmp_path).name == "manifest-1.json"
    assert commit(tmp_path, n_rows=20).name == "manifest-2.json"
    assert read_manifest(tmp_path).n_rows == 20


@pytest.mark.parametrize("n_syncs", [0, 1])
def test_a_manifest_that_cannot_be_written_leaves_nothing_with_hard_links_and_without(tmp_path, monkeypatch, n_syncs):
    synced = []

    def no_links(*_args):
        raise PermissionError(1, "Operation not permitted")

    def refuse(*args, **_kwargs):
        synced.append(args)
        if len(synced) > n_syncs:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("saescope.index.manifest.os.fsync", refuse)
    monkeypatch.setattr("saescope.index.manifest.os.link", no_links)
    with pytest.raises(OSError, match="No space"):
        commit(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_shards_end_where_the_next_begins_and_the_last_with_the_rows():
    made = manifest(shard_starts=[0, 7, 9], n_rows=20)
    assert (made.n_shards, [made.shard_rows(n) for n in range(3)]) == (3, [7, 2, 11])


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"model": {"name": "m", "fingerprint": "9", "dtype": "float32"}}, ["model"]),
        ({"model": {"name": "m", "fingerprint": "1", "dtype": "bfloat16"}}, ["dtype of the model"]),
        ({"sae": {"name": "s", "fingerprint": "9", "hook_name": "blocks.0.hook_resid_post"}}, ["SAE"]),
        ({"sae": {"name": "s", "fingerprint": "2", "hook_name": "blocks.1.hook_resid_post"}}, ["site"]),
        ({"corpus": {"name": "c", "fingerprint": "9"}}, ["text"]),
        ({"n_rows": 11}, ["number of tokens"]),
        ({"context_size": 16}, ["context size"]),
        ({"is_packed": False}, ["packing"]),
        ({"shard_starts": [0, 8]}, ["shards"]),
        ({"rule": {}}, ["rule of what counts"]),
        ({"model": {"name": "other", "fingerprint": "1", "dtype": "float32"}, "corpus": {"name": "d", "fingerprint": "3"},
          "folder": "data-7", "settings": {"a": 1}, "made_by": "another"}, []),
    ],
)  # fmt: skip
def test_builds_belong_together_when_everything_agrees_that_shards_depend_on(changes, named):
    ours, theirs = manifest().identity(), manifest(**changes).identity()
    assert [name for name in ours if ours[name] != theirs[name]] == named
