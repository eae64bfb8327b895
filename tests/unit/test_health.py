import threading

import numpy as np
import pytest
import torch

import saescope
import tiny
from saescope.errors import CancelledError, InputError, NeedsModelError, NoIndexError
from saescope.index import Index
from saescope.indexing.measuring import Measurement, by_hash, corpus_layout, jackknife, loss_figures
from saescope.indexing.recovery import sampled_contexts
from saescope.query.health import Bins, Figure, best, differences, log_bins, read_health, worst
from saescope.rpc.transports.memory import MemoryPage

N = 300


@pytest.fixture
def page():
    made = MemoryPage()
    yield made
    made.connection.close()


@pytest.fixture
def scope(tiny_folder):
    return saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae(), index=tiny_folder / "index")


def values(frame, source="index"):
    return {r["name"]: r["value"] for r in frame.to_dicts() if r["source"] == source}


def test_the_index_figures_equal_a_plain_loop_over_its_postings(opened):
    index = opened.index
    found = index.postings.postings(0, index.manifest.d_sae)
    n_counted = sum(bool(index.layout.is_counted(np.array([row]))[0]) for row in range(index.n_rows))
    n_fires, mass = [0] * found.n_features, [{} for _ in range(found.n_features)]
    a_row = [0] * index.n_rows
    for feature, row, value in zip(found.features.tolist(), found.rows.tolist(), found.values.tolist(), strict=True):
        if not index.layout.is_counted(np.array([row]))[0]:
            continue
        n_fires[feature] += 1
        a_row[row] += 1
        token = int(index.tokens[row])
        mass[feature][token] = mass[feature].get(token, 0.0) + abs(value)
    alive = sum(n > 0 for n in n_fires)
    dense = sum(n / n_counted > 0.1 for n in n_fires)
    single = sum(max(m.values()) / sum(m.values()) >= 0.95 for m in mass if m)
    told = values(opened.health())
    assert told["l0"] == pytest.approx(sum(n_fires) / n_counted)
    assert told["alive"] == alive / found.n_features
    assert told["dense"] == dense / found.n_features
    assert told["single_token"] == pytest.approx(single / alive)
    health = opened.read_health()
    assert (health.n_alive, health.n_dense, health.n_single) == (alive, dense, single)
    assert sum(health.density.counts) == sum(health.maxima.counts) == alive
    counted = [a_row[r] for r in range(index.n_rows) if index.layout.is_counted(np.array([r]))[0]]
    wanted, _ = np.histogram(counted, bins=np.array(health.l0.edges))
    assert health.l0.counts == wanted.tolist()
    assert sum(health.l0.counts) == n_counted


def plainly_measured(scope, spans):
    """L0, explained variance and losses with plain hooks on the user's model, all contexts one by one."""
    model, sae, index = tiny.model(), tiny.sae(), scope.index
    layer, xs, _counted, nnz = model.model.layers[2], [], [], 0
    contexts = [torch.tensor(index.tokens[a:b].astype(np.int64))[None] for a, b in spans]
    masks = [torch.tensor(index.layout.is_counted(np.arange(a, b))) for a, b in spans]

    def hooked(ids, change):
        def hook(_m, _a, out):
            x = out[0] if isinstance(out, tuple) else out
            y = change(x)
            return (y, *out[1:]) if isinstance(out, tuple) else y

        handle = layer.register_forward_hook(hook)
        with torch.no_grad():
            logits = model(ids).logits[0, :-1]
        handle.remove()
        return float(torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="sum"))

    for ids, mask in zip(contexts, masks, strict=True):
        hooked(ids, lambda x, mask=mask: xs.append(x[0][mask].clone()) or x)
    x = torch.cat(xs).double()
    with torch.no_grad():
        acts = sae.encode(torch.cat(xs))
        made = sae.decode(acts).double()
    nnz = int((acts != 0).sum())
    mean = x.mean(0).float()

    def put(what):
        def change(x, mask=None):
            y = x.clone()
            y[0][mask] = what(x[0][mask])
            return y

        return change

    kinds = {
        "clean": lambda x: x,
        "spliced": lambda x: sae.decode(sae.encode(x)),
        "zero": torch.zeros_like,
        "mean": mean.expand_as,
    }
    sums = {}
    for name, what in kinds.items():
        change = put(what)
        with torch.no_grad():
            sums[name] = sum(
                hooked(ids, lambda x, c=change, m=mask: c(x, m)) for ids, mask in zip(contexts, masks, strict=True)
            )
    n_next = sum(ids.shape[1] - 1 for ids in contexts)
    variance = ((x - x.mean(0)) ** 2).sum()
    return {
        "l0": nnz / len(x),
        "explained_variance": float(1 - ((made - x) ** 2).sum() / variance),
        **{f"loss_{k}": v / n_next for k, v in sums.items()},
        "sums": sums,
    }


