"""Text search and what fires there, against a search in the decoded bytes."""

import itertools
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import saescope
import tiny
from saescope.errors import InputError, NeedsPostingsError
from saescope.index.layout import Layout
from saescope.index.store import PLACES
from saescope.index.vocabulary import Vocabulary
from saescope.query import on_text
from saescope.query import text as text_module
from saescope.query.on_text import features_on_text
from saescope.query.text import find_text

LETTERS = "aabAB é日"
WITH_ROWS = Path(tempfile.mkdtemp())
(WITH_ROWS / PLACES).touch()
PARTS = [b"a", b"b", b"A", b"B", b" ", b"\xc3", b"\xa9", b"\xe6", b"\x97", b"\xa5", "é".encode(), "日".encode()]


def brute(index, text, *, ignores_case=False):
    """All pairs of first and last row, by looking at every byte of every context and document."""
    layout, contents, wanted = index.layout, index.vocabulary.contents, text.encode()
    context_starts = (
        layout.context_starts if layout.context_starts is not None else range(0, layout.n_rows, layout.context_size)
    )
    borders = sorted({*map(int, context_starts), *map(int, layout.doc_starts), layout.n_rows})
    fold = bytes.lower if ignores_case else bytes
    found = set()
    for low, high in itertools.pairwise(borders):
        pieces = [contents[t] for t in index.tokens[low:high].tolist()]
        stream = fold(b"".join(pieces))
        rows = [low + n for n, piece in enumerate(pieces) for _ in piece]
        at = stream.find(fold(wanted))
        while at >= 0:
            found.add((rows[at], rows[at + len(wanted) - 1]))
            at = stream.find(fold(wanted), at + 1)
    return sorted(found)


def pairs(hits):
    return list(zip(hits.rows.tolist(), hits.ends.tolist(), strict=True))


def fake(contents, tokens, context_size, doc_starts, *, has_rows=True, context_starts=None):
    """What the search reads of an index."""
    n = len(contents)
    tokens = np.array(tokens, dtype=np.uint16)
    vocabulary = Vocabulary([""] * n, contents, np.zeros(n, dtype=bool))
    offsets = np.r_[0, np.cumsum(np.bincount(tokens, minlength=n))].astype(np.uint64)
    starts = None if context_starts is None else np.array(context_starts)
    return SimpleNamespace(
        tokens=tokens,
        vocabulary=vocabulary,
        layout=Layout(tokens, context_size, np.array(doc_starts), vocabulary.is_special, context_starts=starts),
        token_rows={"rows": np.argsort(tokens, kind="stable").astype(np.uint32), "offsets": offsets},
        folder=WITH_ROWS if has_rows else WITH_ROWS / "nowhere",
    )


@st.composite
def corpora(draw):
    contents = draw(st.lists(st.lists(st.sampled_from(PARTS), max_size=3).map(b"".join), min_size=1, max_size=20))
    tokens = draw(st.lists(st.integers(0, len(contents) - 1), min_size=1, max_size=80))
    docs = draw(st.sets(st.integers(0, len(tokens) - 1), max_size=3)) | {0}
    size = draw(st.sampled_from([1, 3, 9, 200]))
    borders = sorted(draw(st.sets(st.integers(0, len(tokens) - 1), max_size=4)) | {0}) if draw(st.booleans()) else None
    return fake(contents, tokens, size, sorted(docs), has_rows=draw(st.booleans()), context_starts=borders)


@settings(max_examples=400, deadline=None)
@given(
    corpora(),
    st.text(LETTERS, min_size=1, max_size=6),
    st.booleans(),
    st.sampled_from([1, 3, 64]),
    st.sampled_from([2, 1 << 22]),
)
def test_hits_are_those_of_a_search_in_the_bytes(index, text, ignores_case, n_anchor, n_block):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_module, "ANCHOR_BYTES", n_anchor)
        patch.setattr(text_module, "BLOCK_CANDIDATES", n_block)
        found = find_text(index, text, ignores_case=ignores_case)
    assert pairs(found) == brute(index, text, ignores_case=ignores_case)
    assert found.n_found == len(found)


@settings(max_examples=60, deadline=None)
@given(corpora(), st.data())
def test_every_text_of_the_corpus_itself_is_found(index, data):
    low = data.draw(st.integers(0, len(index.tokens) - 1))
    high = data.draw(st.integers(low + 1, min(low + 12, len(index.tokens))))
    text = b"".join(index.vocabulary.contents[t] for t in index.tokens[low:high]).decode("utf-8", "ignore")
    if text:
        assert pairs(find_text(index, text)) == brute(index, text)


