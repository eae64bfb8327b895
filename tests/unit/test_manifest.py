import json

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
    write_manifest,
)


def manifest(**changes):
    facts = {
        "n_rows": 10, "n_counted": 9, "context_size": 8, "d_sae": 4, "d_in": 2, "vocab_size": 5, "shard_rows": 8,
        "n_shards": 1, "rule": {"skips_first": True, "skips_special": True}, "groups": ["top"], "l0": 1.5, "n_alive": 3,
        "lens": "raw", "model": {"name": "m"}, "sae": {"name": "s"}, "corpus": {"name": "c"}, "settings": {},
        "parts": [], "created": "now", "made_by": "test",
    }  # fmt: skip
    return Manifest(**(facts | changes))


def rewrite(path, **changes):
    file = path / "manifest-1.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_a_manifest_survives_the_disk(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    made = manifest(parts=[Part("a", 5, "00")])
    assert write_manifest(tmp_path, made).name == "manifest-1.json"
    assert read_manifest(tmp_path) == made
    assert [f.name for f in tmp_path.iterdir() if "tmp" in f.name] == []


def test_the_highest_number_wins_and_numbers_are_no_texts(tmp_path):
    for n in range(1, 12):
        write_manifest(tmp_path, manifest(n_rows=n))
    (tmp_path / "manifest-x.json").write_text("{}")
    assert manifest_numbers(tmp_path) == list(range(1, 12))
    assert read_manifest(tmp_path).n_rows == 11


def test_a_commit_never_replaces_a_manifest_of_the_same_number(tmp_path, monkeypatch):
    write_manifest(tmp_path, manifest(n_rows=1))
    monkeypatch.setattr("saescope.index.manifest.manifest_numbers", lambda _path: [])
    with pytest.raises(FileExistsError):
        write_manifest(tmp_path, manifest(n_rows=2))
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


def test_a_build_that_never_finished_is_told(tmp_path):
    (tmp_path / BUILDING).write_text("{}")
    with pytest.raises(UnfinishedIndexError, match="never finished") as caught:
        read_manifest(tmp_path)
    assert "same `out`" in caught.value.hint


def test_another_major_version_is_refused_and_a_newer_minor_one_is_read(tmp_path):
    write_manifest(tmp_path, manifest())
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
    if content is not None:
        (tmp_path / "a").write_bytes(content)
    write_manifest(tmp_path, manifest(parts=[Part("a", 5, "00")]))
    with pytest.raises(DamagedIndexError, match=f"a should have 5 bytes and {said}") as caught:
        read_manifest(tmp_path)
    assert caught.value.hint


@pytest.mark.parametrize("text", ["", "{", "[]", "5", "null", "{}", '{"format": "saescope-index"}', "\x00"])
def test_a_broken_manifest_is_a_damaged_index(tmp_path, text):
    (tmp_path / "manifest-1.json").write_text(text)
    with pytest.raises(DamagedIndexError, match=r"manifest-1\.json"):
        read_manifest(tmp_path)


def test_a_manifest_that_lacks_a_field_or_is_of_another_format_is_refused(tmp_path):
    write_manifest(tmp_path, manifest())
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
    assert write_manifest(tmp_path, manifest()).name == "manifest-1.json"
    assert write_manifest(tmp_path, manifest(n_rows=20)).name == "manifest-2.json"
    assert read_manifest(tmp_path).n_rows == 20