def test_a_measurement_equals_a_plain_one(scope):
    found = values(scope.measure_health(N), "measured")
    wanted = plainly_measured(scope, sampled_contexts(scope.index.layout, N))
    sums = wanted.pop("sums")
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, abs=1e-4), name
    for name, base in (("recovered", "zero"), ("recovered_mean", "mean")):
        worse = sums[base] - sums["clean"]
        if worse > 0:
            assert found[name] == pytest.approx((sums[base] - sums["spliced"]) / worse, rel=1e-3, abs=1e-4)
        else:
            assert found[name] is None


def test_measured_on_the_same_text_the_loss_is_the_index_s(scope):
    loss = scope.index.manifest.loss
    found = values(scope.measure_health(max(loss["n_tokens"], 256)), "measured")
    assert found["loss_clean"] == pytest.approx(loss["clean"], abs=1e-4)
    assert found["loss_spliced"] == pytest.approx(loss["spliced"], abs=1e-4)


def test_standard_errors_are_those_of_leaving_one_out():
    noise = np.random.default_rng(0)
    sums = np.stack([noise.normal(10, 2, 30), noise.normal(5, 1, 30)], axis=1)
    value, error = jackknife(sums, lambda t: t[:, 1] / t[:, 0])
    parts = [np.delete(sums, n, 0).sum(0) for n in range(30)]
    ratios = [b / a for a, b in parts]
    assert value == pytest.approx(sums[:, 1].sum() / sums[:, 0].sum())
    assert error == pytest.approx(np.sqrt(29 * np.var(ratios)))
    assert jackknife(sums[:1], lambda t: t[:, 1] / t[:, 0])[1] is None


def test_where_zero_is_no_worse_no_share_is_told():
    found = loss_figures(np.array([[5.0, 6, 4, 9, 10], [5, 6, 4, 9, 10]]))
    assert found["recovered"][0] is None
    assert found["recovered_mean"][0] == pytest.approx(0.75)


def test_a_measurement_stands_beside_the_index_afterwards(scope, page):
    before = page.call("health.get", {"scope": scope.id}).last["data"]
    assert {f["source"] for f in before["figures"]} == {"index"}
    reply = page.call("health.measure", {"scope": scope.id, "n_tokens": N})
    assert reply.events
    assert all(e["done"] <= e["total"] and e["figures"] for e in reply.events)
    after = page.call("health.get", {"scope": scope.id}).last["data"]
    measured = [f for f in after["figures"] if f["source"] == "measured"]
    assert measured == reply.last["data"]["figures"]
    assert scope.health().filter(source="measured")["name"].to_list() == [f["name"] for f in measured]
    assert after["differences"] == reply.last["data"]["differences"]


def test_a_stopped_measurement_keeps_what_it_has_and_frees_the_model(scope):
    seen = []

    def check():
        if len(seen) >= 2:
            raise CancelledError("stopped.")

    with pytest.raises(CancelledError):
        scope.measure_health(N, check=check, on_part=lambda part, _: seen.append(part))
    assert [f.name for f in scope.measured] == ["l0", "explained_variance"]
    assert not scope.lock.locked()


def test_an_interrupt_keeps_what_there_is(scope):
    def interrupt(part, _):
        if part.done > 64:
            raise KeyboardInterrupt

    frame = scope.measure_health(N, on_part=interrupt)
    assert set(frame["name"]) == {"l0", "explained_variance"}


def test_a_text_can_be_tried_while_it_is_measured(scope, page):
    measuring, go = threading.Event(), threading.Event()

    def wait(_part, _figures):
        measuring.set()
        go.wait(20)

    thread = threading.Thread(target=lambda: scope.measure_health(N, on_part=wait))
    thread.start()
    assert measuring.wait(20)
    assert page.call("text.read", {"scope": scope.id, "text": "the sea"}).last["t"] == "result"
    go.set()
    thread.join()


def test_without_an_index_a_corpus_is_measured():
    bare = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
    with pytest.raises(InputError, match="corpus"):
        bare.measure_health(N)
    with pytest.raises(NoIndexError):
        bare.health()
    found = values(bare.measure_health(N, tiny.texts(60)), "measured")
    assert set(values(bare.health(), "measured")) == set(found)
    model, sae, _ = bare.parts
    layout = corpus_layout(tiny.texts(60), model, sae, N)
    assert layout.n_rows == N
    assert layout.context_size == tiny.CONTEXT


def test_the_corpus_of_an_index_is_laid_out_as_the_index_is(scope):
    model, sae, _ = scope.parts
    layout = corpus_layout(tiny.texts(60), model, sae, N)
    assert layout.tokens.tolist() == scope.index.tokens[:N].tolist()
    assert layout.is_counted(np.arange(N)).tolist() == scope.index.layout.is_counted(np.arange(N)).tolist()


@pytest.mark.parametrize("n_tokens", [0, 255, 1_000_001, True, 1.5])
def test_a_bad_number_of_tokens_is_refused(scope, n_tokens):
    with pytest.raises(InputError, match="256"):
        scope.measure_health(n_tokens)


