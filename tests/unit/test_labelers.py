"""Labels from what features fire on, against counts made one row at a time."""

from types import SimpleNamespace

import numpy as np
import pytest

from saescope.errors import NeedsPostingsError, OccupiedError, PluginError
from saescope.index.layout import Layout
from saescope.index.rule import Rule as CountRule
from saescope.index.vocabulary import Vocabulary
from saescope.progress import Silent
from saescope.query.labelers import REGISTRY, Evidence, Label, meaning_of
from saescope.query.labelers.context import LEAST, Measured, by_shares, is_strong
from saescope.query.labelers.rules import NOTHING, Corpus, Rule
from saescope.rpc.transports.memory import MemoryPage

PIECES = ["<s>", " the", "The", ",", " cat", " dog", " 12", "\n", " NASA", " Paris", " a", " sat"]
N_DOCS, DOC = 200, 50


@pytest.fixture(scope="module")
def corpus():
    rng = np.random.default_rng(7)
    tokens = rng.integers(1, len(PIECES), size=N_DOCS * DOC)
    tokens[::DOC] = 0
    is_special = np.array([p == "<s>" for p in PIECES])
    layout = Layout(tokens, 30, np.arange(0, len(tokens), DOC), is_special, CountRule(n_skipped=0, skips_special=True))
    return Corpus(layout, Vocabulary(PIECES, [p.encode() for p in PIECES], is_special))


def words(corpus, *texts):
    return tuple(int(corpus.words.of[PIECES.index(t)]) for t in texts)


