import errno
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from test_manifest import manifest

from disk import small_disk
from saescope.errors import (
    BusyIndexError,
    DamagedIndexError,
    DiskFullError,
    NoIndexError,
    OccupiedError,
    StoreError,
    UnfinishedIndexError,
)
from saescope.index.manifest import BUILDING, read_manifest
from saescope.indexing.heartbeat import HEARTBEAT, STOP
from saescope.indexing.workspace import LOCK, Workspace, is_being_built


def write(workspace, name, content):
    with workspace.part(name) as path:
        path.write_bytes(content)


def plan(workspace, **changes):
    return manifest(folder=workspace.folder.name, **changes)


def commit(workspace):
    parts = workspace.parts(["tokens.bin"])
    workspace.commit(plan(workspace, is_complete=True, parts=parts))


def build(path, content=b"old", **options):
    workspace = Workspace(path, **options)
    write(workspace, "tokens.bin", content)
    workspace.begin(plan(workspace))
    write(workspace, "shard-00000.safetensors", b"shard")
    commit(workspace)


def half_build(path, content=b"half", **options):
    """A build that has begun and was then given up."""
    workspace = Workspace(path, **options)
    write(workspace, "tokens.bin", content)
    workspace.begin(plan(workspace))
    for name in ("rows-00001.safetensors", "shard-00001.safetensors"):
        write(workspace, name, content)
    workspace.abandon()
    return workspace.folder


def contents(path):
    return {str(f.relative_to(path)): f.read_bytes() for f in path.rglob("*") if f.is_file()}


class Killed(BaseException):
    """The process ends here."""


def killed(*_args, **_kwargs):
    raise Killed


@pytest.fixture
def other_process(child_env):
    """Starts a process that runs some code in a folder, says when it has, and waits to be killed."""
    started = []

    def start(code, folder):
        code = f"import sys, time, pathlib\nfrom saescope.indexing.workspace import *\npath = pathlib.Path(sys.argv[1])\n{code}\nprint('ready', flush=True)\ntime.sleep(99)"
        child = subprocess.Popen([sys.executable, "-c", code, str(folder)], env=child_env, stdout=subprocess.PIPE)
        started.append(child)
        assert child.stdout.readline() == b"ready\n"
        return child

    yield start
    for child in started:
        child.kill()
        child.communicate()


def test_parts_become_an_index_with_the_manifest(tmp_path):
    out = tmp_path / "a" / "index"
    workspace = Workspace(out)
    assert workspace.folder == out / "data-1"
    write(workspace, "tokens.bin", b"123")
    with pytest.raises(UnfinishedIndexError):
        read_manifest(out)
    assert (workspace.has("tokens.bin"), workspace.has("docs.parquet")) == (True, False)
    workspace.begin(plan(workspace))
    assert read_manifest(out) == plan(workspace)
    commit(workspace)
    (part,) = read_manifest(out).parts
    assert (part.name, part.n_bytes, len(part.digest)) == ("tokens.bin", 3, 32)
    assert set(contents(out)) == {"data-1/tokens.bin", "manifest-1.json"}


def test_a_part_has_its_name_when_it_is_whole(tmp_path):
    workspace = Workspace(tmp_path)
    with pytest.raises(TypeError), workspace.part("tokens.bin") as path:
        path.write_bytes("no bytes")
    assert not workspace.has("tokens.bin")
    with workspace.part("tokens.bin") as path:
        path.write_bytes(b"1234")
        assert not workspace.has("tokens.bin")
    assert (workspace.folder / "tokens.bin").read_bytes() == b"1234"


def test_a_checksum_is_that_of_what_is_on_the_disk_whoever_wrote_it(tmp_path):
    workspace = Workspace(tmp_path)
    write(workspace, "tokens.bin", b"old")
    write(workspace, "tokens.bin", b"newer")
    first = workspace.parts(["tokens.bin"])
    workspace.begin(plan(workspace))
    workspace.abandon()
    assert Workspace(tmp_path).parts(["tokens.bin"]) == first
    assert first[0].n_bytes == 5


def test_a_build_that_has_not_begun_leaves_nothing(tmp_path):
    out = tmp_path / "index"
    workspace = Workspace(out)
    write(workspace, "tokens.bin", b"123")
    workspace.abandon()
    assert not out.exists()