def test_measuring_needs_the_model(opened):
    with pytest.raises(NeedsModelError):
        opened.measure_health()


def test_contexts_come_in_an_order_of_their_own_that_is_the_same_every_time():
    spans = [(n * 32, n * 32 + 32) for n in range(50)]
    assert by_hash(spans) == by_hash(list(reversed(spans))) != spans
    assert sorted(by_hash(spans)) == spans


def test_a_measurement_of_nothing_is_refused(scope):
    with pytest.raises(InputError, match="context"):
        Measurement(*scope.parts, scope.index.layout, [], lambda: scope.lock, lambda: None)


def figure(name, value, error=None, source="index"):
    return Figure(name, value, error, 100, source)


def test_differences_are_told_beyond_noise_only():
    index = [figure("recovered", 0.81, 0.01), figure("explained_variance", 0.7), figure("l0", 30.0)]
    told = differences(index, [figure("recovered", 0.32, 0.01, "measured")])
    assert told == [
        "Loss recovered: the index says 0.81, this model and SAE give 0.32 ± 0.01. Another SAE, site or dtype?"
    ]
    near = [figure("recovered", 0.79, 0.01, "measured"), figure("l0", 30.9, 0.1, "measured")]
    assert differences(index, near) == []
    noisy = [figure("recovered", 0.5, 0.2, "measured"), figure("explained_variance", None, None, "measured")]
    assert differences(index, noisy) == []
    assert differences([], near) == []


def test_the_whole_is_graded_by_its_worse_figure():
    assert worst([figure("recovered", 0.95), figure("explained_variance", 0.8)]) == "good"
    assert worst([figure("recovered", 0.2), figure("explained_variance", 0.8)]) == "poor"
    assert worst([figure("recovered", None), figure("l0", 3.0)]) == ""
    assert [figure("dense", x).grade for x in (0.0, 0.03, 0.2)] == ["good", "fair", "poor"]


def test_a_measurement_is_believed_on_as_many_tokens_or_beyond_noise():
    index = Figure("recovered", 0.95, 0.01, 500, "index")
    cases = {
        (0.94, 0.01, 400): "index",
        (0.94, 0.01, 500): "measured",
        (0.50, 0.05, 100): "measured",
        (0.50, None, 100): "index",
        (None, None, 900): "index",
    }
    for (value, error, n), source in cases.items():
        (found,) = best([Figure("recovered", value, error, n, "measured"), index])
        assert found.source == source, (value, error, n)
    assert best([Figure("recovered", None, None, 0, "index"), Figure("recovered", 0.5, None, 9, "measured")])[0].n == 9


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e6])
def test_bins_hold_every_value_once(scale):
    draw = np.random.default_rng(1)
    for spread in (0.01, 1, 5):
        sample = scale * 10 ** draw.normal(0, spread, 500)
        bins = log_bins(sample)
        assert sum(bins.counts) == 500
        assert len(bins.edges) == len(bins.counts) + 1
        assert len(bins.counts) <= 40
        assert bins.edges[0] <= sample.min() * (1 + 1e-9)
        assert sample.max() <= bins.edges[-1] * (1 + 1e-9)
    assert log_bins(np.zeros(3)) == Bins([], [])


def test_warnings_say_what_is_doubtful(opened):
    told = " ".join(opened.read_health().warnings)
    health = opened.read_health()
    dead = 1 - health.n_alive / health.n_features
    assert (f"{dead:.0%} of the features never fire" in told) == (dead > 0.1)


def test_the_health_of_an_index_is_read_once_for_each_state(opened):
    assert opened.read_health() is opened.read_health()


def test_the_health_of_a_growing_index_is_that_of_what_is_read(tmp_path, monkeypatch, silent):
    for module in ("build", "text"):
        monkeypatch.setattr(f"saescope.indexing.{module}.SHARD_ROWS", 256)
    maker = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
    seen = []

    class Look(type(silent)):
        def advance(self, n):
            file = tmp_path / "index" / "building.json"
            if not seen and file.exists() and file.stat().st_size:
                index = Index(tmp_path / "index")
                if index.n_rows:
                    seen.append((index.n_counted, read_health(index)))

    maker.build_index(tiny.texts(40), out=tmp_path / "index", progress=Look(), lens=False)
    n_counted, health = seen[0]
    assert "not finished" in health.warnings[0]
    assert (health.n_single, health.grade) == (None, "")
    assert sum(health.l0.counts) == n_counted
    assert sum(health.density.counts) == health.n_alive > 0


def test_without_postings_all_but_the_spread_over_tokens_is_known(tmp_path, silent):
    maker = saescope.load((tiny.model(), tiny.tokenizer()), sae=tiny.sae())
    index = maker.build_index(tiny.texts(20), out=tmp_path / "index", progress=silent, postings=False)
    health = read_health(index)
    assert health.l0 is None
    assert {f.name for f in health.figures} >= {"alive", "dense", "single_token", "l0", "recovered"}
