"""Whether an SAE fits: figures against plain ones, faults that were planted, and texts that do not serve."""

import copy
import json
import shutil
import threading
import time
from contextlib import nullcontext

import numpy as np
import polars as pl
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

import saescope
import tiny
from saescope.cli.main import main
from saescope.engine.scoring import gain, measure, shuffled
from saescope.engine.ways import as_loaded, ways
from saescope.errors import CancelledError, InputError, MismatchError, NeedsModelError, SaeSourceError
from saescope.index.pairing import FILE, Losses, PairingCheck, Score, Trial, of_json, store, stored
from saescope.index.verdict import cause_keys, headline, told, verdict
from saescope.indexing.checking import Checker
from saescope.rpc.transports.memory import MemoryPage
from saescope.sources.base_weights import PROBE, same_as_probe, same_weights, weights_probe
from saescope.sources.correcting import corrected, with_weights
from saescope.sources.published import base_remark, untold_base

TEXTS = tiny.texts(40, seed=3)
WIDE, N_KEPT, N_DEAD, SITE = 32, 24, 100, "blocks.1.hook_resid_post"


@pytest.fixture(scope="module")
def layer_norm_model():
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(tiny.tokenizer()),
        n_embd=WIDE,
        n_layer=4,
        n_head=4,
        n_positions=128,
        initializer_range=0.3,
        bos_token_id=0,
        eos_token_id=0,
    )
    made = GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        made.transformer.wte.weight.add_(torch.randn(len(tiny.tokenizer()), 1))
        made.transformer.ln_f.weight.mul_(0.02)  # a random model's loss means nothing: let it hardly depend on the site
    return made


def planted(x, hook_name=SITE, *, model_name="tiny", bos=True, **metadata):
    """An SAE whose features are the site's own main directions, both ways: it fits where it was made, and less elsewhere."""
    from sae_lens import SAE

    mean = x.mean(0)
    directions = torch.linalg.svd(x - mean, full_matrices=False).Vh[:N_KEPT]
    both = torch.cat([directions, -directions, torch.nn.functional.normalize(torch.randn(N_DEAD, x.shape[1]), dim=1)])
    config = {
        "architecture": "standard", "d_in": x.shape[1], "d_sae": len(both), "dtype": "float32", "device": "cpu",
        "apply_b_dec_to_input": True, "normalize_activations": "none", "reshape_activations": "none",
        "metadata": {"hook_name": hook_name, "context_size": 32, "prepend_bos": bos, "model_name": model_name, **metadata},
    }  # fmt: skip
    made = SAE.from_dict(config)
    with torch.no_grad():
        made.W_enc.copy_(both.T)
        made.W_dec.copy_(both)
        made.b_enc.zero_()
        made.b_enc[2 * N_KEPT :] = -1e6
        made.b_dec.copy_(mean)
    return made


