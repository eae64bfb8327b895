"""`Scope.circuit`, its messages, and its panel, over the tiny scope."""

import time

import polars as pl
import pytest

import saescope
import tiny
from saescope.errors import InputError, MismatchError, NeedsModelError, UnknownFeatureError
from saescope.rpc.connection import Connection
from saescope.rpc.messages.circuit import CircuitAnswer

TEXT = "the sea of Vienna was green under the ship of the emperor"


@pytest.fixture(scope="module")
def fires(tiny_scope):
    """A feature and where it is strongest on the text."""
    row = tiny_scope.top_features(TEXT, k=1).row(0, named=True)
    return row["feature"], row["pos"], row["max"]


def ask(method, **params):
    frames = []
    line = Connection(lambda frame, _buffers: frames.append(frame))
    line.receive({"t": "request", "rid": "1", "method": method, "params": params})
    end = time.monotonic() + 30
    while not any(f["t"] in ("result", "error") for f in frames):
        assert time.monotonic() < end
        time.sleep(0.01)
    return frames


def result(frames):
    assert frames[-1]["t"] == "result", frames[-1]
    return frames[-1]["data"]


def test_the_parts_of_a_text_sum_to_the_activation(tiny_scope, fires):
    feature, pos, activation = fires
    frame = tiny_scope.circuit(feature, TEXT)
    assert frame.schema["score"] == pl.Float64
    assert frame["score"].sum() == pytest.approx(activation, rel=1e-4)
    assert frame["share"].sum() == pytest.approx(1, abs=1e-3)
    assert frame.filter(kind="mlp")["pos"].unique().to_list() == [pos]
    assert frame["is_exact"].all()
    assert set(frame["kind"]) == {"embedding", "head", "mlp", "bias", "error"}
    assert frame["score"].abs()[:-1].is_sorted(descending=True)
    assert frame.filter(kind="error")["score"].abs().item() < 1e-4 * activation
    by_source = tiny_scope.circuit(feature, TEXT, sources=True)
    heads = by_source.filter(kind="head").group_by("layer", "head").agg(pl.col("score").sum())
    both = heads.join(frame.filter(kind="head"), on=["layer", "head"])
    assert (both["score"] - both["score_right"]).abs().max() < 1e-4
    assert both.height == 12


def test_what_reads_a_feature_sums_to_its_exact_effect(tiny_scope, fires):
    feature, pos, _ = fires
    frame = tiny_scope.circuit(feature, TEXT, direction="downstream", target=5)
    parts = frame.filter(pl.col("method") == "last step")
    effect = tiny_scope.ablate(TEXT, features=[feature], pos=pos, target=5)["delta_logprob"].item()
    assert parts["score"].sum() == pytest.approx(-effect, abs=1e-4)
    tokens = frame.filter(kind="token")
    assert tokens["is_exact"].all()
    assert ((tokens["baseline"] + tokens["score"]).is_between(0, 1)).all()


def test_by_weights_no_text_is_needed(tiny_scope, fires):
    frame = tiny_scope.circuit(fires[0], k=6)
    assert set(frame["kind"]) == {"head", "mlp", "token"}
    assert frame["pos"].null_count() == frame.height
    heads = frame.filter(pl.col("kind") != "token")
    ratios = (heads["score"] / heads["baseline"]).to_list()
    assert ratios == sorted(ratios, reverse=True)
    assert len(ratios) == 6
    reads = tiny_scope.circuit(fires[0], direction="downstream")
    assert {"weights: query", "weights: key", "weights: value", "weights: gate", "logit lens"} == set(reads["method"])
    assert tiny_scope.circuit(fires[0], TEXT, by="weights").height == tiny_scope.circuit(fires[0]).height


def test_features_of_another_sae_come_with_it(tiny_scope, fires):
    feature, pos, _ = fires
    earlier = tiny.sae(hook_name="blocks.0.hook_resid_post")
    found = tiny_scope.circuit(feature, TEXT, upstream=earlier, k=30).filter(kind="feature")
    assert 0 < found.height <= 30
    assert (found["pos"] <= pos).all()
    assert found["is_exact"][:24].all()
    assert set(found["method"]) <= {"ablation", "gradient × activation"}
    tied = tiny_scope.circuit(feature, upstream=earlier, k=10).filter(kind="feature")
    assert tied.height == 10
    assert (tied["baseline"] > 0).all()
    other = saescope.load((tiny_scope.model, tiny_scope.tokenizer), sae=tiny.sae(hook_name="blocks.3.hook_resid_post"))
    moved = tiny_scope.circuit(feature, TEXT, direction="downstream", downstream=other).filter(kind="feature")
    assert (moved["pos"] >= pos).all()
    with pytest.raises(InputError, match="nothing lies between"):
        tiny_scope.circuit(feature, TEXT, upstream=tiny.sae())
    with pytest.raises(InputError, match="nothing lies between"):
        tiny_scope.circuit(feature, TEXT, upstream=other)