TEXTS = ["sea", " Vienna", "a", " ", "the sea", "ünïcode", "日本", "日", "🚢 the", "<b>", "na navy emp", "over under green", "zzz", "sailed" * 9]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("ignores_case", [True, False])
def test_hits_of_a_real_index_are_those_of_a_search_in_the_bytes(opened, text, ignores_case):
    found = find_text(opened.index, text, ignores_case=ignores_case)
    assert pairs(found) == brute(opened.index, text, ignores_case=ignores_case)


def test_case_is_folded_for_letters_of_ascii_only():
    index = fake(["É".encode(), b"Sea", b"sEA", "é".encode()], [1, 2, 0, 3], 100, [0])
    assert pairs(find_text(index, "seA", ignores_case=True)) == [(0, 0), (1, 1)]
    assert pairs(find_text(index, "sea")) == []
    assert pairs(find_text(index, "é", ignores_case=True)) == [(3, 3)]


def test_a_character_in_three_byte_tokens_and_an_empty_one_is_found():
    index = fake([b"\xe6", b"\x97", b"\xa5", b""], [0, 3, 1, 2, 0, 1, 1], 100, [0])
    assert pairs(find_text(index, "日")) == [(0, 3)]


def test_nothing_is_found_across_contexts_and_documents():
    index = fake([b"se", b"a"], [0, 1, 0, 1, 0, 1, 0, 1], 3, [0, 5])
    assert pairs(find_text(index, "sea")) == [(0, 1), (6, 7)]


def test_of_more_than_the_limit_an_even_draw_is_the_same_every_time(opened, monkeypatch):
    whole = find_text(opened.index, " the")
    drawn = find_text(opened.index, " the", limit=50)
    assert (len(drawn), drawn.n_found) == (50, len(whole))
    assert set(pairs(drawn)) < set(pairs(whole))
    assert (np.diff(drawn.rows) > 0).all()
    assert abs(drawn.rows.mean() / whole.rows.mean() - 1) < 0.25
    monkeypatch.setattr(text_module, "BLOCK_CANDIDATES", 7)
    again = find_text(opened.index, " the", limit=50)
    assert (pairs(again), again.n_found) == (pairs(drawn), len(whole))


@pytest.mark.parametrize("text", ["", None, 3, "\ud800"])
def test_what_is_no_text_is_told(opened, text):
    with pytest.raises(InputError, match="text"):
        opened.find_text(text)
    with pytest.raises(InputError, match="at least one hit"):
        find_text(opened.index, "a", limit=0)


def test_the_frame_shows_what_stands_around(opened):
    found = opened.find_text("Vienna", k=7, context=3)
    assert found.columns == ["row", "end", "doc", "source", "text", "n_found"]
    assert len(found) == 7
    assert set(found["n_found"]) == {len(brute(opened.index, "Vienna"))}
    for row in found.iter_rows(named=True):
        assert "Vienna" in row["text"]
        start = opened.index.docs.filter(pl.col("doc") == row["doc"])["start"][0]
        assert start <= row["row"] <= row["end"]
    bare = opened.find_text("日本", k=1000, context=0)
    assert all("日本" in t and len(t) < 8 for t in bare["text"])
    nothing = opened.find_text("nowhere at all")
    assert (len(nothing), nothing.schema) == (0, found.schema)


def plain_features(index, hits, n_after):
    """Sets of hits and rows by feature, from the postings by feature."""
    found = index.postings.postings(0, index.manifest.d_sae)
    fires = {}
    for feature, row, value in zip(found.features.tolist(), found.rows.tolist(), found.values.tolist(), strict=True):
        fires.setdefault(row, []).append((feature, value))
    docs, size, n = {*index.docs["start"].to_list()}, index.manifest.context_size, index.n_rows
    counts, on, rows, maxima, taken = index.layout.counted_mask, {}, {}, {}, set()
    for hit, (low, high) in enumerate(hits):
        last = high
        while last < high + n_after and last + 1 < n and (last + 1) % size and last + 1 not in docs:
            last += 1
        for row in range(low, last + 1):
            taken |= {hit} if counts[row] else set()
            for feature, value in fires.get(row, []) if counts[row] else []:
                on.setdefault(feature, set()).add(hit)
                rows.setdefault(feature, set()).add(row)
                maxima[feature] = max(maxima.get(feature, 0), abs(value))
    return on, rows, maxima, len(taken)