def activations(model, layer, *, bos=True, is_centred=False, seq=32):
    """The output of a block on the texts, positions from 1 on ``[n, d]``; by a plain hook."""
    ids = [i for text in TEXTS for i in tiny.tokenizer()(text)["input_ids"]]
    n = seq - bos
    rows = torch.tensor(ids[: len(ids) // n * n]).view(-1, n)
    if bos:
        rows = torch.cat([torch.full((len(rows), 1), tiny.tokenizer().bos_token_id), rows], 1)
    blocks = model.transformer.h if hasattr(model, "transformer") else model.model.layers
    kept = []
    handle = blocks[layer].register_forward_hook(
        lambda _m, _a, out: kept.append(out[0] if isinstance(out, tuple) else out)
    )
    with torch.no_grad():
        model(rows)
    handle.remove()
    x = kept[0][:, 1:].flatten(0, 1)
    return x - x.mean(-1, keepdim=True) if is_centred else x


@pytest.fixture(scope="module")
def right(layer_norm_model):
    return planted(activations(layer_norm_model, 1), **{PROBE: weights_probe(layer_norm_model)})


def checked(model, sae, correct=None, texts=TEXTS, **options):
    scope = saescope.load((model, tiny.tokenizer()), sae=sae, correct=correct)
    frame = scope.check(texts, **options)
    return scope.pairing, frame


def test_the_right_pairing_is_green_and_its_figures_equal_plain_torch(layer_norm_model, right):
    found, frame = checked(layer_norm_model, right)
    assert (verdict(found), headline(found)) == ("fits", "fits")
    ids = [i for text in TEXTS for i in tiny.tokenizer()(text)["input_ids"]][:256]
    rows = torch.tensor(ids[: 256 // 31 * 31]).view(-1, 31)
    rows = torch.cat([torch.full((len(rows), 1), tiny.tokenizer().bos_token_id), rows], 1)
    block = layer_norm_model.transformer.h[1]

    def run(change=None):
        kept = []

        def hook(_m, _a, out):
            x = out[0] if isinstance(out, tuple) else out
            kept.append(x)
            new = x if change is None else torch.cat([x[:, :1], change(x[:, 1:])], 1)
            return (new, *out[1:]) if isinstance(out, tuple) else new

        handle = block.register_forward_hook(hook)
        with torch.no_grad():
            logits = layer_norm_model(rows[:4]).logits[:, :-1] if change else layer_norm_model(rows).logits[:, :-1]
        handle.remove()
        wanted = rows[: len(logits), 1:]
        return float(torch.nn.functional.cross_entropy(logits[:4].flatten(0, 1), wanted[:4].flatten())), kept[0]

    clean, x = run()
    x = x[:, 1:].flatten(0, 1)
    with torch.no_grad():
        acts = right.encode(x)
        made = right.decode(acts)
    assert found.score.explained_variance == pytest.approx(
        1 - float(((x - made) ** 2).sum() / ((x - x.mean(0)) ** 2).sum()), abs=1e-5
    )
    assert found.score.l0 == pytest.approx(float((acts > 0).sum(1).float().mean()), abs=1e-5)
    assert found.score.n == len(x)
    mean = x.mean(0)
    losses = {
        "clean": clean,
        "spliced": run(lambda y: right.decode(right.encode(y)))[0],
        "zero": run(torch.zeros_like)[0],
        "mean": run(mean.expand_as)[0],
    }
    for name, value in losses.items():
        assert getattr(found.losses, name) == pytest.approx(value, abs=1e-4), name
    first = frame.row(0, named=True)
    lost = losses["mean"] - losses["clean"]
    assert first["recovered"] == pytest.approx((losses["mean"] - losses["spliced"]) / lost, abs=1e-3)
    assert frame["role"].to_list()[:2] == ["as loaded", "control"]


WRONG = {
    "layer +1": ({"hook_name": "blocks.2.hook_resid_post"}, "layer", {"hook_name": SITE}),
    "layer -1": ({"hook_name": "blocks.0.hook_resid_post"}, "layer", {"hook_name": SITE}),
    "mid": ({"hook_name": "blocks.1.hook_resid_mid"}, "site", {"hook_name": SITE}),
    "scale": ({"scale": 4.0}, "scale", {"scale": 0.25}),
    "layer_norm": ({"normalize_activations": "layer_norm"}, "normalization", {"normalize_activations": "none"}),
    "centred": ({"center": True}, "centering", None),
}


@pytest.mark.parametrize("name", [n for n in WRONG if n != "centred"])
def test_a_fault_is_not_green_and_is_named(layer_norm_model, right, name):
    wrong, key, fix = WRONG[name]
    found, frame = checked(layer_norm_model, corrected(right, wrong))
    if name == "scale":  # a ReLU without biases fits at any scale, about its decoder bias
        assert headline(found) != "fits"
        return
    assert verdict(found) != "fits"
    assert cause_keys(found)[0] == key
    assert found.cause.correct == fix
    assert frame.filter(pl.col("is_better"))["what"].to_list()[0] == found.cause.what


def test_an_uncentred_site_is_named(layer_norm_model):
    sae = planted(activations(layer_norm_model, 1, is_centred=True))
    found, _ = checked(layer_norm_model, sae)
    assert cause_keys(found)[:1] == ["centering"]
    assert found.cause.correct == {"center": True}
    again, _ = checked(layer_norm_model, sae, correct=found.cause.correct)
    assert verdict(again) == "unconfirmed"
    assert again.score.explained_variance == pytest.approx(found.cause.score.explained_variance, abs=1e-5)


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        (lambda s: with_weights(s, W_enc=s.W_enc.T.contiguous().reshape(s.W_enc.shape)), "encoder"),
        (lambda s: with_weights(s, W_dec=s.W_dec.T.contiguous().reshape(s.W_dec.shape)), "decoder"),
        (lambda s: with_weights(s, W_enc=3 * s.W_enc, W_dec=3 * s.W_dec), "unit"),
    ],
    ids=["encoder", "decoder", "unit"],
)
def test_weights_laid_out_wrongly_are_named(layer_norm_model, right, wrong, key):
    found, _ = checked(layer_norm_model, wrong(right))
    assert verdict(found) == "wrong"
    wanted = {"weights": key}
    if key == "unit":
        assert any(t.correct == wanted for t in found.trials)
        return
    assert found.cause.correct == wanted
    again, _ = checked(layer_norm_model, wrong(right), correct=wanted)
    assert again.score.explained_variance == pytest.approx(found.cause.score.explained_variance, abs=1e-5)


@pytest.mark.parametrize("scale", [0.125, 3.0])
def test_what_is_tried_is_what_loading_with_it_gives(layer_norm_model, scale):
    sae = tiny.sae(d_in=WIDE, hook_name=SITE)
    x = activations(layer_norm_model, 1)[:100]
    way = {f"{w.kind} {w.what}": w for w in ways(sae, x, is_layer_norm=True, is_centered=False)}
    assert {w.kind for w in way.values()} >= {"normalization", "scale", "centering", "bias", "weights"}
    for one in way.values():
        if "center" in one.correct or (
            "normalize_activations" in one.correct and one.correct["normalize_activations"] == "none"
        ):
            continue
        from saescope.sources.sae import load_sae

        acts, made = one.apply(x)
        own = load_sae(sae, correct=one.correct).sae
        with torch.no_grad():
            wanted = own.encode(x)
            back = own.decode(wanted)
        assert torch.allclose(acts, wanted, atol=1e-3), one.what
        assert torch.allclose(made, back, atol=2e-3, rtol=1e-3), one.what
    own = corrected(sae, {"scale": scale})
    with torch.no_grad():
        assert torch.allclose(own.encode(x), sae.encode(x * scale), atol=1e-4)
        assert torch.allclose(own.decode(own.encode(x)), sae.decode(sae.encode(x * scale)) / scale, atol=1e-4)


def test_a_gain_and_its_error_equal_plain_ones():
    draw = torch.Generator().manual_seed(0)
    y = torch.randn(160, 8, generator=draw)
    noise = [torch.randn(160, 8, generator=draw) * s for s in (0.2, 0.4)]
    good, bad = (measure(lambda _x, n=n: (torch.ones(160, 3), y + n), y, y) for n in noise)
    total = float(((y - y.mean(0)) ** 2).sum())
    plain = [1 - float((n**2).sum()) / total for n in noise]
    by, error = gain(good, bad)
    assert (good.variance, bad.variance) == pytest.approx(plain, abs=1e-5)
    assert by == pytest.approx(plain[0] - plain[1], abs=1e-5)
    drawn = []
    rng = np.random.default_rng(0)
    blocks = torch.arange(160).view(-1, 16)
    for _ in range(400):
        at = blocks[torch.from_numpy(rng.integers(0, 10, 10))].flatten()
        spread = ((y - y.mean(0)) ** 2).sum(-1)[at].sum()
        drawn.append(float(((noise[1][at] ** 2).sum() - (noise[0][at] ** 2).sum()) / spread))
    assert error == pytest.approx(np.std(drawn), rel=0.5)
    assert abs(good.drift) < 0.05
    shifted = measure(lambda _x: (torch.ones(160, 3), y + noise[0] + 0.2), y, y)
    assert shifted.drift == pytest.approx(0.5, abs=0.1)


def test_the_control_keeps_each_dimension_and_no_direction():
    x = torch.randn(200, 4, generator=torch.Generator().manual_seed(0)) @ torch.randn(
        4, 6, generator=torch.Generator().manual_seed(1)
    )
    mixed = shuffled(x)
    assert torch.equal(mixed.sort(0).values, x.sort(0).values)
    assert (
        float(torch.corrcoef(mixed.T).fill_diagonal_(0).abs().max())
        < 0.3
        < float(torch.corrcoef(x.T).fill_diagonal_(0).abs().max())
    )


def test_bos_is_tried_and_named():
    model = tiny.model()
    sae = planted(activations(model, 2, bos=False, seq=16), "blocks.2.hook_resid_post", bos=False)
    ours, _ = checked(model, sae)
    theirs, _ = checked(model, corrected(sae, {"prepend_bos": True}))
    tried = [next(t for t in found.trials if t.kind == "bos") for found in (ours, theirs)]
    assert not tried[0].is_better
    assert tried[0].correct == {"prepend_bos": True}
    assert tried[1].gain == pytest.approx(-tried[0].gain, abs=1e-5)
    assert tried[1].error == pytest.approx(tried[0].error, rel=1e-3)


@pytest.mark.parametrize(
    "texts", [[""], ["sea"], ["<|endoftext|>" * 200], []], ids=["empty", "short", "special", "none"]
)
def test_a_text_that_does_not_serve_is_said_and_is_not_green(layer_norm_model, right, texts):
    found, frame = checked(layer_norm_model, right, texts=texts)
    assert verdict(found) == "unknown"
    assert "tokens of the text count, and at least 32 are needed" in found.failure
    assert frame["what"][0] == found.failure


def test_nan_in_the_model_is_red_and_says_so(layer_norm_model, right):
    model = copy.deepcopy(layer_norm_model)
    with torch.no_grad():
        model.transformer.h[0].mlp.c_fc.weight[0, 0] = float("nan")
    found, _ = checked(model, right)
    assert verdict(found) == "wrong"
    assert "finite" in found.failure
    assert of_json({k: v for k, v in json.loads(found.as_json()).items() if k != "version"}) == found


def test_nan_in_the_sae_is_refused_at_load(layer_norm_model, right):
    broken = with_weights(corrected(right, {}), W_dec=torch.full_like(right.W_dec, float("nan")))
    with pytest.raises(SaeSourceError, match=r"W_dec .* not finite"):
        checked(layer_norm_model, broken)


def test_an_sae_of_random_weights_does_not_fit(layer_norm_model):
    found, _ = checked(layer_norm_model, tiny.sae(d_in=WIDE, hook_name=SITE))
    assert verdict(found) == "wrong"


def test_another_width_is_an_error_that_names_both(layer_norm_model):
    with pytest.raises(MismatchError, match=r"reads 24 numbers .* has 32"):
        saescope.load((layer_norm_model, tiny.tokenizer()), sae=tiny.sae(d_in=24, hook_name=SITE))


@pytest.mark.parametrize("kind", ["jumprelu", "topk", "transcoder"])
def test_every_kind_of_sae_has_an_answer(kind):
    metadata = {"hook_name_out": "blocks.2.hook_mlp_out"} if kind == "transcoder" else {}
    name = "blocks.2.mlp.hook_in" if kind == "transcoder" else "blocks.2.hook_resid_post"
    found, _ = checked(tiny.model(), tiny.sae(kind, hook_name=name, **metadata))
    assert found.score is not None
    assert found.losses is not None
    assert found.control is not None


SCORE = Score(explained_variance=0.8, l0=30.0, n=256)
CONTROL = Score(explained_variance=0.25, l0=30.0, n=256)
LOSSES = Losses(clean=3.0, spliced=3.1, zero=12.0, mean=8.0, control=8.5, n=128)


def trial(**part):
    made = {
        "kind": "layer",
        "what": "at x",
        "score": SCORE,
        "gain": 0.05,
        "error": 0.01,
        "base_l0": 30.0,
        "is_confirmed": True,
    }
    return Trial(**{**made, **part})


@pytest.mark.parametrize(
    ("part", "wanted"),
    [
        ({}, "fits"),
        ({"published": {"l0": 31.0, "source": "registry"}}, "fits"),
        ({"published": {"l0": 80.0, "source": "registry"}}, "in doubt: not as published"),
        ({"published": {"explained_variance": 0.99, "source": "registry"}}, "in doubt: not as published"),
        ({"trials": (trial(),)}, "in doubt: another site?"),
        ({"trials": (trial(kind="layer", n_off=-1),)}, "in doubt: site off by one?"),
        ({"trials": (trial(kind="layer", n_off=2),)}, "in doubt: site off by 2?"),
        ({"trials": (trial(gain=0.019),)}, "fits"),
        ({"trials": (trial(error=0.02),)}, "fits"),
        ({"trials": (trial(score=Score(explained_variance=0.9, l0=90.0, n=256), gain=0.1),)}, "fits"),
        (
            {"trials": (trial(score=Score(explained_variance=0.99, l0=90.0, n=256), gain=0.19),)},
            "in doubt: another site?",
        ),
        (
            {"trials": (trial(kind="bos", gain=0.005, error=0.001, correct={"prepend_bos": True}),)},
            "in doubt: BOS missing?",
        ),
        ({"remarks": (("base", "The SAE names a, and b was loaded."),)}, "in doubt: another base model?"),
        ({"drift": 0.2}, "in doubt: another base model?"),
        ({"score": Score(explained_variance=0.27, l0=30.0, n=256)}, "does not fit: explains little"),
        (
            {"losses": Losses(clean=3.0, spliced=7.0, zero=12.0, mean=8.0, control=8.5, n=128)},
            "in doubt: explains little",
        ),
        ({"failure": "too short"}, "not measured"),
        ({"failure": "not finite", "is_broken": True}, "does not fit"),
    ],
)
def test_the_verdict_follows_the_rule(part, wanted):
    if wanted == "in doubt: another site?":
        part = {"trials": tuple(trial(kind="site", gain=t.gain, score=t.score) for t in part["trials"])}
    found = PairingCheck(**{"score": SCORE, "control": CONTROL, "losses": LOSSES, "text": "a text", **part})
    assert headline(found) == wanted
    assert told(found)


def test_recovered_is_by_its_formula():
    assert LOSSES.recovered() == pytest.approx((8 - 3.1) / 5)
    assert LOSSES.recovered("zero") == pytest.approx((12 - 3.1) / 9)
    assert LOSSES.control_recovered == pytest.approx(-0.1)
    assert Losses(clean=3.0, spliced=3.0, zero=3.0, mean=2.0, control=3.0, n=1).recovered() is None


def test_a_check_is_kept_beside_the_index_and_read_without_the_model(tiny_folder, tmp_path):
    index = shutil.copytree(tiny_folder / "index", tmp_path / "index")
    scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae(), index=index)
    assert scope.pairing is None
    frame = scope.check()
    assert (index / FILE).is_file()
    alone = saescope.open_index(index)
    assert alone.pairing == scope.pairing
    assert alone.check().equals(frame)
    kept = alone.pairing.keys
    assert stored(index, {**kept, "sae": "another"}) is None
    (index / FILE).write_text('{"version": 1, "keys": {')
    assert stored(index, kept) is None
    assert store(tmp_path / "nowhere", scope.pairing) is False
    (index / FILE).unlink()
    with pytest.raises(NeedsModelError):
        saescope.open_index(index).check()


def test_a_page_starts_hears_and_stops_a_check(tiny_folder, tmp_path):
    index = shutil.copytree(tiny_folder / "index", tmp_path / "index")
    scope = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae(), index=index)
    page = MemoryPage()
    try:
        assert asked(page, "scope.info", {"scope": scope.id})["pairing"]["state"] == "none"
        with scope.lock:
            asked(page, "pairing.start", {"scope": scope.id})
            assert asked(page, "scope.info", {"scope": scope.id})["pairing"]["state"] == "running"
            asked(page, "pairing.stop", {"scope": scope.id})
            wait_for(lambda: scope.running_check is None)
        assert asked(page, "scope.info", {"scope": scope.id})["pairing"]["state"] == "stopped"
        asked(page, "pairing.start", {"scope": scope.id})
        time.sleep(0.05)
        assert scope.running_check is None
        asked(page, "pairing.start", {"scope": scope.id, "cause": "asked"})
        wait_for(lambda: scope.pairing is not None and scope.running_check is None)
        found = asked(page, "pairing.get", {"scope": scope.id})
        assert found["info"]["state"] == "done"
        assert found["loaded"]["n"] == scope.pairing.score.n
        assert len(found["trials"]) == len(scope.pairing.trials)
        assert found["trials"][0]["code"].startswith("saescope.load(model, sae=sae, correct=")
    finally:
        page.connection.close()


