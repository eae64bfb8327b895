"""Attribution and the prompt view from Python, and as the page asks for them."""

import json
import threading

import numpy as np
import pytest

import saescope
import tiny
from saescope.errors import CancelledError, InputError, NeedsModelError, UnknownNameError
from saescope.rpc import codec
from saescope.rpc.calls import Answer, Call
from saescope.rpc.connection import SUPERSEDED
from saescope.rpc.messages.frames import RequestFrame
from saescope.rpc.methods import find_method

TEXT = "the sea under a green sky"
OTHER = "the navy of the emperor was sailed"
COLUMNS = ["feature", "pos", "token", "activation", "attribution", "method", "is_exact", "baseline"]


def ask(scope, asked, **params):
    events = []
    call = Call(RequestFrame(rid="1", method=asked), lambda frame, _buffers: events.append(frame["data"]))
    found = find_method(asked).handler(call, codec.decode(find_method(asked).params, {"scope": scope.id, **params}))
    answer = found if isinstance(found, Answer) else Answer(found)
    return answer.message, answer.buffers, events


def test_pairs_are_all_that_fire_on_tokens_that_count_the_largest_first(tiny_scope):
    frame = tiny_scope.attribute(TEXT)
    assert frame.columns == COLUMNS
    tried = tiny_scope.activations(TEXT).filter("is_counted")
    assert set(zip(frame["pos"], frame["feature"], strict=True)) == set(
        zip(tried["pos"], tried["feature"], strict=True)
    )
    sizes = np.abs(frame["attribution"].to_numpy())
    assert (np.diff(sizes) <= 0).all()
    assert frame["method"].unique().to_list() == ["gradient"]
    assert not frame["is_exact"].any()


def test_features_and_tokens_are_sums_of_pairs(tiny_scope):
    pairs = tiny_scope.attribute(TEXT)
    for by, key in (("feature", "feature"), ("token", "pos")):
        whole = tiny_scope.attribute(TEXT, by=by).sort(key)
        summed = pairs.group_by(key).agg("attribution").sort(key)
        np.testing.assert_allclose(whole["attribution"], [sum(v) for v in summed["attribution"]], atol=1e-5)


def test_exact_is_minus_what_an_ablation_changes(tiny_scope):
    target = 40
    found = tiny_scope.attribute(TEXT, target, "exact", by="feature", k=3)
    for row in found.iter_rows(named=True):
        ablated = tiny_scope.ablate(TEXT, row["feature"], target=target)
        assert row["attribution"] == pytest.approx(-ablated["delta_logprob"][-1], abs=1e-5)
        assert row["is_exact"]
        assert row["baseline"] == "zero"
    whole = tiny_scope.attribute(TEXT, target, "exact", by="feature")
    assert whole["feature"][:3].to_list() == found["feature"].to_list()


def test_positions_are_chosen_also_from_the_end(tiny_scope):
    last = tiny_scope.attribute(TEXT, pos=-1)
    n_tokens = len(tiny_scope.tokens_of(TEXT))
    assert last["pos"].unique().to_list() == [n_tokens - 1]
    two = tiny_scope.attribute(TEXT, pos=[0, n_tokens - 1], by="token")
    assert sorted(two["pos"]) == [0, n_tokens - 1]
    assert tiny_scope.attribute(TEXT, pos=[]).is_empty()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"by": "neuron"}, "by pair, feature, token"),
        ({"k": 0}, "k is a number of rows"),
        ({"pos": 99}, "positions run from 0"),
        ({"pos": 1.5}, "positions run from 0"),
        ({"target": " sea ship"}, "tokens"),
        ({"target": (4, 4)}, "two different tokens"),
        ({"target": 10**6}, "no token"),
    ],
)
def test_a_wrong_question_is_told(tiny_scope, options, words):
    with pytest.raises(InputError, match=words):
        tiny_scope.attribute(TEXT, **options)


def test_an_unknown_method_lists_those_there_are(tiny_scope):
    with pytest.raises(UnknownNameError, match="gradient, integrated"):
        tiny_scope.attribute(TEXT, method="guess")


def test_without_a_model_it_says_what_to_load(opened):
    for call in (opened.attribute, opened.prompt):
        with pytest.raises(NeedsModelError, match="needs the model"):
            call(TEXT)


def test_a_text_longer_than_the_model_takes_says_so(tiny_scope):
    with pytest.raises(InputError, match="the model takes 128"):
        tiny_scope.prompt("sea " * 200)