@pytest.mark.parametrize(("text", "n_after"), [(" Vienna", 0), ("the sea", 0), ("the", 2), ("日本", 1)])
def test_features_on_a_text_equal_a_plain_count(opened, text, n_after):
    index = opened.index
    hits = brute(index, text)
    on, rows, maxima, n_taken = plain_features(index, hits, n_after)
    found = opened.features_on(text, k=1000, n_after=n_after)
    assert set(found["feature"]) == set(on)
    n_fires = opened.features["n_fires"].to_list()
    for row in found.iter_rows(named=True):
        f = row["feature"]
        assert (row["n_hits"], row["n_fires"]) == (len(on[f]), n_fires[f])
        assert row["max"] == pytest.approx(maxima[f], rel=1e-3)
        assert row["specificity"] == pytest.approx(len(rows[f]) / n_fires[f])
        assert (row["n_taken"], row["n_found"]) == (n_taken, len(hits))
        assert row["share"] == pytest.approx(row["n_hits"] / n_taken)
        assert row["score"] == pytest.approx(2 / (1 / row["share"] + 1 / row["specificity"]))
    assert found["score"].is_sorted(descending=True)
    assert opened.features_on(text, k=4, n_after=n_after).equals(found.head(4))


def test_of_many_hits_a_draw_is_looked_at_and_said_so(opened, monkeypatch):
    whole = opened.features_on(" ", k=1000)
    monkeypatch.setattr(on_text, "MOST_HITS", 200)
    drawn = opened.features_on(" ", k=1000)
    assert set(drawn["n_found"]) == set(whole["n_found"])
    assert 160 < drawn["n_taken"][0] <= 200 < whole["n_taken"][0]
    both = drawn.join(whole, on="feature", suffix="_whole").filter(pl.col("n_hits_whole") > 100)
    assert len(both) > 20
    assert (both["share"] - both["share_whole"]).abs().max() < 0.15
    assert (both["specificity"] / both["specificity_whole"] - 1).abs().median() < 0.2
    monkeypatch.setattr(on_text, "MOST_ROWS", 40)
    assert 20 < opened.features_on(" ", k=1000)["n_taken"][0] <= 40


def test_a_text_that_does_not_occur_has_no_features(opened):
    nothing = opened.features_on("nowhere at all")
    assert (len(nothing), nothing.schema) == (0, opened.features_on("sea").schema)


def test_bad_numbers_are_told(opened):
    for bad in ({"k": 0}, {"n_after": -1}):
        with pytest.raises(InputError):
            opened.features_on("sea", **bad)
    for bad in ({"k": True}, {"context": -1}):
        with pytest.raises(InputError):
            opened.find_text("sea", **bad)


@pytest.fixture
def make(monkeypatch, tmp_path, silent):
    """Build an index of small shards."""
    monkeypatch.setattr("saescope.indexing.text.SHARD_ROWS", 256)

    def build(name, **options):
        scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
        return scope.build_index(tiny.texts(40), out=tmp_path / name, progress=silent, **options)

    return build


def test_while_an_index_grows_features_are_those_of_what_has_been_read(make):
    growing = make("growing", share="1/2")
    assert not growing.is_complete
    hits = brute(growing, "the")
    assert pairs(find_text(growing, "the")) == hits
    starts = growing.manifest.shard_starts
    read = list(growing._taken)
    is_read = [int(np.searchsorted(starts, low, side="right")) - 1 in read for low, _ in hits]
    on, _, _, n_taken = plain_features(growing, [h for h, r in zip(hits, is_read, strict=True) if r], 0)
    found = features_on_text(growing, "the")
    assert set(found["n_found"]) == {sum(is_read)}
    assert set(found["n_taken"]) == {n_taken}
    assert 0 < sum(is_read) < len(hits)
    assert dict(zip(found["feature"], found["n_hits"], strict=True)) == {f: len(h) for f, h in on.items()}


def test_without_postings_a_text_is_found_and_its_features_are_not_known(make):
    bare = saescope.open_index(make("bare", postings=False).path)
    assert len(bare.find_text("the", k=5)) == 5
    with pytest.raises(NeedsPostingsError):
        bare.features_on("the")


def test_pages_that_keep_documents_apart_are_searched_too(make):
    index = make("apart", packed=False)
    for text in (" the", "sea of", "日本"):
        assert pairs(find_text(index, text)) == brute(index, text)