def asked(page, method, params):
    return page.call(method, params).last["data"]


def wait_for(is_so):
    done = threading.Event()
    for _ in range(3000):
        if is_so():
            return
        done.wait(0.02)
    raise AssertionError("it never came")


def test_a_check_stops_within_a_pass(layer_norm_model, right):
    scope = saescope.load((layer_norm_model, tiny.tokenizer()), sae=right)
    n = 0

    def check():
        nonlocal n
        n += 1
        if n == 3:
            raise CancelledError("stopped.")

    model, sae, site = scope.parts
    with pytest.raises(CancelledError):
        Checker(model, sae, site, TEXTS, turn=nullcontext, check=check, tell=lambda *_: None).run()
    assert n == 3


@pytest.mark.parametrize(
    ("correct", "said"),
    [
        ({"layer": 3}, "nothing is called 'layer'"),
        ({"scale": 0}, "above 0"),
        ({"scale": "2"}, "scale is a float"),
        ({"prepend_bos": 1}, "prepend_bos is a bool"),
        ({"weights": "upside down"}, "weights is one of"),
        ({"normalize_activations": "sometimes"}, "normalize_activations is one of"),
    ],
)
def test_a_correction_that_is_none_is_refused(layer_norm_model, right, correct, said):
    with pytest.raises(InputError, match=said):
        saescope.load((layer_norm_model, tiny.tokenizer()), sae=right, correct=correct)