def test_an_empty_folder_that_was_there_stays_and_is_empty(tmp_path):
    Workspace(tmp_path).abandon()
    assert list(tmp_path.iterdir()) == []


def test_a_build_that_has_begun_is_kept_and_gone_on_with(tmp_path):
    half_build(tmp_path)
    names = {
        "building.json",
        *(f"data-1/{n}" for n in ("tokens.bin", "rows-00001.safetensors", "shard-00001.safetensors")),
    }
    assert set(contents(tmp_path)) == names
    workspace = Workspace(tmp_path)
    assert workspace.unfinished == plan(workspace)
    assert (workspace.folder.name, workspace.has("tokens.bin")) == ("data-1", True)
    assert workspace.missing_shards(workspace.unfinished) == [0]
    commit(workspace)
    assert set(contents(tmp_path)) == {"data-1/tokens.bin", "manifest-1.json"}


def test_a_shard_is_there_when_both_its_files_are(tmp_path):
    workspace = Workspace(tmp_path)
    made = plan(workspace, shard_starts=[0, 8])
    write(workspace, "rows-00000.safetensors", b"1")
    assert workspace.missing_shards(made) == [0, 1]
    write(workspace, "shard-00000.safetensors", b"1")
    assert workspace.missing_shards(made) == [1]
    (workspace.folder / "shard-00001.safetensors").write_bytes(b"1")
    (workspace.folder / "rows-00001.safetensors.tmp-77").write_bytes(b"1")
    assert workspace.missing_shards(made) == [1]


def test_leavings_of_a_process_that_was_killed_before_it_began_are_built_over(tmp_path, other_process):
    child = other_process("w = Workspace(path)\nwith w.part('tokens.bin') as p: p.write_bytes(b'1')", tmp_path)
    child.send_signal(signal.SIGKILL)
    child.wait(30)
    assert "data-1/tokens.bin" in contents(tmp_path)
    with pytest.raises(UnfinishedIndexError):
        read_manifest(tmp_path)
    workspace = Workspace(tmp_path)
    assert (workspace.unfinished, workspace.has("tokens.bin")) == (None, False)
    workspace.abandon()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_folder_in_which_another_process_builds_is_busy_until_that_dies(tmp_path, other_process, overwrite):
    child = other_process("w = Workspace(path)", tmp_path)
    before = contents(tmp_path)
    assert is_being_built(tmp_path)
    with pytest.raises(BusyIndexError, match="another process is building") as caught:
        Workspace(tmp_path, overwrite=overwrite)
    assert caught.value.hint
    assert isinstance(caught.value, FileExistsError)
    assert contents(tmp_path) == before
    child.send_signal(signal.SIGKILL)
    child.wait(30)
    assert not is_being_built(tmp_path)
    build(tmp_path, overwrite=overwrite)


def test_a_second_build_in_the_same_process_is_refused_until_the_first_is_over(tmp_path):
    first = Workspace(tmp_path)
    write(first, "tokens.bin", b"123")
    for _ in range(2):
        with pytest.raises(BusyIndexError):
            Workspace(tmp_path)
    assert is_being_built(tmp_path)
    assert first.has("tokens.bin")
    first.begin(plan(first))
    first.abandon()
    assert not is_being_built(tmp_path)
    second = Workspace(tmp_path)
    commit(second)
    assert not is_being_built(tmp_path)


def test_looking_whether_a_build_runs_leaves_no_trace(tmp_path):
    assert not is_being_built(tmp_path / "nothing")
    build(tmp_path)
    before = contents(tmp_path)
    assert not is_being_built(tmp_path)
    assert contents(tmp_path) == before
    workspace = Workspace(tmp_path, overwrite=True)
    assert is_being_built(tmp_path)
    workspace.abandon()


def test_an_index_is_not_replaced_unasked(tmp_path):
    build(tmp_path)
    before = contents(tmp_path)
    with pytest.raises(OccupiedError, match="already") as caught:
        Workspace(tmp_path)
    assert "overwrite" in caught.value.hint
    assert isinstance(caught.value, FileExistsError)
    assert contents(tmp_path) == before
    assert not is_being_built(tmp_path)


