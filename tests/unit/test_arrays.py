import json
import struct

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from saescope.errors import DamagedIndexError
from saescope.index.arrays import map_arrays, numbers_of
from saescope.index.figures import Tables

ARRAYS = {
    "u16": np.arange(7, dtype=np.uint16),
    "u32": np.arange(12, dtype=np.uint32).reshape(3, 4),
    "f16": np.linspace(0, 1, 5).astype(np.float16),
    "f32": np.linspace(-1, 1, 9).astype(np.float32),
    "i64": np.array([-1, 1 << 40]),
    "none": np.zeros((0, 3), dtype=np.float32),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("arrays") / "a.safetensors"
    save_file(ARRAYS, path, metadata={"made": "here"})
    return path.read_bytes()


def test_arrays_are_those_that_were_saved_and_stay_on_disk(tmp_path, whole):
    path = tmp_path / "a.safetensors"
    path.write_bytes(whole)
    found = map_arrays(path)
    assert set(found) == set(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype
        assert not found[name].flags.owndata
        assert not found[name].flags.writeable


def read(folder, raw):
    path = folder / "a.safetensors"
    path.write_bytes(raw)
    try:
        for array in map_arrays(path).values():
            array.tobytes()
    except DamagedIndexError as err:
        return str(path) not in err.message
    return True


def test_every_truncation_is_told(tmp_path, whole):
    assert not any(read(tmp_path, whole[:n]) for n in range(len(whole)))


@given(st.data())
@settings(deadline=None, max_examples=300)
def test_altered_bytes_give_arrays_or_a_damaged_index(tmp_path_factory, whole, data):
    raw = bytearray(whole)
    for place, value in data.draw(st.lists(st.tuples(st.integers(0, len(raw) - 1), st.integers(0, 255)), max_size=4)):
        raw[place] = value
    read(tmp_path_factory.mktemp("altered"), bytes(raw))


def spec(dtype="F32", shape=(1,), offsets=(0, 4)):
    return {"a": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


@pytest.mark.parametrize(
    "header",
    [
        b"[" * 200_000,
        b"\xff\xfe",
        b"{",
        *(
            json.dumps(h).encode()
            for h in (
                [], 5, None, "a", {"a": 5}, {"a": None}, {"a": []}, {"a": {}}, spec("F128"), spec(5), spec(shape=5),
                spec(shape=[-1, -1]), spec(shape=[2**70, 0], offsets=[0, 0]), spec(shape=[2**70]), spec(shape=["1"]),
                spec(shape=[1.0]), spec(shape=[None]), spec(offsets=[4, 0]), spec(offsets=[0, 8]), spec(offsets=[-4, 0]),
                spec(offsets=[0, 2**70]), spec(offsets=[0.0, 4.0]), spec(offsets=["0", "4"]), spec(offsets=[0]),
                spec(shape=[2], offsets=[0, 4]),
            )
        ),
    ],
)  # fmt: skip
def test_hostile_headers_are_refused(tmp_path, header):
    assert not read(tmp_path, struct.pack("<Q", len(header)) + header + bytes(4))


@pytest.mark.parametrize("size", [0, 1, 1 << 40, (1 << 64) - 1])
def test_absurd_header_sizes_are_refused(tmp_path, size):
    assert not read(tmp_path, struct.pack("<Q", size) + b"{}")


def test_a_missing_file_is_a_damaged_index(tmp_path):
    with pytest.raises(DamagedIndexError, match="nothing"):
        map_arrays(tmp_path / "nothing.safetensors")


def test_arrows_numbers_are_those_of_its_own_conversion():
    whole = pa.array(np.arange(20, dtype=np.uint16))
    for part in (whole, whole.slice(3, 5), whole.slice(7, 0), pa.array([], pa.float32())):
        found = numbers_of(part)
        assert found.dtype == part.to_numpy().dtype
        assert found.tolist() == part.to_pylist()


def test_a_column_and_single_rows_are_those_of_the_whole_table(opened):
    figures = Tables(opened.index.folder)
    picked = [200, 3, 3, 0]
    columns = ["feature", "max", "n_fires", "histogram", "top_tokens", "promoted"]
    apart = {name: figures.column(name) for name in columns}
    rows = figures.rows(picked, columns)
    assert figures.rows([], columns).schema == rows.schema
    frame = figures.frame()
    assert rows.equals(frame[picked].select(columns))
    assert all(apart[name].equals(frame[name]) for name in columns)