def test_a_corrected_sae_is_another_and_the_given_one_is_as_it_was(layer_norm_model, right):
    before = right.W_enc.detach().clone()
    one, other = (
        saescope.load((layer_norm_model, tiny.tokenizer()), sae=right, correct=c).parts[1]
        for c in (None, {"apply_b_dec_to_input": False})
    )
    assert one.fingerprint() != other.fingerprint()
    assert right.cfg.apply_b_dec_to_input
    assert torch.equal(before, right.W_enc)
    assert as_loaded(right)(activations(layer_norm_model, 1)[:4])[0].shape == (4, right.cfg.d_sae)


def tuned_a_little(model):
    """A copy, its weights moved by about a thousandth."""
    tuned = copy.deepcopy(model)
    with torch.no_grad():
        for p in tuned.parameters():
            p.add_(torch.randn_like(p) * 0.002 * p.abs().mean())
    return tuned


def test_another_base_is_told_by_its_weights_or_its_name(layer_norm_model, right, tmp_path, monkeypatch):
    import saescope.sources.base_weights as module
    from saescope.sources.model import LoadedModel
    from saescope.sources.sae import load_sae

    monkeypatch.setattr(module, "hub_cache", lambda: tmp_path)
    sae = load_sae(corrected(right, {}))
    named = load_sae(planted(activations(layer_norm_model, 1), model_name="lab/base"))
    other = LoadedModel(layer_norm_model, tiny.tokenizer(), "lab/base-it")
    assert base_remark(other, sae) == ""
    assert "lab/base-it was loaded" in base_remark(other, named)
    assert base_remark(LoadedModel(layer_norm_model, tiny.tokenizer(), "elsewhere/Base"), named) == ""
    layer_norm_model.save_pretrained(tmp_path / "models--lab--base/snapshots/0")
    assert same_weights(layer_norm_model, "lab/base") is True
    for dtype in (torch.bfloat16, torch.float16):
        assert same_weights(copy.deepcopy(layer_norm_model).to(dtype), "lab/base") is True
    assert base_remark(other, named) == ""
    tuned = tuned_a_little(layer_norm_model)
    assert same_weights(tuned, "lab/base") is False
    assert "its weights in the cache are not those" in base_remark(LoadedModel(tuned, tiny.tokenizer(), "mine"), named)