def test_the_prompt_view_shows_the_exact_figure_where_it_has_one(tiny_scope):
    frame = tiny_scope.prompt(TEXT, 40, k=8, exact=3)
    assert len(frame) == 8
    assert frame["method"].to_list() == ["exact"] * 3 + ["gradient"] * 5
    assert frame["exact"].is_null().to_list() == [False] * 3 + [True] * 5
    np.testing.assert_allclose(frame["attribution"][:3], frame["exact"][:3])
    np.testing.assert_allclose(frame["attribution"][3:], frame["gradient"][3:])
    gradient = tiny_scope.attribute(TEXT, 40, by="feature", k=8)
    assert frame["feature"].to_list() == gradient["feature"].to_list()
    np.testing.assert_allclose(frame["gradient"], gradient["attribution"], atol=1e-6)


@pytest.mark.parametrize("rank", ["activation", "direct", "gradient", "integrated", "exact"])
def test_the_prompt_view_is_ranked_by_what_was_asked(tiny_scope, rank):
    frame = tiny_scope.prompt(TEXT, k=12, rank=rank, exact=12)
    column = {"exact": "exact"}.get(rank, rank)
    assert (np.diff(np.abs(frame[column].to_numpy())) <= 1e-6).all()
    assert frame["integrated"].is_null().all() == (rank != "integrated")


def test_pairs_of_one_text_can_be_shown_and_not_of_several(tiny_scope):
    frame = tiny_scope.prompt(TEXT, by="pair", k=6, exact=2)
    assert len(frame) == 6
    with pytest.raises(InputError, match="of one text by 'pair'"):
        tiny_scope.prompt([TEXT, OTHER], by="pair")


def test_several_texts_are_aligned_by_feature_and_their_differences_told(tiny_scope):
    frame = tiny_scope.prompt([TEXT, OTHER, TEXT], [40, 40, 50], k=60, exact=4)
    n = frame["feature"].n_unique()
    assert len(frame) == 3 * n
    assert frame["prompt"].to_list() == [0, 1, 2] * n
    assert frame["feature"].to_list() == [f for f in frame["feature"][::3] for _ in range(3)]
    first, second = frame.filter(prompt=0), frame.filter(prompt=1)
    assert first["difference"].abs().max() == 0
    silent = second.filter(activation=0)
    assert len(silent)
    assert silent["attribution"].to_list() == [0] * len(silent)
    assert silent["method"].unique().to_list() == ["exact"]
    own = dict(zip(*tiny_scope.attribute(OTHER, 40, by="feature")[["feature", "attribution"]], strict=True))
    for a, b in zip(first.iter_rows(named=True), second.iter_rows(named=True), strict=True):
        assert b["gradient"] == pytest.approx(own.get(b["feature"], 0.0), abs=1e-5)
        both = a["exact"] is not None and b["exact"] is not None
        name = "exact" if both else "gradient"
        assert b["difference"] == pytest.approx(b[name] - a[name], abs=1e-5)


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ([], {}, "a prompt is a text"),
        ([1, 2], {}, "a prompt is a text"),
        (TEXT, {"rank": "size"}, "ranked by activation"),
        ([TEXT, OTHER], {"target": [4]}, "one for each text"),
        (TEXT, {"exact": -1}, "exact is a number of rows"),
    ],
)
def test_a_wrong_prompt_is_told(tiny_scope, text, options, words):
    with pytest.raises(InputError, match=words):
        tiny_scope.prompt(text, **options)


def test_the_page_reads_every_pair_and_the_direct_figures(tiny_scope):
    read, buffers, events = ask(tiny_scope, "prompt.read", text=TEXT, target=40, contrast=50)
    json.dumps(codec.encode(read))
    pos, features, activations, direct = (
        np.frombuffer(b, kind) for b, kind in zip(buffers, ("<u4", "<u4", "<f4", "<f4"), strict=True)
    )
    frame = tiny_scope.attribute(TEXT, (40, 50), "direct").sort("pos", "feature")
    assert pos.tolist() == frame["pos"].to_list()
    assert features.tolist() == frame["feature"].to_list()
    np.testing.assert_allclose(activations, frame["activation"], rtol=1e-6)
    np.testing.assert_allclose(direct, frame["attribution"], atol=1e-6)
    assert (read.target.token, read.contrast.token) == (40, 50)
    assert {m.name for m in read.methods} >= {"activation", "direct", "gradient", "integrated", "exact"}
    assert [m.name for m in read.methods if m.is_exact] == ["exact"]
    with tiny_scope.prompted(TEXT) as prompt:
        logits = prompt.ablator.output(prompt.n_tokens - 1).logits[-1]
    assert read.metric == pytest.approx(float(logits[40] - logits[50]), rel=1e-4)
    assert all(e["stage"] == "reading" for e in events)


def test_without_a_target_it_is_the_likeliest_and_a_contrast_alone_is_with_it(tiny_scope):
    read, _, _ = ask(tiny_scope, "prompt.read", text=TEXT)
    likeliest = tiny_scope.next_tokens(TEXT, 1)["token_id"][0]
    assert read.target.token == likeliest
    assert read.contrast is None
    read, _, _ = ask(tiny_scope, "prompt.read", text=TEXT, contrast=50)
    assert (read.target.token, read.contrast.token) == (likeliest, 50)