def test_another_model_is_refused(tiny_scope):
    model = tiny.model()
    model.lm_head.weight.data.add_(1)
    model.model.embed_tokens.weight.data.add_(1)
    other = saescope.load((model, tiny.tokenizer()), sae=tiny.sae(hook_name="blocks.0.hook_resid_post"))
    with pytest.raises(MismatchError, match="another model"):
        tiny_scope.circuit(3, TEXT, upstream=other)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"direction": "up"}, InputError, "direction"),
        ({"by": "text"}, InputError, "needs a text"),
        ({"by": "eye"}, InputError, "by is"),
        ({"k": 0}, InputError, "at least 1"),
        ({"text": TEXT, "pos": 400}, InputError, "pos is a position"),
        ({"text": TEXT, "target": "two words here", "direction": "downstream", "pos": None}, InputError, "tokens"),
        ({"text": ""}, InputError, "no token"),
    ],
)
def test_bad_input_is_told(tiny_scope, fires, options, error, match):
    with pytest.raises(error, match=match):
        tiny_scope.circuit(fires[0], **options)


def test_a_feature_that_does_not_fire_says_so(tiny_scope, opened):
    with pytest.raises(InputError, match="does not fire on this text"):
        tiny_scope.circuit(0, TEXT)
    frame = tiny_scope.circuit(0, TEXT, pos=3)
    assert frame["score"].sum() < -1000
    with pytest.raises(InputError, match="does not fire at position 3"):
        tiny_scope.circuit(0, TEXT, pos=3, direction="downstream")
    with pytest.raises(UnknownFeatureError):
        tiny_scope.circuit(999, TEXT)
    with pytest.raises(NeedsModelError):
        opened.circuit(3)


def test_the_page_gets_both_sides_as_they_come(tiny_scope, fires):
    feature, pos, activation = fires
    frames = ask("circuit.get", scope=tiny_scope.id, feature=feature, by="text", text=TEXT)
    stages = [f["data"]["stage"] for f in frames if f["t"] == "event"]
    assert stages[-3:] == ["reading", "upstream", "downstream"]
    data = result(frames)
    assert data["text"]["pos"] == pos
    assert data["text"]["activations"][pos] == pytest.approx(activation, rel=1e-5)
    up, down = data["sides"]
    assert (up["side"], down["side"]) == ("upstream", "downstream")
    assert up["total"] == pytest.approx(up["whole"], rel=1e-4)
    shown = sum(row["score"] for row in up["rows"]) + up["more"]
    assert shown == pytest.approx(activation, rel=1e-4)
    heads = [row for row in up["rows"] if row["kind"] == "head"]
    assert sum(up["shading"]) == pytest.approx(sum(row["score"] for row in heads), abs=1e-3 * activation)
    assert down["tokens"]
    cut = result(ask("circuit.get", scope=tiny_scope.id, feature=feature, by="text", text=TEXT, k=3))["sides"][0]
    assert cut["n_more"] > 0
    assert sum(row["score"] for row in cut["rows"]) + cut["more"] == pytest.approx(activation, rel=1e-4)
    assert set(data) == set(CircuitAnswer.__dataclass_fields__)


def test_one_side_that_fails_leaves_the_other(tiny_scope, fires):
    data = result(ask("circuit.get", scope=tiny_scope.id, feature=0, by="text", text=TEXT, pos=3))
    up, down = data["sides"]
    assert up["rows"]
    assert "does not fire at position 3" in down["problem"]
    nowhere = result(ask("circuit.get", scope=tiny_scope.id, feature=0, by="text", text=TEXT))
    assert nowhere["text"]["pos"] is None
    assert nowhere["sides"] == []
    gone = result(ask("circuit.get", scope=tiny_scope.id, feature=fires[0], by="weights", upstream="no such scope"))
    assert "is gone" in gone["sides"][0]["notes"][0]


def test_a_head_unfolds_into_its_sources_and_what_it_copies(tiny_scope, fires):
    feature, pos, _ = fires
    frame = tiny_scope.circuit(feature, TEXT, sources=True).filter(kind="head", layer=1, head=2)
    asked = {"scope": tiny_scope.id, "feature": feature, "layer": 1, "head": 2, "side": "upstream"}
    data = result(ask("circuit.head", **asked, text=TEXT, k=3))
    assert sum(s["score"] for s in data["sources"]) + data["rest"] == pytest.approx(frame["score"].sum(), abs=1e-4)
    assert data["n_sources"] == frame.height <= pos + 1
    assert len(data["tokens"]) == 6
    reads = result(ask("circuit.head", **asked | {"side": "downstream", "layer": 3}))
    assert reads["sources"] == []
    assert len(reads["tokens"]) == 16
    wrong = ask("circuit.head", **asked | {"head": 9})[-1]
    assert "heads 0 to 3" in wrong["error"]["message"]


def test_the_panel_tells_the_same_as_a_table(tiny_scope, fires):
    panel = tiny_scope.show("circuit", fires[0], text=TEXT, pos=fires[1])
    frame = panel.frame()
    assert set(frame["direction"]) == {"upstream", "downstream"}
    (method, params), *_ = panel.recorded()
    assert method == "circuit.get"
    assert params["pos"] == fires[1]
    assert "source_token" in panel.html()
    other = saescope.load((tiny_scope.model, tiny_scope.tokenizer), sae=tiny.sae(hook_name="blocks.0.hook_resid_post"))
    with_other = tiny_scope.show("circuit", fires[0], upstream=other)
    assert with_other.state["upstream"] == other.id
    assert "feature" in set(with_other.frame()["kind"])
    with pytest.raises(InputError, match="is a scope"):
        tiny_scope.show("circuit", fires[0], upstream="folder")