@pytest.mark.parametrize("name", ["lab/base-it", "folder", "base"])
def test_weights_that_an_sae_tells_say_whether_the_model_is_its_own(layer_norm_model, name):
    from saescope.sources.model import LoadedModel
    from saescope.sources.sae import load_sae

    probe = json.loads(json.dumps(weights_probe(layer_norm_model)))
    sae = load_sae(planted(activations(layer_norm_model, 1), model_name="lab/base", **{PROBE: probe}))
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        same = LoadedModel(copy.deepcopy(layer_norm_model).to(dtype), tiny.tokenizer(), name)
        assert (base_remark(same, sae), untold_base(same, sae)) == ("", "")
    tuned = LoadedModel(tuned_a_little(layer_norm_model), tiny.tokenizer(), name)
    assert base_remark(tuned, sae) == f"The SAE tells some weights of its model, and those of {name} are others."


@pytest.mark.parametrize(
    "told", [None, {}, [], "x", {"a": 1}, {"a": ["1"]}, {"a": [float("nan")]}, {"a": [10**400]}, {"a": [True, None]}]
)
def test_a_probe_that_is_none_tells_nothing(layer_norm_model, told):
    assert same_as_probe(layer_norm_model, told) is None


def test_a_probe_of_another_shape_is_of_another_model(layer_norm_model):
    probe = weights_probe(layer_norm_model)
    first = next(iter(probe))
    assert same_as_probe(layer_norm_model, {**probe, first: probe[first][:-1]}) is False
    assert same_as_probe(layer_norm_model, {**probe, "none.such": [1.0]}) is False


def test_a_base_that_nothing_tells_is_not_green(layer_norm_model):
    found = saescope.load((layer_norm_model, tiny.tokenizer()), sae=planted(activations(layer_norm_model, 1)))
    found.check(TEXTS)
    assert verdict(found.pairing) == "unconfirmed"
    assert headline(found.pairing) == "fits, base model unconfirmed"
    assert "a model tuned a little measures the same" in told(found.pairing)


def test_the_command_tells_and_ends_by_the_verdict(tiny_folder, tmp_path, capsys):
    text = tmp_path / "text.txt"
    text.write_text("\n".join(TEXTS), encoding="utf-8")
    model, sae = str(tiny_folder / "tiny-model"), str(tiny_folder / "tiny-sae")
    assert main(["check", model, sae, "--text", str(text)]) == 3
    said = capsys.readouterr().out
    assert said.startswith("Pairing ")
    assert "control" in said
    assert main(["check", model, sae, "--text", str(tmp_path / "none.txt")]) == 1
