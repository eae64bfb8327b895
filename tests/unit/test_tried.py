import json
import threading
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

import saescope
import tiny
from saescope.errors import CancelledError, InputError, NeedsModelError, UnknownNameError
from saescope.index.rule import Rule
from saescope.query.tried import RANKINGS, Known, TriedText, known_of, rank_features, reasons_of
from saescope.rpc.transports.memory import MemoryPage

TEXT = "the navy of Vienna sailed over the green sea under a star"
GOLDEN = Path(__file__).parent / "ranking_golden.json"


@pytest.fixture
def page():
    made = MemoryPage()
    yield made
    made.connection.close()


@pytest.fixture
def bare():
    return saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())


def plainly(text):
    """Activations ``[seq, d_sae]`` of a text with BOS, by a plain hook on the whole model."""
    model, sae, tokenizer = tiny.model(), tiny.sae(), tiny.tokenizer()
    ids = [tokenizer.bos_token_id, *tokenizer(text)["input_ids"]]
    seen = []
    handle = model.model.layers[2].register_forward_hook(lambda _m, _a, out: seen.append(out))
    with torch.no_grad():
        model(torch.tensor([ids]))
    handle.remove()
    x = seen[0][0] if isinstance(seen[0], tuple) else seen[0]
    with torch.no_grad():
        return ids, sae.encode(x.reshape(-1, x.shape[-1])).numpy()


def test_activations_equal_those_of_a_plain_pass(tiny_scope):
    ids, dense = plainly(TEXT)
    found = tiny_scope.activations(TEXT)
    pos, feature = np.nonzero(dense)
    assert found["pos"].to_list() == pos.tolist()
    assert found["feature"].to_list() == feature.tolist()
    assert found["activation"].to_numpy() == pytest.approx(dense[pos, feature], rel=1e-4, abs=1e-5)
    assert found["is_counted"].to_list() == (pos > 0).tolist()
    assert set(found["token"]) <= {tiny_scope.index.vocabulary.text(i) for i in ids}


def ranked_plainly(dense, table, n_counted, by):
    """The ranking, feature by feature, of the rows after BOS."""
    rows = []
    for f in range(dense.shape[1]):
        values = [abs(float(v)) for v in dense[1:, f] if v != 0]
        if not values:
            continue
        n_fires, top = int(table["n_fires"][f]), float(table["max"][f])
        score = {
            "max": max(values),
            "sum": sum(values),
            "tokens": len(values),
            "relative": max(values) / top if top else float("inf"),
            "surprise": max(values) * np.log10((n_counted + 1) / (n_fires + 1)),
        }[by]
        rows.append((-score, f))
    return [(f, -s) for s, f in sorted(rows)]


@pytest.mark.parametrize("by", RANKINGS)
def test_a_ranking_equals_a_plain_one(tiny_scope, by):
    _, dense = plainly(TEXT)
    wanted = ranked_plainly(dense, tiny_scope.index.table, tiny_scope.index.n_counted, by)
    found = tiny_scope.top_features(TEXT, by, k=10_000)
    scores = found["n_tokens" if by == "tokens" else by].to_list()
    assert scores == pytest.approx([s for _, s in wanted], rel=1e-4)
    assert sorted(found["feature"].to_list()) == sorted(f for f, _ in wanted)
    assert found["token"].to_list() == [tiny_scope.try_text(TEXT).texts[p] for p in found["pos"]]


def test_dense_features_can_be_left_out(tiny_scope):
    whole = tiny_scope.top_features(TEXT, k=10_000)
    limit = float(whole["density"].median())
    found = tiny_scope.top_features(TEXT, k=10_000, max_density=limit)
    assert found.equals(whole.filter(pl.col("density") <= limit))
    assert 0 < len(found) < len(whole)


def golden_case():
    """Some nonzeros with ties, a negative, an uncounted token, and a feature that the index never saw."""
    pos = np.array([0, 0, 1, 1, 1, 2, 2, 3, 3, 3], dtype=np.uint32)
    features = np.array([5, 9, 2, 5, 40, 2, 9, 5, 7, 40], dtype=np.uint32)
    values = np.array([90, 8, 1.5, 3.25, 3.25, 2.5, -6, 3.25, 0.1, 1], dtype=np.float32)
    reasons = ["first", "", "", ""]
    tried = TriedText("x", np.arange(4), list("abcd"), list("abcd"), reasons, pos, features, values, 4)
    known = Known(
        np.array([2, 5, 7, 9, 40], dtype=np.uint32),
        np.array([10, 4, 0, 6, 8], dtype=np.float32),
        np.array([120, 4000, 0, 7, 35]),
        10_000,
    )
    return tried, known


