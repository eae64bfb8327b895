"""Effects as the page asks for them."""

import numpy as np
import pytest

import tiny
from saescope.errors import InputError
from saescope.rpc import codec
from saescope.rpc.calls import Answer, Call
from saescope.rpc.messages.frames import RequestFrame
from saescope.rpc.methods import find_method

TEXT = tiny.texts(3)[1][:60]
FEATURE = 101


def ask(scope, method, **params):
    events = []
    call = Call(RequestFrame(rid="1", method=method), lambda frame, _buffers: events.append(frame["data"]))
    found = find_method(method).handler(call, codec.decode(find_method(method).params, {"scope": scope.id, **params}))
    answer = found if isinstance(found, Answer) else Answer(found)
    return answer.message, answer.buffers, events


def test_an_ablation_and_its_control_are_those_of_python(tiny_scope):
    read, buffers, events = ask(tiny_scope, "effects.ablate", features=[FEATURE], text=TEXT, target=40, contrast=50)
    control, _, _ = ask(tiny_scope, "effects.control", features=[FEATURE], text=TEXT, target=40, contrast=50)
    frame = tiny_scope.ablate(TEXT, FEATURE, target=(40, 50), last_only=False)
    assert events == [] or events[-1]["stage"] == "reading"
    assert read.at == frame["at"][0].to_list()
    assert list(range(read.start, len(read.tokens))) == frame["pos"].to_list()
    np.testing.assert_allclose(np.subtract(read.after, read.before), frame["delta_logprob"], atol=1e-4)
    np.testing.assert_allclose(read.kl, frame["kl"], atol=1e-5)
    np.testing.assert_allclose(read.contrast, frame["delta_contrast"], atol=1e-4)
    assert read.targets == frame["next_token_id"].to_list()
    names = {one.token: one.text for one in read.names}
    ids, before, after = (
        np.frombuffer(b, kind).reshape(-1, 10) for b, kind in zip(buffers, ("<u4", "<f4", "<f4"), strict=True)
    )
    for i, row in enumerate(frame.iter_rows(named=True)):
        assert [t["token_id"] for t in row["raised"]] == ids[i, :5].tolist()
        assert [t["token"] for t in row["lowered"]] == [names[t] for t in ids[i, 5:].tolist()]
        np.testing.assert_allclose([t["after"] for t in row["lowered"]], after[i, 5:])
        np.testing.assert_allclose([t["before"] for t in row["raised"]], before[i, :5])
    assert [c for one in control.controls for c in one] == frame["controls"][0].to_list()
    assert [b.feature for b in control.briefs] == frame["controls"][0].to_list()
    np.testing.assert_allclose(np.mean(control.kl, axis=0), frame["control_kl"], atol=1e-5)
    np.testing.assert_allclose(np.mean(control.delta_logprob, axis=0), frame["control_delta_logprob"], atol=1e-5)
    assert control.start == read.start


def test_what_does_not_fire_is_an_answer_too(tiny_scope):
    read, buffers, _ = ask(tiny_scope, "effects.ablate", features=[16], text=TEXT)
    assert (read.at, read.kl, read.n_moved) == ([], [0.0], 0)
    assert buffers == [b"", b"", b""]
    control, _, _ = ask(tiny_scope, "effects.control", features=[16], text=TEXT)
    assert np.sum(control.kl) == 0


def test_kinds_say_what_they_take(tiny_scope):
    kinds = {k.name: k for k in ask(tiny_scope, "effects.kinds")[0].kinds}
    assert next(iter(kinds)) == "zero"
    assert kinds["clamp"].options[0].name == "value"
    assert [k.problem for k in kinds.values()] == [""] * len(kinds)


def test_kinds_without_an_index_say_what_they_lack():
    import saescope

    scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
    kinds = {k.name: k for k in ask(scope, "effects.kinds")[0].kinds}
    assert "needs an index" in kinds["mean"].problem
    assert kinds["zero"].problem == kinds["resample"].problem == ""


def test_passages_are_the_tokens_of_the_examples(tiny_scope):
    found = ask(tiny_scope, "effects.passages", feature=FEATURE, k=3, before=4, after=2)[0].passages
    stored = tiny_scope.examples(FEATURE, 3, context=4)
    bos = tiny_scope.begins_with
    for one, row in zip(found, stored.iter_rows(named=True), strict=True):
        assert one.texts[one.peak] == row["token"]
        assert bos in (None, one.tokens[0])
        head = 1 if one.peak == 5 else 0
        ids = row["token_ids"]
        assert one.tokens[head:] == ids[max(row["peak"] - 4, 0) : row["peak"] + 3][: len(one.tokens) - head]
    with pytest.raises(InputError, match="passages"):
        ask(tiny_scope, "effects.passages", feature=FEATURE, k=0)


def test_examples_come_as_they_are_done_and_end_in_a_summary(tiny_scope):
    read, _, events = ask(tiny_scope, "effects.examples", feature=FEATURE, k=4, where="peak")
    frame = tiny_scope.ablate_examples(FEATURE, 4, pos="peak")
    assert [e["done"] for e in events] == [1, 2, 3, 4]
    assert events[-1]["seconds_left"] == 0
    assert [codec.encode(e) for e in read.examples] == [e["example"] for e in events]
    for one, row in zip(read.examples, frame.iter_rows(named=True), strict=True):
        assert one.texts[one.peak] == row["token"]
        assert one.next_text == row["next_token"]
        assert one.kl == pytest.approx(row["kl"], rel=1e-5)
        assert one.control_kl_after == pytest.approx(row["control_kl_after"], rel=1e-5)
    summary = tiny_scope.effect_summary(frame)
    assert [(m.quantity, m.of, m.n) for m in read.summary] == summary.select("quantity", "of", "n").rows()
    assert ask(tiny_scope, "effects.examples", feature=16)[0].examples == []


def test_a_sweep_grows_and_ends_as_python_s(tiny_scope):
    read, _, events = ask(tiny_scope, "effects.sweep", feature=FEATURE, text=TEXT, n_controls=2)
    frame = tiny_scope.sweep(TEXT, FEATURE, controls=2)
    assert read.done == read.total == 3
    assert [e["done"] for e in events] == sorted(e["done"] for e in events)
    np.testing.assert_allclose(read.strengths, frame["strength"], rtol=1e-5)
    for name, column in (("delta_logprob", "delta_logprob"), ("kl", "kl"), ("control_kl", "control_kl")):
        np.testing.assert_allclose([getattr(p, name) for p in read.points], frame[column], atol=1e-5)
    assert read.natural[:2] == pytest.approx([0, frame["natural_high"][0]], rel=1e-5)
    assert read.target.token == frame["next_token_id"][0]
    assert read.before == pytest.approx(frame["logprob_before"][0], rel=1e-4)


def test_a_contrast_alone_and_no_text_are_refused(tiny_scope):
    with pytest.raises(InputError, match="a contrast is of two tokens"):
        ask(tiny_scope, "effects.ablate", features=[1], text=TEXT, contrast=3)
    with pytest.raises(InputError, match="no text"):
        ask(tiny_scope, "effects.sweep", feature=1)


def test_long_work_does_not_hold_up_what_is_asked_at_a_key():
    assert {find_method(m).lane for m in ("effects.examples", "effects.sweep")} == {"long"}
    assert {find_method(m).lane for m in ("effects.next", "effects.ablate", "effects.control")} == {"compute"}
