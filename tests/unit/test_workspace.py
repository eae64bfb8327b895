import errno

import pytest
from test_manifest import manifest

from disk import small_disk
from saescope.errors import DiskFullError, NoIndexError, OccupiedError, StoreError, UnfinishedIndexError
from saescope.index.manifest import read_manifest
from saescope.indexing.workspace import Workspace


def write(workspace, name, content):
    with workspace.part(name) as path:
        path.write_bytes(content)


def build(path, content=b"old", **options):
    workspace = Workspace(path, **options)
    write(workspace, "tokens.bin", content)
    workspace.commit(manifest(parts=workspace.parts))


def contents(path):
    return {f.name: f.read_bytes() for f in path.rglob("*") if f.is_file()}


def test_parts_become_an_index_with_the_manifest(tmp_path):
    out = tmp_path / "a" / "index"
    workspace = Workspace(out)
    write(workspace, "tokens.bin", b"123")
    with pytest.raises(UnfinishedIndexError):
        read_manifest(out)
    assert workspace.place("tokens.bin").read_bytes() == b"123"
    workspace.commit(manifest(parts=workspace.parts))
    assert [p.name for p in read_manifest(out).parts] == ["tokens.bin"]
    assert set(contents(out)) == {"tokens.bin", "manifest-1.json"}


def test_an_abandoned_build_leaves_nothing(tmp_path):
    out = tmp_path / "index"
    workspace = Workspace(out)
    write(workspace, "tokens.bin", b"123")
    workspace.abandon()
    assert not out.exists()


def test_an_abandoned_build_leaves_an_empty_folder_that_was_there(tmp_path):
    Workspace(tmp_path).abandon()
    assert tmp_path.is_dir()
    assert contents(tmp_path) == {}


def test_discarded_parts_are_in_neither_folder_nor_manifest(tmp_path):
    workspace = Workspace(tmp_path)
    write(workspace, "shard-00000.safetensors", b"1")
    write(workspace, "tokens.bin", b"2")
    workspace.discard(["shard-00000.safetensors"])
    workspace.commit(manifest(parts=workspace.parts))
    assert set(contents(tmp_path)) == {"tokens.bin", "manifest-1.json"}


def test_an_index_is_not_replaced_unasked(tmp_path):
    build(tmp_path)
    before = contents(tmp_path)
    with pytest.raises(OccupiedError, match="already") as caught:
        Workspace(tmp_path)
    assert "overwrite" in caught.value.hint
    assert isinstance(caught.value, FileExistsError)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", ["thesis.txt", "tokens.bin", "sub/data.csv"])
@pytest.mark.parametrize("overwrite", [True, False])
def test_a_folder_with_other_files_is_refused(tmp_path, name, overwrite):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(OccupiedError, match="other files"):
        Workspace(tmp_path, overwrite=overwrite)
    assert contents(tmp_path) == {(tmp_path / name).name: b"mine"}


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "index").write_text("mine")
    with pytest.raises(OccupiedError, match="is a file"):
        Workspace(tmp_path / "index")


def test_the_old_index_opens_until_the_new_one_is_committed(tmp_path):
    build(tmp_path, b"old")
    workspace = Workspace(tmp_path, overwrite=True)
    write(workspace, "tokens.bin", b"newer")
    read_manifest(tmp_path)
    assert (tmp_path / "tokens.bin").read_bytes() == b"old"
    assert workspace.place("tokens.bin").read_bytes() == b"newer"
    workspace.commit(manifest(parts=workspace.parts))
    assert read_manifest(tmp_path).parts[0].n_bytes == 5
    assert contents(tmp_path)["tokens.bin"] == b"newer"
    assert len(contents(tmp_path)) == 2