def golden():
    tried, known = golden_case()
    orders = {by: rank_features(tried, known, by)["feature"].to_list() for by in RANKINGS}
    rows = rank_features(tried, known, "max").sort("feature").to_dicts()
    for row in rows:
        row["relative"] = None if np.isinf(row["relative"]) else row["relative"]
    return {
        "pos": tried.pos.tolist(),
        "features": tried.features.tolist(),
        "values": tried.values.tolist(),
        "reasons": tried.reasons,
        "unique": known.features.tolist(),
        "maxima": known.maxima.tolist(),
        "n_fires": known.n_fires.tolist(),
        "n_counted": known.n_counted,
        "rows": rows,
        "orders": orders,
    }


def test_the_page_and_python_rank_alike():
    wanted, found = json.loads(GOLDEN.read_text(encoding="utf-8")), json.loads(json.dumps(golden()))
    surprise = [[row.pop("surprise") for row in case["rows"]] for case in (found, wanted)]
    assert surprise[0] == pytest.approx(surprise[1], rel=1e-12)  # a logarithm's last bit is the machine's
    assert found == wanted, "run `python tests/unit/test_tried.py`"
    orders = golden()["orders"]
    assert orders["max"] == [9, 5, 40, 2, 7]
    assert orders["sum"] == [5, 9, 40, 2, 7]
    assert orders["tokens"] == [2, 5, 40, 7, 9]
    assert orders["relative"] == [7, 9, 5, 40, 2]


def test_an_answer_holds_every_nonzero_and_the_index_figures(page, tiny_scope):
    reply = page.call("text.read", {"scope": tiny_scope.id, "text": TEXT})
    data = reply.last["data"]
    kinds = ("<u4", "<u4", "<f4", "<u4", "<f4", "<f8")
    pos, features, values, unique, maxima, n_fires = (
        np.frombuffer(b, dtype=k) for b, k in zip(reply.buffers, kinds, strict=True)
    )
    frame = tiny_scope.activations(TEXT)
    assert pos.tolist() == frame["pos"].to_list()
    assert features.tolist() == frame["feature"].to_list()
    assert values.tolist() == frame["activation"].to_list()
    assert unique.tolist() == sorted(set(features.tolist()))
    table = tiny_scope.index.table
    assert maxima.tolist() == [table["max"][int(f)] for f in unique]
    assert n_fires.tolist() == [table["n_fires"][int(f)] for f in unique]
    assert data["reasons"][:2] == ["first", ""]
    assert len(data["tokens"]) == len(data["texts"]) == len(data["raws"]) == data["n_all"]
    best = tiny_scope.top_features(TEXT, "surprise", k=30)["feature"].to_list()
    assert set(best) <= {b["feature"] for b in data["briefs"]}
    assert reply.events == [{"stage": "reading", "n_tokens": data["n_all"]}]


def test_without_an_index_a_text_is_read_and_nothing_is_compared(page, bare):
    reply = page.call("text.read", {"scope": bare.id, "text": TEXT})
    assert [len(b) > 0 for b in reply.buffers] == [True] * 4
    assert reply.last["data"]["briefs"] == []
    found = bare.top_features(TEXT, "sum", k=3)
    assert found["density"].to_list() == [None] * 3
    with pytest.raises(InputError, match="compares with an index"):
        bare.top_features(TEXT, "surprise")
    with pytest.raises(InputError, match="told by an index"):
        bare.top_features(TEXT, max_density=0.1)


def test_of_a_text_that_is_too_long_the_beginning_is_read_when_asked_for(page, tiny_scope):
    long = " ".join(["navy"] * 500)
    error = page.call("text.read", {"scope": tiny_scope.id, "text": long}).last["error"]
    assert (error["code"], error["data"]["n_fit"]) == ("input", 128)
    n_tokens = error["data"]["n_tokens"]
    data = page.call("text.read", {"scope": tiny_scope.id, "text": long, "cuts": True}).last["data"]
    assert (len(data["tokens"]), data["n_all"]) == (128, n_tokens)
    assert tiny_scope.try_text(long, cuts=True).is_cut