@pytest.mark.parametrize("name", ["thesis.txt", "tokens.bin", "sub/data.csv", "data-1/tokens.bin", HEARTBEAT, STOP])
@pytest.mark.parametrize("overwrite", [True, False])
def test_a_folder_with_other_files_is_refused_and_left_as_it_was(tmp_path, name, overwrite):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(OccupiedError, match="other files"):
        Workspace(tmp_path, overwrite=overwrite)
    assert contents(tmp_path) == {name: b"mine"}


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "index").write_text("mine")
    with pytest.raises(OccupiedError, match="is a file"):
        Workspace(tmp_path / "index")


def test_the_old_index_opens_until_the_new_one_is_committed(tmp_path):
    build(tmp_path, b"old")
    old = read_manifest(tmp_path)
    workspace = Workspace(tmp_path, overwrite=True)
    assert workspace.folder.name == "data-2"
    write(workspace, "tokens.bin", b"newer")
    assert read_manifest(tmp_path) == old
    workspace.begin(plan(workspace))
    assert read_manifest(tmp_path) == old
    assert (tmp_path / "data-1" / "tokens.bin").read_bytes() == b"old"
    commit(workspace)
    assert read_manifest(tmp_path).parts[0].n_bytes == 5
    assert set(contents(tmp_path)) == {"data-2/tokens.bin", "manifest-2.json"}
    assert not (tmp_path / "data-1").exists()


def test_after_an_overwrite_that_never_began_all_is_as_before(tmp_path):
    build(tmp_path, b"old")
    before = contents(tmp_path)
    workspace = Workspace(tmp_path, overwrite=True)
    write(workspace, "tokens.bin", b"newer")
    workspace.abandon()
    assert contents(tmp_path) == before
    assert not (tmp_path / "data-2").exists()


def test_an_overwrite_that_was_given_up_is_gone_on_with_and_the_old_index_opens(tmp_path):
    build(tmp_path, b"old")
    half_build(tmp_path, b"newer", overwrite=True)
    assert read_manifest(tmp_path).parts[0].n_bytes == 3
    with pytest.raises(OccupiedError, match="already"):
        Workspace(tmp_path)
    workspace = Workspace(tmp_path, overwrite=True)
    assert (workspace.folder.name, workspace.unfinished) == ("data-2", plan(workspace))
    commit(workspace)
    assert set(contents(tmp_path)) == {"data-2/tokens.bin", "manifest-2.json"}


def test_files_of_others_stay_wherever_they_lie(tmp_path):
    build(tmp_path)
    mine = [
        "my-notes.parquet",
        "model.safetensors",
        "draft.tmp",
        "shard-00007.safetensors",
        "data-1/my.csv",
        "data-9/a.txt",
    ]
    for name in mine:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    half_build(tmp_path, overwrite=True)
    build(tmp_path, b"new", overwrite=True)
    folder = read_manifest(tmp_path).folder
    assert set(contents(tmp_path)) - set(mine) == {f"{folder}/tokens.bin", "manifest-2.json"}
    assert set(mine) <= set(contents(tmp_path))


def test_starting_anew_takes_the_earlier_build_away_and_keeps_the_index(tmp_path):
    build(tmp_path, b"old")
    half_build(tmp_path, b"newer", overwrite=True)
    workspace = Workspace(tmp_path, overwrite=True)
    workspace.start_anew()
    assert workspace.unfinished is None
    assert (workspace.has("tokens.bin"), list(workspace.folder.iterdir())) == (False, [])
    assert read_manifest(tmp_path).parts[0].n_bytes == 3
    write(workspace, "tokens.bin", b"newest")
    workspace.begin(plan(workspace))
    commit(workspace)
    folder = workspace.folder.name
    assert set(contents(tmp_path)) == {f"{folder}/tokens.bin", "manifest-2.json"}
    assert contents(tmp_path)[f"{folder}/tokens.bin"] == b"newest"


def test_starting_anew_and_giving_up_leaves_nothing(tmp_path):
    half_build(tmp_path / "index")
    workspace = Workspace(tmp_path / "index")
    workspace.start_anew()
    write(workspace, "tokens.bin", b"1")
    workspace.abandon()
    assert contents(tmp_path) == {}