@pytest.mark.parametrize(("method", "name"), [("prompt.attribute", "gradient"), ("prompt.refine", "integrated")])
def test_the_page_has_a_figure_for_each_pair(tiny_scope, method, name):
    found, (buffer,), events = ask(tiny_scope, method, text=TEXT, target=40, method=name)
    frame = tiny_scope.attribute(TEXT, 40, name).sort("pos", "feature")
    np.testing.assert_allclose(np.frombuffer(buffer, "<f4"), frame["attribution"], atol=1e-6)
    assert found.n_pairs == len(frame)
    if name == "integrated":
        assert abs(found.facts["error"]) <= 0.02 * max(abs(found.facts["effect"]), 0.01)
        assert events[0]["stage"] == "running"


def test_the_page_has_exact_figures_in_the_order_asked_for(tiny_scope):
    frame = tiny_scope.attribute(TEXT, 40, "exact", by="feature")
    wanted = dict(zip(frame["feature"], frame["attribution"], strict=True))
    silent = next(f for f in range(256) if f not in wanted)
    asked = [*frame["feature"][:5].to_list(), silent]
    done, _, events = ask(tiny_scope, "prompt.exact", text=TEXT, target=40, features=asked)
    assert done.features == asked
    assert done.values == pytest.approx([wanted.get(f, 0.0) for f in asked], abs=1e-5)
    assert set(events[0]["features"]) <= set(asked)
    assert events[0]["total"] == 5
    pos = int(frame["pos"][0])
    at, _, _ = ask(tiny_scope, "prompt.exact", text=TEXT, target=40, features=asked[:1], pos=pos)
    pair = tiny_scope.attribute(TEXT, 40, "exact", pos=pos).filter(feature=asked[0])
    assert at.values[0] == pytest.approx(pair["attribution"][0], abs=1e-5)


def test_too_many_features_are_refused(tiny_scope):
    with pytest.raises(InputError, match="500 features at most"):
        ask(tiny_scope, "prompt.exact", text=TEXT, features=list(range(501)))


def test_others_have_the_model_between_pieces_and_a_stop_is_heard(tiny_scope):
    call = Call(RequestFrame(rid="1", method="prompt.exact"), lambda *_: None)
    features = tiny_scope.attribute(TEXT, by="feature")["feature"].to_list()
    with tiny_scope.prompted(TEXT) as prompt:
        question = tiny_scope.question(prompt, None, "pair")
    parts = tiny_scope.attributing(prompt, question, "exact", check=call.check)
    next(parts)
    assert not tiny_scope.lock.locked()
    assert len(features) > 3
    call.stop(SUPERSEDED)
    with pytest.raises(CancelledError):
        next(parts)
    assert not tiny_scope.lock.locked()


def test_waiting_for_the_model_is_told(tiny_scope):
    said = threading.Event()
    seen = []

    def on_stage(stage, n_tokens):
        seen.append((stage, n_tokens))
        said.set()

    with tiny_scope.prompted(TEXT) as prompt:
        question = tiny_scope.question(prompt, None)
    tiny_scope.lock.acquire()
    thread = threading.Thread(
        target=lambda: list(tiny_scope.attributing(prompt, question, "gradient", on_wait=on_stage))
    )
    thread.start()
    assert said.wait(5)
    tiny_scope.lock.release()
    thread.join(10)
    assert seen == [("waiting", prompt.n_tokens)]


def test_the_lanes_of_the_methods():
    assert {find_method(m).lane for m in ("prompt.read", "prompt.attribute")} == {"compute"}
    assert {find_method(m).lane for m in ("prompt.refine", "prompt.exact")} == {"long"}


def test_the_panel_holds_the_same_as_a_table(tiny_scope):
    from saescope.panels.prompt import Prompt

    panel = Prompt(tiny_scope, text=[TEXT, OTHER], state={"by": "direct"})
    assert panel.texts == [TEXT, OTHER]
    frame = panel.frame()
    assert frame["prompt"].unique().sort().to_list() == [0, 1]
    assert [m for m, _ in panel.recorded()] == ["prompt.read", "prompt.attribute"] * 2
    one = Prompt(tiny_scope, text=TEXT, state={"aim": {"target": {"token": 40, "text": "x"}}, "at": [3]})
    assert one.frame()["pos"].unique().to_list() == [3]
    assert one.recorded()[0] == ("prompt.read", {"text": TEXT, "target": 40})
    assert "<table>" in one.html()
    tiny_scope.select(text="")


def test_a_contrast_of_the_user_s_inference_mode_still_has_slopes():
    import torch

    scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
    with torch.inference_mode():
        frame = scope.attribute(TEXT, (40, 50))
    assert frame["attribution"].abs().max() > 0
