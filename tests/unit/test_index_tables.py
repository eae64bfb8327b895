"""Small tables of an index that a stranger made: whole, or damaged, and nothing else."""

import random
import shutil

import polars as pl
import pytest

import saescope
from saescope.bundled import bundled_index
from saescope.errors import DamagedIndexError
from saescope.index.store import DOCS, VOCABULARY
from saescope.index.tables import DOCS_SCHEMA, VOCABULARY_SCHEMA, read_table

TABLES = {DOCS: DOCS_SCHEMA, VOCABULARY: VOCABULARY_SCHEMA}


@pytest.mark.parametrize("name", TABLES)
def test_a_file_with_bytes_changed_is_read_or_damaged(tmp_path, name):
    whole = (bundled_index().folder / name).read_bytes()
    footer = int.from_bytes(whole[-8:-4], "little")
    draw, outcomes = random.Random(0), set()
    for _ in range(400):
        changed = bytearray(whole)
        for _ in range(draw.randint(1, 3)):
            first = len(whole) - 8 - footer if draw.random() < 0.7 else 0
            changed[draw.randrange(first, len(whole))] = draw.choice([0, 1, 0x7F, 0x80, 0xFF])
        (tmp_path / name).write_bytes(changed)
        try:
            read_table(tmp_path / name, TABLES[name])
            outcomes.add("read")
        except DamagedIndexError:
            outcomes.add("damaged")
    assert outcomes == {"read", "damaged"}


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (pl.DataFrame({"doc": [0]}), "is no whole Parquet file"),
        (pl.DataFrame({"doc": [0], "start": [0], "source": ["a"]}), "has columns of other types"),
        (pl.DataFrame({"doc": [0], "start": [0], "source": [None]}, schema=DOCS_SCHEMA), "has gaps"),
    ],
)
def test_a_table_of_another_kind_is_told(tmp_path, frame, told):
    frame.write_parquet(tmp_path / DOCS)
    with pytest.raises(DamagedIndexError, match=told):
        read_table(tmp_path / DOCS, DOCS_SCHEMA)


@pytest.mark.parametrize("name", TABLES)
def test_an_index_whose_table_is_cut_off_says_so(tiny_folder, tmp_path, name):
    scope = saescope.open_index(shutil.copytree(tiny_folder / "index", tmp_path / "index"))
    file = scope.index.folder / name
    n_bytes = file.stat().st_size
    file.write_bytes(file.read_bytes()[: n_bytes // 2].ljust(n_bytes, b"\0"))
    with pytest.raises(DamagedIndexError, match="is no whole Parquet file"):
        scope.examples(0)
