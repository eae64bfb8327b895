import math

import polars as pl
import pytest

from saescope.errors import InputError
from saescope.notes import Notes, open_book
from saescope.notes.words import FullText, Scan, Words, phrases_of

N = 256


@pytest.fixture
def notes(tmp_path):
    made = Notes(open_book(tmp_path / "notes.sqlite", {"sae": "a"}), N)
    made.set(1, label="ships at sea", tags=["naval"])
    made.set(2, remark="It fires on ships, and on the sea.\n\nShips again.")
    made.set(3, label="Café in Paris")
    made.set(4, label="legal contracts", tags=["sea law"])
    made.set(5, label="<script>alert('sea')</script>")
    made.add_layer(pl.DataFrame({"feature": [6, 1], "label": ["harbours and ships", "boats"]}), "auto")
    return made


@pytest.fixture(params=[FullText, Scan])
def words(request, notes):
    return Words(notes.book, request.param)


def found(words, sought):
    return words.rank(sought).features


def test_all_words_have_to_be_there_in_whichever_text(words):
    assert sorted(found(words, "ships")) == [1, 2, 6]
    assert sorted(found(words, "ships sea")) == [1, 2]
    assert found(words, "boats naval") == [1]
    assert found(words, "ships paris") == []
    assert found(words, "") == found(words, " -*() ") == []


def test_case_accents_and_missing_ends_do_not_matter(words):
    assert found(words, "CAFE") == found(words, "café") == found(words, "par caf") == [3]
    assert found(words, "contr") == [4]
    assert found(words, "tracts") == []


def test_words_in_quotes_stand_together(words):
    assert found(words, '"at sea"') == [1]
    assert found(words, '"sea at"') == []
    assert found(words, '"legal contr') == [4]
    assert found(words, '"sea law" legal') == [4]


def test_a_word_in_a_label_counts_most_and_in_a_remark_least(words):
    assert found(words, "ships")[0] == 1
    assert found(words, "sea")[:2] in ([1, 5], [5, 1])
    scores = words.rank("sea").scores
    assert scores == sorted(scores, reverse=True)
    assert all(s > 0 for s in scores)


@pytest.mark.parametrize(
    "sought", ['"', '""', "a AND b", "NOT ships", "label:ships", "ships*", "^ships", "'; DROP", "{a b}: c", "NEAR(a b)"]
)
def test_signs_of_a_query_language_are_only_signs(words, sought):
    words.rank(sought)
    assert sorted(found(words, "ships*")) == [1, 2, 6]
    assert found(words, "label:ships") == found(words, "NOT ships") == []


def test_what_is_written_meanwhile_is_found(words, notes):
    assert found(words, "zebra") == []
    notes.set(9, label="zebra")
    notes.set(1, label="")
    assert found(words, "zebra") == [9]
    assert sorted(found(words, "ships")) == [2, 6]
    notes.add_layer(pl.DataFrame({"feature": [7], "label": ["zebra too"]}), "auto")
    assert sorted(found(words, "zebra")) == [7, 9]
    assert found(words, "ships") == [2]
    notes.remove_layer("auto")
    assert found(words, "zebra") == [9]


def test_another_file_in_its_place_is_read(words, notes):
    assert found(words, "paris") == [3]
    notes.path.unlink()
    assert found(words, "paris") == []
    notes.set(8, label="paris")
    assert found(words, "paris") == [8]


def test_too_many_words_are_refused(words):
    with pytest.raises(InputError, match="at most 32 words are sought, and 40 came"):
        words.rank("a " * 40)
    assert phrases_of('one "two three" "four') == [["one"], ["two", "three"], ["four"]]


def test_the_scan_scores_as_the_formula_says(tmp_path):
    """BM25 as written out by hand, for texts of one field."""
    texts = ["ship ship sea", "ship", "a b c d", "a", "b", "c sea"]
    notes = Notes(open_book(tmp_path / "n.sqlite", {"sae": "a"}), N)
    notes.set_many({f: {"label": t} for f, t in enumerate(texts)})
    ranked = Words(notes.book, Scan).rank("ship")
    mean = sum(len(t.split()) for t in texts) / len(texts)
    idf = math.log((6 - 2 + 0.5) / (2 + 0.5))
    wanted = {}
    for f in (0, 1):
        n, length = 8 * texts[f].split().count("ship"), len(texts[f].split())
        wanted[f] = idf * n * 2.2 / (n + 1.2 * (0.25 + 0.75 * length / mean))
    assert dict(zip(*ranked, strict=True)) == pytest.approx(wanted)