def test_after_a_failed_overwrite_the_old_index_opens(tmp_path):
    build(tmp_path, b"old")
    before = contents(tmp_path)
    workspace = Workspace(tmp_path, overwrite=True)
    write(workspace, "tokens.bin", b"newer")
    workspace.abandon()
    assert contents(tmp_path) == before
    read_manifest(tmp_path)


def test_an_overwrite_takes_away_the_old_parts_and_nothing_that_is_not_ours(tmp_path):
    build(tmp_path)
    for name in ("shard-00007.safetensors", "my-notes.parquet", "model.safetensors", "draft.tmp"):
        (tmp_path / name).write_text("x")
    build(tmp_path, b"new", overwrite=True)
    left = set(contents(tmp_path)) - {"tokens.bin", "manifest-1.json"}
    assert left == {"my-notes.parquet", "model.safetensors", "draft.tmp"}


def test_a_commit_that_dies_halfway_says_unfinished_and_can_be_built_again(tmp_path, monkeypatch):
    build(tmp_path, b"old")
    workspace = Workspace(tmp_path, overwrite=True)
    write(workspace, "tokens.bin", b"newer")

    def killed(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr("saescope.indexing.workspace.write_manifest", killed)
    with pytest.raises(KeyboardInterrupt):
        workspace.commit(manifest(parts=workspace.parts))
    monkeypatch.undo()
    with pytest.raises(UnfinishedIndexError):
        read_manifest(tmp_path)
    build(tmp_path, b"third")
    assert read_manifest(tmp_path).parts[0].n_bytes == 5


def test_leavings_of_an_unfinished_build_are_built_over(tmp_path):
    write(Workspace(tmp_path), "shard-00003.safetensors", b"old")
    build(tmp_path, b"new")
    assert set(contents(tmp_path)) == {"tokens.bin", "manifest-1.json"}


def test_a_full_disk_is_told_by_the_errno(tmp_path):
    workspace = Workspace(tmp_path / "index")
    with pytest.raises(DiskFullError, match=r"tokens\.bin .* disk is full") as caught, workspace.part("tokens.bin"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.hint
    workspace.abandon()
    assert not (tmp_path / "index").exists()


def test_another_disk_error_is_a_store_error(tmp_path):
    workspace = Workspace(tmp_path / "index")
    with pytest.raises(StoreError, match="Input/output") as caught, workspace.part("tokens.bin"):
        raise OSError(errno.EIO, "Input/output error")
    assert not isinstance(caught.value, DiskFullError)


def test_a_really_full_disk_leaves_nothing(tmp_path):
    with small_disk(tmp_path / "disk", 64) as disk:
        workspace = Workspace(disk / "index")
        write(workspace, "docs.parquet", b"x" * 10_000)
        with pytest.raises(DiskFullError):
            write(workspace, "tokens.bin", b"x" * 200_000)
        workspace.abandon()
        assert list(disk.iterdir()) == []


def test_a_disk_that_is_full_from_the_start_leaves_nothing(tmp_path):
    with small_disk(tmp_path / "disk", 16) as disk:
        (disk / "filler").write_bytes(b"x" * 16 * 1024)
        with pytest.raises(StoreError):
            Workspace(disk / "index")
        assert [f.name for f in disk.iterdir()] == ["filler"]


def test_room_is_checked_before_it_is_needed(tmp_path):
    with pytest.raises(DiskFullError, match="needs about") as caught:
        Workspace(tmp_path / "index").check_room(1 << 60)
    assert caught.value.data["wanted"] == 1 << 60


def test_without_a_folder_there_is_no_index(tmp_path):
    with pytest.raises(NoIndexError):
        read_manifest(tmp_path / "index")


def test_an_interrupt_after_the_commit_leaves_the_index(tmp_path):
    out = tmp_path / "index"
    workspace = Workspace(out)
    write(workspace, "tokens.bin", b"123")
    workspace.commit(manifest(parts=workspace.parts))
    workspace.abandon()
    assert [p.name for p in read_manifest(out).parts] == ["tokens.bin"]