def test_a_commit_that_dies_before_the_manifest_can_be_gone_on_with(tmp_path, monkeypatch):
    build(tmp_path, b"old")
    folder = half_build(tmp_path, b"newer", overwrite=True)
    workspace = Workspace(tmp_path, overwrite=True)
    monkeypatch.setattr("saescope.indexing.workspace.write_manifest", killed)
    with pytest.raises(Killed):
        commit(workspace)
    monkeypatch.undo()
    workspace._lock.release()
    assert read_manifest(tmp_path).parts[0].n_bytes == 3
    again = Workspace(tmp_path, overwrite=True)
    assert again.folder == folder
    commit(again)
    assert set(contents(tmp_path)) == {"data-2/tokens.bin", "manifest-2.json"}


@pytest.mark.parametrize("dies_in", ["Path.unlink", "Workspace._sweep", "Workspace._clear_marks"])
def test_what_a_crash_after_the_manifest_leaves_is_harmless_and_swept_by_the_next_build(tmp_path, monkeypatch, dies_in):
    build(tmp_path, b"old")
    half_build(tmp_path, b"newer", overwrite=True)
    workspace = Workspace(tmp_path, overwrite=True)
    link, unlink = tmp_path / "manifest-2.json", Path.unlink

    def dies(first, *args, **kwargs):
        return killed() if link.exists() and ".tmp-" not in str(first) else unlink(first, *args, **kwargs)

    monkeypatch.setattr(f"saescope.indexing.workspace.{dies_in}", dies)
    with pytest.raises(Killed):
        commit(workspace)
    monkeypatch.undo()
    workspace._lock.release()
    left = set(contents(tmp_path)) - {LOCK}
    assert {"manifest-2.json", "data-2/tokens.bin", "building.json"} <= left
    assert ("data-1/tokens.bin" in left) == (dies_in != "Workspace._clear_marks")
    assert (tmp_path / read_manifest(tmp_path).folder / "tokens.bin").read_bytes() == b"newer"
    with pytest.raises(OccupiedError, match="already"):
        Workspace(tmp_path)
    fresh = Workspace(tmp_path, overwrite=True)
    assert (fresh.unfinished, fresh.folder.name) == (None, "data-3")
    fresh.abandon()
    assert "data-3" not in {f.name for f in tmp_path.iterdir()}
    assert read_manifest(tmp_path).folder == "data-2"
    build(tmp_path, b"third", overwrite=True)
    assert set(contents(tmp_path)) == {"data-3/tokens.bin", "manifest-3.json"}


@pytest.mark.parametrize(
    "name", ["manifest-2.json.tmp-77", "data-1/rows-00003.safetensors.tmp-77", "data-1/tokens.bin.tmp", "building.json.tmp", "progress.json.tmp"]
)  # fmt: skip
def test_half_written_files_of_a_killed_process_are_swept(tmp_path, name):
    half_build(tmp_path)
    (tmp_path / name).write_bytes(b"1")
    commit(Workspace(tmp_path))
    assert set(contents(tmp_path)) == {"data-1/tokens.bin", "manifest-1.json"}


@pytest.mark.parametrize("spoil", ["a part", "the version", "the manifest"])
def test_a_damaged_index_can_be_overwritten_and_stays_until_then(tmp_path, spoil):
    build(tmp_path, b"old")
    file = tmp_path / "manifest-1.json"
    raw = json.loads(file.read_text())
    if spoil == "a part":
        (tmp_path / "data-1" / "tokens.bin").write_bytes(b"ol")
    file.write_text({"a part": json.dumps(raw), "the version": json.dumps(raw | {"version": [1, 0]})}.get(spoil, "{"))
    before = contents(tmp_path)
    with pytest.raises(OccupiedError):
        Workspace(tmp_path)
    workspace = Workspace(tmp_path, overwrite=True)
    assert workspace.folder.name == "data-2"
    workspace.abandon()
    assert contents(tmp_path) == before
    build(tmp_path, b"newer", overwrite=True)
    assert read_manifest(tmp_path).parts[0].n_bytes == 5
    assert set(contents(tmp_path)) == {"data-2/tokens.bin", "manifest-2.json"}


@pytest.mark.parametrize("text", ["{", '{"format": "saescope-index", "version": [1, 0]}'])
def test_an_unfinished_build_that_cannot_be_read_is_told_and_can_be_overwritten(tmp_path, text):
    half_build(tmp_path)
    (tmp_path / BUILDING).write_text(text)
    before = contents(tmp_path)
    with pytest.raises(DamagedIndexError):
        Workspace(tmp_path)
    assert contents(tmp_path) == before
    build(tmp_path, b"new", overwrite=True)
    assert read_manifest(tmp_path).parts[0].n_bytes == 3