@pytest.mark.parametrize(
    "text",
    ["   ", "\n\n", "🚢🚢", "שלום עולם", "\x00\x07\x7f", "<|endoftext|>", "‹<img src=x>", "\ud83d", "\ud83d\udea2"],
)
def test_any_text_is_read(tiny_scope, text):
    tried = tiny_scope.try_text(text)
    assert len(tried.texts) == len(tried.reasons) == len(tried.tokens) >= 2
    assert tried.reasons[0] == "first"
    assert len(tiny_scope.activations(text)) == len(tried.pos)


def test_a_special_token_in_a_text_does_not_count(tiny_scope):
    assert tiny_scope.try_text("sea<|endoftext|>sea").reasons.count("special") == 1


def test_why_tokens_do_not_count():
    special = np.array([True, False, True, False])
    norms = np.array([1, 1, 1, 50], dtype=np.float32)
    assert reasons_of(special, norms, Rule(), 2.0) == ["first", "", "special", ""]
    assert reasons_of(special, norms, Rule(0, skips_special=False, max_norm_ratio=10), 2.0) == ["", "", "", "norm"]


def test_values_that_are_no_numbers_are_left_out_of_rankings():
    tried, known = golden_case()
    values = tried.values.copy()
    values[6] = np.nan
    found = rank_features(TriedText(**{**vars(tried), "values": values}), known)
    assert 9 not in found["feature"].to_list()
    assert np.isfinite(found["max"].to_numpy()).all()


def test_a_bad_argument_says_what_was_wanted(tiny_scope, opened):
    with pytest.raises(InputError, match="no token"):
        tiny_scope.top_features("")
    with pytest.raises(UnknownNameError, match="surprise"):
        tiny_scope.top_features(TEXT, "loudness")
    with pytest.raises(InputError, match="at least 1"):
        tiny_scope.top_features(TEXT, k=0)
    with pytest.raises(NeedsModelError):
        opened.top_features(TEXT)


def test_while_the_model_is_in_use_a_request_waits_says_so_and_can_be_stopped(page, tiny_scope):
    with tiny_scope.lock:
        rid = page.ask("text.read", {"scope": tiny_scope.id, "text": TEXT}, slot="text")
        frame, _ = page.frames.get(timeout=10)
        assert (frame["t"], frame["data"]["stage"]) == ("event", "waiting")
        newer = page.ask("text.read", {"scope": tiny_scope.id, "text": "the sea"}, slot="text")
        frame, _ = page.frames.get(timeout=10)
        assert (frame["rid"], frame["error"]["code"]) == (rid, "superseded")
    while frame["t"] != "result":
        frame, _ = page.frames.get(timeout=10)
    assert frame["rid"] == newer
    assert not tiny_scope.lock.locked()


def test_a_reading_is_stopped_between_blocks_and_frees_the_model(tiny_scope):
    asked = []

    def check():
        asked.append(1)
        if len(asked) == 4:
            raise CancelledError("stopped.")

    with pytest.raises(CancelledError):
        tiny_scope.try_text(TEXT, check=check)
    assert len(asked) == 4
    assert not tiny_scope.lock.locked()
    assert len(tiny_scope.try_text(TEXT, check=lambda: asked.append(1)).tokens)
    assert len(asked) == 4 + 1 + 3 + 1


def test_readings_from_two_threads_do_not_mix(tiny_scope):
    wanted = {text: tiny_scope.activations(text) for text in (TEXT, "a sea of green stars")}
    wrong = []

    def read(text):
        found = [tiny_scope.activations(text) for _ in range(5)]
        wrong.extend(text for frame in found if not frame.equals(wanted[text]))

    threads = [threading.Thread(target=read, args=(text,)) for text in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_known_figures_are_those_of_the_table(opened):
    features = np.array([3, 8, 250], dtype=np.uint32)
    known = known_of(opened.index, features)
    assert known.n_fires.tolist() == [opened.features["n_fires"][f] for f in (3, 8, 250)]
    assert known_of(None, features) is None


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(golden(), indent=1) + "\n", encoding="utf-8")
