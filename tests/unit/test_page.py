"""The feature page: shares, figures by another rule, documents, what else fires, weights."""

import dataclasses

import numpy as np
import polars as pl
import pytest

import plain
import saescope
import tiny
from saescope.errors import InputError, NeedsModelError, NeedsPostingsError, UnknownFeatureError
from saescope.index.rule import EVERYTHING, Rule
from saescope.query import shares
from saescope.query.document import stretch_of
from saescope.query.shares import figures_by, group_shares
from saescope.rpc import codec
from saescope.rpc.calls import Call
from saescope.rpc.messages.frames import RequestFrame
from saescope.rpc.methods import find_method

RULES = [None, EVERYTHING, Rule(3), Rule(0, skips_special=True), Rule(1, max_norm_ratio=1.1)]


@pytest.fixture(scope="module")
def busy(opened):
    return int(opened.features.sort("n_fires")["feature"][-1])


@pytest.fixture(scope="module")
def bare(tiny_folder, tmp_path_factory):
    """The same corpus, indexed without postings."""
    from saescope.progress import Silent

    scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
    out = tmp_path_factory.mktemp("bare") / "index"
    scope.build_index(tiny.texts(60), out=out, progress=Silent(), postings=False)
    return saescope.open_index(out)


def asked(method, **params):
    events = []
    call = Call(RequestFrame(rid="", method=method), lambda frame, _buffers: events.append(frame["data"]))
    return find_method(method).handler(call, codec.decode(find_method(method).params, params)), events


def counts(index, rule, row):
    """Whether a row counts, said once more and plainly."""
    m = index.manifest
    rule = rule or Rule.of(m.rule)
    if row % m.context_size < rule.n_skipped:
        return False
    if rule.skips_special and index.vocabulary.is_special[index.tokens[row]]:
        return False
    return rule.max_norm_ratio is None or index.row_shards.norms[row] <= rule.max_norm_ratio * m.median_norm


def pairs_of(index, feature, rule):
    pairs = plain.by_feature(index.postings.postings(feature, feature + 1))[0]
    return [(row, value) for row, value in pairs if counts(index, rule, row)]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("n", [1, 3, 5])