def test_a_plan_whose_folder_is_gone_is_built_anew(tmp_path):
    folder = half_build(tmp_path)
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    workspace = Workspace(tmp_path)
    assert workspace.unfinished is None
    write(workspace, "tokens.bin", b"1")
    workspace.abandon()
    assert list(tmp_path.iterdir()) == []


def test_a_request_to_stop_an_earlier_build_does_not_stop_the_next(tmp_path):
    half_build(tmp_path)
    (tmp_path / STOP).touch()
    (tmp_path / HEARTBEAT).write_text("{}")
    workspace = Workspace(tmp_path)
    assert not (tmp_path / STOP).exists()
    (tmp_path / STOP).touch()
    workspace.abandon()
    assert {f.name for f in tmp_path.iterdir()} == {"data-1", BUILDING}


def test_a_full_disk_is_told_by_the_errno(tmp_path):
    workspace = Workspace(tmp_path / "index")
    with pytest.raises(DiskFullError, match=r"tokens\.bin .* disk is full") as caught, workspace.part("tokens.bin"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert "to go on" in caught.value.hint
    workspace.abandon()
    assert not (tmp_path / "index").exists()


def test_another_disk_error_is_a_store_error(tmp_path):
    workspace = Workspace(tmp_path / "index")
    with pytest.raises(StoreError, match="Input/output") as caught, workspace.part("tokens.bin"):
        raise OSError(errno.EIO, "Input/output error")
    assert not isinstance(caught.value, DiskFullError)


def test_a_really_full_disk_leaves_nothing_of_a_build_that_has_not_begun(tmp_path):
    with small_disk(tmp_path / "disk", 64) as disk:
        workspace = Workspace(disk / "index")
        write(workspace, "docs.parquet", b"x" * 10_000)
        with pytest.raises(DiskFullError):
            write(workspace, "tokens.bin", b"x" * 200_000)
        workspace.abandon()
        assert list(disk.iterdir()) == []


def test_a_build_that_filled_the_disk_is_gone_on_with_when_there_is_room(tmp_path):
    with small_disk(tmp_path / "disk", 96) as disk:
        (disk / "filler").write_bytes(b"x" * 60_000)
        half_build(disk / "index")
        workspace = Workspace(disk / "index")
        for _ in range(2):
            with pytest.raises(DiskFullError):
                write(workspace, "features.arrow", b"x" * 50_000)
        assert not workspace.has("features.arrow")
        workspace.abandon()
        (disk / "filler").unlink()
        workspace = Workspace(disk / "index")
        assert workspace.has("shard-00001.safetensors")
        write(workspace, "features.arrow", b"x" * 50_000)
        commit(workspace)
        assert read_manifest(disk / "index").is_complete


def test_a_disk_too_full_for_the_plan_leaves_nothing(tmp_path):
    with small_disk(tmp_path / "disk", 16) as disk:
        (disk / "filler").write_bytes(b"x" * 16 * 1024)
        workspace = Workspace(disk / "index")
        with pytest.raises(DiskFullError):
            workspace.begin(plan(workspace))
        workspace.abandon()
        assert {f.name for f in disk.rglob("*") if "tmp" not in f.name} == {"filler"}
        assert {f.name for f in disk.iterdir()} == {"filler"}


def test_room_is_checked_before_it_is_needed(tmp_path):
    workspace = Workspace(tmp_path / "index")
    workspace.check_room(1)
    with pytest.raises(DiskFullError, match="needs about") as caught:
        workspace.check_room(1 << 60)
    assert caught.value.data["wanted"] == 1 << 60
    assert caught.value.data["free"] > 0


def test_without_a_folder_there_is_no_index(tmp_path):
    with pytest.raises(NoIndexError):
        read_manifest(tmp_path / "index")


def test_an_interrupt_after_the_commit_leaves_the_index(tmp_path):
    out = tmp_path / "index"
    workspace = Workspace(out)
    write(workspace, "tokens.bin", b"123")
    commit(workspace)
    workspace.abandon()
    assert [p.name for p in read_manifest(out).parts] == ["tokens.bin"]
