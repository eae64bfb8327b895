"""Features by the text of their examples, against the examples themselves."""

import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file

import saescope
from saescope.errors import InputError
from saescope.index.choice import GROUPS
from saescope.index.spans import SPANS, SpanCollector
from saescope.progress import Silent
from saescope.query import example_text
from saescope.query.example_text import examples_with
from saescope.query.text import find_text


@pytest.fixture(scope="module")
def windows(opened):
    """All stored examples: feature, peak, first row, end."""
    index, found = opened.index, set()
    for feature in range(index.manifest.d_sae):
        for code in range(len(GROUPS)):
            found |= {
                (feature, w.row, w.start, w.start + len(w.activations)) for w in index.figures.windows(feature, code)
            }
    return sorted(found)


def plain_counts(index, windows, text):
    """Distinct examples of each feature that hold the text, by reading each one's bytes, contexts kept apart."""
    n_hits, raw = np.zeros(index.manifest.d_sae, dtype=int), text.encode()
    contents = index.vocabulary.contents
    for feature, _, start, end in windows:
        n_hits[feature] += raw in b"".join(contents[t] for t in index.tokens[start:end].tolist())
    return n_hits


@pytest.mark.parametrize("text", [" the", "e", "the sea", ", and", "日", "ou", "qqqq", " a ship", "\n"])
def test_features_are_those_whose_examples_hold_the_text(opened, windows, text):
    wanted = plain_counts(opened.index, windows, text)
    found = examples_with(opened.index, text)
    assert found.n_hits.tolist() == wanted.tolist()
    assert found.n_found == find_text(opened.index, text, limit=1 << 40).n_found


def test_small_steps_give_the_same(opened, windows, monkeypatch):
    monkeypatch.setattr(example_text, "STEP", 7)
    for text, many in (("e", 4), (" the", 4), ("e", 0), (" the", 0), (" the", 10**9), (" a ship", 10**9)):
        monkeypatch.setattr(example_text, "MANY", many)
        assert examples_with(opened.index, text).n_hits.tolist() == plain_counts(opened.index, windows, text).tolist()


def test_the_spans_of_an_index_are_those_of_its_examples(opened, windows):
    spans = load_file(opened.index.folder / SPANS)
    assert (np.diff(spans["start"].astype(int)) >= 0).all()
    told = sorted(zip(*(spans[n].tolist() for n in ("feature", "start", "length")), strict=True))
    assert told == sorted((f, start, end - start) for f, _, start, end in windows)
    assert SPANS in {p.name for p in opened.index.manifest.parts}


def test_an_index_without_the_part_answers_the_same(opened, tiny_folder, tmp_path, windows):
    shutil.copytree(tiny_folder / "index", tmp_path / "older")
    older = saescope.open_index(tmp_path / "older")
    (older.index.folder / SPANS).unlink()
    assert examples_with(older.index, " the").n_hits.tolist() == examples_with(opened.index, " the").n_hits.tolist()
    for mine, theirs in zip(older.index.example_spans, opened.index.example_spans, strict=True):
        assert mine.tolist() == theirs.tolist()


def test_an_index_without_postings_has_them_too(tmp_path):
    import tiny

    scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
    scope.build_index(tiny.texts(8), out=tmp_path / "i", progress=Silent(), postings=False)
    found = scope.find_features(fires_on=" the")
    assert found.height > 0
    assert (scope.index.folder / SPANS).exists()


def test_written_in_pieces_it_is_the_same(opened, tmp_path, monkeypatch):
    from saescope.index import spans

    collector = SpanCollector()
    for batch in spans._columns(opened.index.folder / "examples.arrow"):
        collector.add(batch)
    monkeypatch.setattr(spans, "PIECE", 100)
    collector.write(tmp_path / SPANS, opened.index.manifest.n_rows)
    assert (tmp_path / SPANS).read_bytes() == (opened.index.folder / SPANS).read_bytes()


def test_the_twin_tells_how_many_and_sorts_by_it(opened, windows):
    found = opened.find_features(fires_on=" the")
    wanted = plain_counts(opened.index, windows, " the")
    order = sorted(np.flatnonzero(wanted).tolist(), key=lambda f: (-wanted[f], f))
    assert found["feature"].to_list() == order
    assert found["n_hits"].to_list() == [wanted[f] for f in order]
    assert found.columns == [*opened.features.columns, "label", "status", "tags", "layer", "n_hits"]


def test_text_that_is_none_is_refused(opened):
    with pytest.raises(InputError):
        opened.find_features(fires_on="\ud800")