def test_shares_equal_a_plain_count_over_the_postings(opened, busy, rule, n):
    index = opened.index
    for feature in (busy, busy // 2, 0):
        pairs = pairs_of(index, feature, rule)
        maximum = max((abs(v) for _, v in pairs), default=0.0)
        places = [plain.interval(v, maximum, n) for _, v in pairs]
        found = group_shares(index, feature, rule=rule, n_intervals=n)
        assert [s.name for s in found] == ["top", "random", *(f"interval-{i}" for i in range(n, 0, -1))]
        assert [s.n_fires for s in found[2:]] == [places.count(i) for i in reversed(range(n))]
        assert found[0].n_fires == len(pairs)
        assert all(s.is_exact and s.share == pytest.approx(s.n_fires / max(len(pairs), 1)) for s in found[2:])
        assert found[0].high == pytest.approx(float(maximum))
        assert [s.low for s in found[2:]] == pytest.approx([maximum * i / n for i in reversed(range(n))])


def test_shares_without_postings_are_told_as_estimates_and_are_near(bare, opened):
    n_off = 0
    for feature in range(0, 256, 5):
        near, exact = group_shares(bare.index, feature), group_shares(opened.index, feature)
        assert not any(s.is_exact for s in near)
        assert sum(s.n_fires for s in near[2:]) == near[0].n_fires == exact[0].n_fires
        n_off += sum(abs(a.n_fires - b.n_fires) for a, b in zip(near[2:], exact[2:], strict=True))
    total = sum(group_shares(opened.index, f)[0].n_fires for f in range(0, 256, 5))
    assert n_off <= 0.02 * total


def test_shares_of_a_very_dense_feature_are_estimated(opened, busy, monkeypatch):
    monkeypatch.setattr(shares, "MOST_COUNTED", 10)
    assert not any(s.is_exact for s in group_shares(opened.index, busy))
    assert all(s.is_exact for s in group_shares(opened.index, busy, rule=EVERYTHING))


@pytest.mark.parametrize("rule", RULES[1:])
def test_figures_by_another_rule_equal_a_plain_count(opened, busy, rule):
    index = opened.index
    for feature in (busy, 7):
        pairs = pairs_of(index, feature, rule)
        row, n_counted = figures_by(index, feature, rule)
        assert n_counted == sum(counts(index, rule, r) for r in range(index.n_rows))
        assert row["n_fires"] == len(pairs)
        assert row["density"] == pytest.approx(len(pairs) / n_counted)
        assert row["max"] == max(abs(v) for _, v in pairs)
        assert row["mean"] == pytest.approx(np.mean([v for _, v in pairs]), rel=1e-5)
        assert row["q50"] == plain.quantile(pairs, 0.5)
        assert row["promoted"].tolist() == index.figures.row(feature, ["promoted"])["promoted"].tolist()


def test_the_table_answers_the_indexs_own_rule(opened, busy):
    index = opened.index
    own = Rule.of(index.manifest.rule)
    assert figures_by(index, busy, own)[0]["n_fires"] == figures_by(index, busy, None)[0]["n_fires"]
    assert figures_by(index, busy, own)[1] == index.n_counted == shares.n_counted_by(index, own)


def test_another_rule_needs_postings(bare):
    with pytest.raises(NeedsPostingsError):
        figures_by(bare.index, 3, EVERYTHING)
    with pytest.raises(NeedsPostingsError):
        group_shares(bare.index, 3, rule=EVERYTHING)


def test_the_feature_in_one_row_agrees_with_the_table(opened, busy):
    found = opened.feature(busy)
    assert len(found) == 1
    table = opened.features[[busy]]
    assert found.select(table.columns).equals(table)
    groups = found["groups"][0].to_list()
    assert sum(g["n_fires"] for g in groups[2:]) == table["n_fires"][0]
    assert opened.feature(busy, rule=EVERYTHING)["n_counted"][0] == opened.index.n_rows
    with pytest.raises(UnknownFeatureError):
        opened.feature(256)


def test_weights_equal_torch(opened, tiny_scope):
    import torch

    sae = tiny.sae().requires_grad_(False)
    cosine = torch.nn.functional.cosine_similarity(sae.W_enc.T, sae.W_dec, dim=1)
    for scope in (opened, tiny_scope):
        for feature in (0, 16, 101, 255):
            found = scope.feature(feature)
            assert found["cosine"][0] == pytest.approx(float(cosine[feature]), abs=1e-5)
            assert found["encoder_bias"][0] == float(sae.b_enc[feature])
            assert found["threshold"][0] == float(sae.threshold[feature])
            assert found["decoder_norm"][0] == pytest.approx(float(sae.W_dec[feature].norm()), rel=1e-6)


def test_directions_stay_matrices_and_an_index_of_an_older_make_gives_the_cosine_alone(opened, tiny_folder):
    import torch

    assert sorted(opened.index.directions) == ["decoder", "encoder"]
    old = saescope.open_index(tiny_folder / "index")
    old.index.__dict__["weights"] = {}
    found = old.feature(9)
    sae = tiny.sae()
    wanted = float(torch.nn.functional.cosine_similarity(sae.W_enc.T[9], sae.W_dec[9], dim=0).detach())
    assert found["cosine"][0] == pytest.approx(wanted, abs=1e-3)
    assert [found[name][0] for name in ("encoder_bias", "threshold", "decoder_norm")] == [None] * 3


def test_a_document_is_its_tokens_with_the_activations_of_a_plain_loop(opened, busy):
    index = opened.index
    known = dict(plain.by_feature(index.postings.postings(busy, busy + 1))[0])
    starts = [*index.docs["start"].to_list(), index.n_rows]
    for row in opened.examples(busy, k=5)["row"].to_list():
        found = opened.document(row, busy, before=10_000, after=10_000)
        low = max(s for s in starts if s <= row)
        high = min(s for s in starts if s > row)
        assert found["row"].to_list() == list(range(low, high))
        assert found["place"].to_list() == list(range(high - low))
        assert found["token_id"].to_list() == index.tokens[low:high].tolist()
        assert found["activation"].to_list() == [known.get(r, 0.0) for r in range(low, high)]
        assert found["pos"].to_list() == [r % index.manifest.context_size for r in range(low, high)]


def test_the_passage_of_a_document_is_the_examples_window(opened, busy):
    example = opened.examples(busy, k=1)
    row, first = example["row"][0], example["row"][0] - example["peak"][0]
    passage = opened.document(row, busy).filter("is_passage")
    assert passage["row"].to_list() == list(range(first, first + len(example["tokens"][0])))
    assert passage["activation"].to_list() == example["activations"][0].to_list()


def test_a_stretch_of_a_document_is_bounded(opened):
    found = opened.document(40, before=2, after=3)
    assert 1 <= len(found) <= 6
    assert 40 in found["row"]
    assert found["activation"].null_count() == len(found)


def test_without_postings_only_the_stored_examples_tell_activations(bare, opened, busy):
    row = bare.examples(busy, k=1)["row"][0]
    part, whole = bare.document(row, busy), opened.document(row, busy)
    assert part.filter(pl.col("is_passage"))["activation"].null_count() == 0
    both = part.join(whole, on="row").filter(pl.col("activation").is_not_null())
    assert both["activation"].to_list() == both["activation_right"].to_list()


@pytest.mark.parametrize("row", [-1, 10**9, 2.5, "3", True])
def test_a_row_that_is_none_is_told_with_the_range(opened, row):
    with pytest.raises(InputError, match="there is no row"):
        opened.document(row)
    with pytest.raises(InputError, match="there is no row"):
        opened.firing(row)


def test_a_negative_stretch_is_refused(opened):
    with pytest.raises(InputError, match="0 or more"):
        opened.document(3, before=-1)


def test_what_fires_on_a_row_is_what_the_postings_say(opened):
    index = opened.index
    everything = index.postings.postings(0, 256)
    for row in (1, 40, 333):
        at = np.flatnonzero(everything.rows == row)
        wanted = dict(zip(everything.features[at].tolist(), everything.values[at].tolist(), strict=True))
        found = opened.firing(row)
        assert set(found["feature"]) == set(wanted)
        assert found["activation"].to_list() == pytest.approx([wanted[f] for f in found["feature"]], rel=1e-3)
        assert found["activation"].is_sorted(descending=True)


def test_the_model_says_the_same_where_there_are_no_postings(opened, tiny_scope, bare):
    for row in (5, 70, 400):
        wanted = opened.firing(row)
        features, values = tiny_scope.fires_now(row)
        assert set(features.tolist()) == set(wanted["feature"].to_list())
        order = dict(zip(wanted["feature"], wanted["activation"], strict=True))
        assert values.tolist() == pytest.approx([order[f] for f in features.tolist()], rel=2e-3, abs=1e-3)
    with pytest.raises(NeedsModelError):
        bare.firing(5)


def test_the_page_answers_by_the_rule_asked_for(opened, busy):
    page, _ = asked("feature.get", scope=opened.id, feature=busy, rule=dataclasses.asdict(EVERYTHING))
    assert page.n_counted == opened.index.n_rows
    assert page.not_counted == "nothing"
    own, _ = asked("feature.get", scope=opened.id, feature=busy)
    assert own.n_fires == opened.features["n_fires"][busy] <= page.n_fires
    assert own.weights.cosine is not None
    assert dataclasses.asdict(own.rule) == dataclasses.asdict(Rule.of(opened.index.manifest.rule))
    assert own.not_counted == "the first token of a context, special tokens"


def test_examples_tell_their_rows_and_the_groups_their_shares(opened, busy):
    end, events = asked("examples.list", scope=opened.id, feature=busy, n_intervals=4, k=7)
    examples = [e for part in events for e in part["examples"]]
    assert len(examples) == end.n_examples == 7
    for one in examples:
        assert opened.index.tokens[one["row"] : one["row"] + len(one["tokens"])].tolist() == one["tokens"]
    assert [g.name for g in end.groups][2:] == ["interval-4", "interval-3", "interval-2", "interval-1"]
    assert sum(g.share for g in end.groups[2:]) == pytest.approx(1)


def test_the_document_travels_with_its_breaks(opened, busy):
    row = int(opened.examples(busy, k=1)["row"][0])
    found, _ = asked("document.get", scope=opened.id, feature=busy, row=row, before=40, after=40)
    frame = opened.document(row, busy, before=40, after=40)
    assert found.tokens == frame["token_id"].to_list()
    assert found.texts == frame["token"].to_list()
    assert found.activations == pytest.approx(frame["activation"].to_list(), rel=1e-5)
    assert found.breaks == [i for i, pos in enumerate(frame["pos"].to_list()) if pos == 0]
    assert (found.row, found.start) == (frame["row"][0], frame["place"][0])
    with pytest.raises(InputError):
        asked("document.get", scope=opened.id, row=row, before=100_000)


def test_firing_travels_with_briefs(opened):
    found, _ = asked("tokens.firing", scope=opened.id, row=40, k=3)
    frame = opened.firing(40)
    assert found.n_fires == len(frame)
    assert [f.brief.feature for f in found.features] == frame["feature"].to_list()[:3]
    with pytest.raises(InputError):
        asked("tokens.firing", scope=opened.id, row=40, k=0)


def test_the_lens_is_computed_when_asked(tiny_scope, opened):
    found, _ = asked("lens.compute", scope=tiny_scope.id, feature=9)
    wanted = tiny_scope.lens(9)
    assert [t.token for t in found.promoted + found.suppressed] == wanted["token_id"].to_list()
    assert found.convention == "norm_gain"
    with pytest.raises(NeedsModelError):
        asked("lens.compute", scope=opened.id, feature=9)


def test_a_growing_index_knows_what_it_has_read(opened, busy, monkeypatch):
    from saescope.query import document

    monkeypatch.setattr(document, "has_been_read", lambda _index, rows: rows % 2 == 0)
    found = stretch_of(opened.index, 100, feature=busy, before=20, after=20)
    rows = found.rows
    unknown = np.isnan(found.activations)
    fired = {r for r, _ in plain.by_feature(opened.index.postings.postings(busy, busy + 1))[0]}
    assert [r for r, u in zip(rows.tolist(), unknown.tolist(), strict=True) if u] == [
        r for r in rows.tolist() if r % 2 and r not in fired
    ]