def brute_rows(corpus, holds):
    """Rows that count and where a rule holds, by a loop; a context is 30 tokens and a document 50."""
    found = []
    for row, token in enumerate(corpus.tokens.tolist()):
        first = max(row // 30 * 30, row // DOC * DOC)
        before = [PIECES[t].strip().casefold() for t in corpus.tokens[max(first, row - 2) : row].tolist()]
        if token != 0 and holds(PIECES[token], before):
            found.append(row)
    return found


@pytest.mark.parametrize(
    ("given", "holds", "told"),
    [
        (("w", [" the"], []), lambda t, _: t.strip().casefold() == "the", "“the”"),
        (("w", [" cat", " dog"], []), lambda t, _: t in (" cat", " dog"), "“cat” or “dog”"),
        (("w", [], [","]), lambda _, b: b[-1:] == [","], "after “,”"),
        (("w", [" cat"], ["The"]), lambda t, b: t == " cat" and b[-1:] == ["the"], "“cat” after “"),
        (("w", [], [" the", " cat"]), lambda _, b: b == ["the", "cat"], " cat”"),
        (("k", 0), lambda t, _: t == " 12", "a number"),
        (("k", 1), lambda t, _: t in ("The", " Paris"), "a capitalized word"),
        (("k", 2), lambda t, _: t == " NASA", "a word in capitals"),
        (("k", 3), lambda t, _: t == ",", "punctuation"),
        (("k", 4), lambda t, _: t == "\n", "a line break"),
        (("s",), lambda _, b: b == [], "the first token of a text"),
    ],
)
def test_a_rule_holds_where_a_loop_says(corpus, given, holds, told):
    rule = {
        "w": lambda w, b: Rule(words=words(corpus, *w), before=words(corpus, *b)),
        "k": lambda k: Rule(kind=k),
        "s": lambda: Rule(is_start=True),
    }[given[0]](*given[1:])
    assert sorted(corpus.rows(rule).tolist()) == brute_rows(corpus, holds)
    assert told.casefold() in corpus.told(rule).casefold()


def planted(corpus, rows, noise=40):
    """Strong firings on some rows and weak ones anywhere."""
    rng = np.random.default_rng(1)
    values = dict.fromkeys(rng.choice(np.flatnonzero(corpus.is_counted), noise, replace=False).tolist(), 0.3)
    values |= {int(r): float(v) for r, v in zip(rows, rng.uniform(3, 5, len(rows)), strict=True)}
    order = np.array(sorted(values), dtype=np.int64)
    return order, np.array([values[r] for r in order.tolist()], dtype=np.float32)


def test_what_was_planted_is_found_and_its_figures_are_those_of_a_loop(corpus):
    rows = [r for r in brute_rows(corpus, lambda t, b: t == " cat" and b[-1:] == ["the"]) if r % 7]
    rows, values = planted(corpus, rows)
    label = Measured(corpus).label(rows, values)
    assert label.label.startswith("“cat” after “")
    other = [r for r in brute_rows(corpus, lambda t, b: t == " cat" and b[-1:] == ["the"]) if r // DOC % 2]
    fires = dict(zip(rows.tolist(), values.tolist(), strict=True))
    precision = sum(r in fires for r in other) / len(other)
    ordered, total = sorted(values.astype(np.float64), reverse=True), 0.0
    for least in ordered:
        total += least
        if total >= values.astype(np.float64).sum() / 2:
            break
    strong = {r: v for r, v in fires.items() if v >= least and r // DOC % 2}
    coverage = sum(strong.get(r, 0.0) for r in other) / sum(strong.values())
    assert label.score == pytest.approx(2 * precision * coverage / (precision + coverage), abs=1e-4)
    assert f"fires on {precision:.0%} of {len(other)} such".replace("%", " %") in label.reason


def test_nothing_is_said_where_nothing_explains_it(corpus):
    rng, measured = np.random.default_rng(3), Measured(corpus)
    counted = np.flatnonzero(corpus.is_counted)
    anywhere = np.sort(rng.choice(counted, 400, replace=False))
    assert measured.label(anywhere, rng.uniform(1, 2, 400).astype(np.float32)) is None
    assert measured.label(counted, np.ones(len(counted), dtype=np.float32)) is None
    assert measured.label(counted[:5], np.ones(5, dtype=np.float32)) is None
    assert measured.label(counted[:0], np.zeros(0, dtype=np.float32)) is None


def test_one_feature_leaves_nothing_behind_for_the_next(corpus):
    cats, measured = corpus.rows(Rule(words=words(corpus, " cat"))), Measured(corpus)
    first = measured.label(*planted(corpus, cats))
    measured.label(*planted(corpus, corpus.rows(Rule(words=words(corpus, " dog")))))
    assert measured.label(*planted(corpus, cats)) == first


def test_strong_is_the_least_number_that_makes_up_half():
    assert is_strong(np.array([1.0, 5.0, 2.0, 2.0])).tolist() == [False, True, False, False]
    assert is_strong(np.array([4.0, 5.0, 2.0, 4.0])).tolist() == [True, True, False, True]
    assert is_strong(np.zeros(0)).tolist() == []


def test_a_context_begins_with_nothing_before_it(corpus):
    assert corpus.before[0][[0, 30, DOC, 60]].tolist() == [NOTHING] * 4
    assert corpus.before[1][[1, 31, DOC + 1]].tolist() == [NOTHING] * 3


def test_labels_go_into_a_layer_and_a_persons_own_stay(opened):
    try:
        found = opened.label_features(progress=Silent())
        labeled = found.drop_nulls("label")
        assert found["feature"].to_list() == list(range(256))
        assert 0 < len(labeled) < 256
        assert labeled["score"].min() >= LEAST
        feature, label = labeled["feature"][0], labeled["label"][0]
        layer = dict(opened.notes.layer("by context").iter_rows())
        assert set(layer) == set(labeled["feature"])
        assert layer[feature] == f"{label} ({labeled['score'][0]:.2f})"
        assert "labeler context (saescope " in opened.notes.layers()["source"][0]
        assert opened.labels_of([feature]) == {}
        one = opened.label_features([feature], progress=Silent())
        assert one["label"].to_list() == [label]
        assert dict(opened.notes.layer("by context").iter_rows()) == layer
    finally:
        opened.notes.remove_layer("by context")


def test_a_layer_of_the_same_name_from_elsewhere_is_not_replaced(opened):
    import polars as pl

    opened.notes.add_layer(pl.DataFrame({"feature": [1], "label": ["mine"]}), "by context", source="a colleague")
    try:
        with pytest.raises(OccupiedError, match="a colleague"):
            opened.label_features([1], progress=Silent())
        assert opened.notes.layer("by context")["label"].to_list() == ["mine"]
    finally:
        opened.notes.remove_layer("by context")


def failing(features, check):
    """Label two, then fail."""
    check()
    yield Label(f"feature {features[0].feature}", score=0.5)
    yield None
    raise RuntimeError("out of words")


def wrong(_features, _check):
    """Give texts."""
    return ["a text"]


@pytest.fixture
def others(monkeypatch):
    """Two labelers of another package."""
    made = {"failing": failing, "wrong": wrong}
    get = REGISTRY.get
    monkeypatch.setattr(REGISTRY, "get", lambda name: made.get(name) or get(name))


@pytest.mark.usefixtures("others")
def test_a_labeler_that_fails_is_named_and_what_it_labeled_is_kept(opened):
    with pytest.raises(PluginError, match="'failing' failed: RuntimeError"):
        opened.label_features([3, 4, 5], labeler="failing", progress=Silent())
    assert opened.notes.layer("by failing").rows() == [(3, "feature 3 (0.50)")]
    opened.notes.remove_layer("by failing")
    with pytest.raises(PluginError, match="'wrong' failed: 'a text' came"):
        opened.label_features([3], labeler="wrong", progress=Silent())


def test_evidence_gives_firings_and_passages(opened):
    feature = int(opened.features.sort("n_fires", descending=True)["feature"][0])
    evidence = Evidence(feature, opened.index)
    rows, values = evidence.firings
    assert len(rows) == len(values) == opened.features.filter(feature=feature)["n_fires"][0]
    passage = evidence.passages(1)[0]
    assert passage.activations[passage.peak] == pytest.approx(values.max())
    assert len(passage.tokens) == len(passage.activations)


def test_a_page_lists_labelers_labels_and_takes_it_back(opened):
    page = MemoryPage()
    listed = page.call("labels.labelers", {"scope": opened.id}).last["data"]["labelers"]
    assert ("context", "saescope", "") in [(a["name"], a["package"], a["problem"]) for a in listed]
    assert listed[0]["meaning"] == meaning_of(REGISTRY.get("context"))
    asked = {"scope": opened.id, "labeler": "context", "which": {"by": "all"}}
    made = page.call("labels.make", asked)
    assert made.events[0]["stage"] == "Labeling"
    data = made.last["data"]
    assert (data["n_asked"], data["layer"]) == (256, "by context")
    scores = [row["score"] for row in data["rows"]]
    assert scores == sorted(scores, reverse=True)
    assert data["list"]["undo"] == "labeled by context"
    undone = page.call("layers.undo", {"scope": opened.id}).last["data"]
    assert [layer["name"] for layer in undone["layers"]] == []


def test_without_postings_the_shares_of_the_commonest_tokens_tell(corpus):
    index = SimpleNamespace(lacks=lambda _: False, n_rows=corpus.n_rows)
    counts = np.bincount(corpus.word[corpus.is_counted], minlength=len(corpus.words.texts))
    n = {t: int((corpus.tokens == PIECES.index(t)).sum()) for t in (" the", "The", " cat")}
    n_the = n[" the"] + n["The"]
    n_fires = n_the + n[" cat"] // 4
    row = {
        "n_fires": n_fires,
        "top_tokens": [PIECES.index(t) for t in (" the", "The", " cat")],
        "top_shares": [n[" the"] / n_fires, n["The"] / n_fires, (n[" cat"] // 4) / n_fires],
        "density": n_fires / corpus.n_rows,
    }
    label = by_shares(index, corpus, counts, row)
    assert label.label.casefold() == "“the”"
    covered = f"{n_the / n_fires:.0%}".replace("%", " %")
    assert label.reason == (
        f"fires on 100 % of {n_the:,} such tokens, which carry {covered} of its firings, on the whole corpus"
    )
    assert by_shares(index, corpus, counts, row | {"n_fires": 5}) is None
    assert by_shares(index, corpus, counts, row | {"n_fires": n_fires // 3}) is None
    assert by_shares(index, corpus, counts, row | {"density": 0.9}) is None


def test_an_index_without_postings_is_labeled_by_what_it_has(monkeypatch, opened):
    monkeypatch.setattr(type(opened.index), "has_postings", False)
    found = opened.label_features([1, 2], saves=False, progress=Silent())
    assert found["feature"].to_list() == [1, 2]


def test_evidence_without_postings_says_so(monkeypatch, opened):
    class Bare:
        layout = opened.index.layout

        @property
        def postings(self):
            raise NeedsPostingsError("made without postings.")

    with pytest.raises(NeedsPostingsError):
        _ = Evidence(0, Bare()).firings
