"""The index against a plain loop: transformers with output_hidden_states, and sae.encode."""

from functools import cache

import numpy as np
import pytest
import torch

import plain
import saescope
import tiny
from saescope.index.rule import EVERYTHING, Rule
from saescope.progress import Silent

DOCUMENTS = [*tiny.texts(25), "", "the sea", tiny.texts(1, seed=9)[0] * 6]
LAYER = 2


class PlainLoop:
    """Every activation ``[n_rows, d_sae]`` of a corpus, and what may be rounding at the threshold."""

    def __init__(self, model, sae, prepend_bos, *, is_packed=True, rule=None):
        tokenizer, rule = tiny.tokenizer(), rule or Rule()
        bos = tokenizer.bos_token_id if prepend_bos else None
        documents = [tokenizer(t, add_special_tokens=False)["input_ids"] for t in DOCUMENTS]
        if is_packed:
            self.tokens, self.starts = plain.pack(documents, tiny.CONTEXT, bos)
            self.contexts = self._cut(0, self.tokens)
        else:
            self.tokens, self.starts, self.contexts = [], [], []
            for ids in filter(None, documents):
                lone, _ = plain.pack([ids], tiny.CONTEXT, bos)
                self.starts.append(len(self.tokens))
                self.contexts += self._cut(len(self.tokens), lone)
                self.tokens += lone
        dense, steady, possible, inputs = [], [], [], []
        with torch.no_grad():
            for low, high in self.contexts:
                ids = torch.tensor([self.tokens[low:high]])
                x = model(ids, output_hidden_states=True).hidden_states[LAYER + 1][0]
                a, b, c = (self._encode(sae, x * f) for f in (1.0, 1 + 1e-5, 1 - 1e-5))
                inputs.append(x)
                dense.append(a)
                steady.append((b != 0) & (c != 0))
                possible.append((b != 0) | (c != 0) | (a != 0))
        self.x = torch.cat(inputs)
        self.dense, self.steady, self.possible = (np.concatenate(x) for x in (dense, steady, possible))
        special = set(tokenizer.all_special_ids)
        self.context_of = [n for n, (low, high) in enumerate(self.contexts) for _ in range(low, high)]
        rows = enumerate(self.tokens)
        self.counts = np.array(
            [
                r - self.contexts[self.context_of[r]][0] >= rule.n_skipped and not (rule.skips_special and t in special)
                for r, t in rows
            ]
        )
        norms = self.x.norm(dim=-1).numpy()
        self.median = float(np.median(norms[self.counts]))
        self.counts_but_for_norms = self.counts.copy()
        self.counts &= norms <= (rule.max_norm_ratio or np.inf) * self.median

    @staticmethod
    def _cut(start, tokens):
        return [(start + i, start + min(i + tiny.CONTEXT, len(tokens))) for i in range(0, len(tokens), tiny.CONTEXT)]

    @staticmethod
    def _encode(sae, x):
        found = sae.encode(x)
        return (found.to_dense() if found.layout != torch.strided else found).numpy()

    def tail(self, row):
        low, _ = self.contexts[self.context_of[row]]
        return tuple(self.tokens[max(low, row - 7) : row + 1])

    def top(self, feature, k):
        """The k strongest (row, value, n_same), one a context, those that end in the same eight tokens once."""
        best = {}
        for row in np.flatnonzero((self.dense[:, feature] != 0) & self.counts).tolist():
            held = best.setdefault(self.context_of[row], row)
            if abs(self.dense[row, feature]) > abs(self.dense[held, feature]):
                best[self.context_of[row]] = row
        alike = {}
        for row in sorted(best.values(), key=lambda r: (-abs(self.dense[r, feature]), r)):
            alike.setdefault(self.tail(row), []).append(row)
        return [(rows[0], self.dense[rows[0], feature], len(rows) - 1) for rows in alike.values()][:k]


WAYS = {
    "bos": {"prepend_bos": True},
    "no-bos": {"prepend_bos": False},
    "bos-apart": {"prepend_bos": True, "is_packed": False},
    "no-bos-apart": {"prepend_bos": False, "is_packed": False},
    "norms": {"prepend_bos": True, "rule": Rule(3, max_norm_ratio=1.1)},
    "everything": {"prepend_bos": True, "rule": EVERYTHING},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Builds an index of a kind of SAE in one of the ways, once: the scope, and the plain loop."""

    @cache
    def build(kind, name):
        way = WAYS[name]
        model, sae = tiny.model(), tiny.sae(kind, prepend_bos=way["prepend_bos"])
        scope = saescope.load((model, tiny.tokenizer()), sae=sae)
        options = {"packed": way.get("is_packed", True), "rule": way.get("rule")}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("saescope.indexing.worker.SAMPLED", 1)
            patch.setattr("saescope.indexing.recovery.FEWEST", 1 << 20)
            patch.setattr("saescope.indexing.recovery.MOST", 1 << 20)
            scope.build_index(DOCUMENTS, out=tmp_path_factory.mktemp(kind) / "index", progress=Silent(), **options)
        return scope, PlainLoop(model, sae, **way)

    return build


PAIRS = [
    *(("jumprelu", name) for name in WAYS),
    *((kind, name) for kind in ("standard", "topk", "gated") for name in ("bos", "no-bos")),
]


@pytest.fixture(scope="module", params=PAIRS, ids="-".join)
def both(request, made):
    return made(*request.param)


def test_the_tokens_are_those_of_plain_packing(both):
    scope, loop = both
    index = scope.index
    assert index.tokens.tolist() == loop.tokens
    assert index.docs["start"].to_list() == loop.starts
    assert index.manifest.n_counted == loop.counts.sum()
    starts, ends = index.layout.context_bounds(np.arange(len(loop.tokens)))
    assert sorted(set(zip(starts.tolist(), ends.tolist(), strict=True))) == loop.contexts
    assert index.layout.counted_mask.tolist() == loop.counts.tolist()


def test_each_way_counts_other_rows():
    model, sae = tiny.model(), tiny.sae()
    counts = {name: PlainLoop(model, sae, **way).counts for name, way in WAYS.items()}
    assert len({(len(c), c.sum()) for c in counts.values()}) == len(WAYS)
    assert 0.1 < counts["norms"].mean() < 0.9


def test_norms_are_the_lengths_of_the_activations(both):
    scope, loop = both
    np.testing.assert_allclose(scope.index.row_shards.norms, loop.x.norm(dim=-1), rtol=1e-5)
    assert scope.index.manifest.median_norm == pytest.approx(loop.median, rel=1e-5)


def test_maximum_count_and_mean_of_every_feature_equal_the_plain_loop(both):
    scope, loop = both
    frame, counted = scope.features, loop.dense[loop.counts]
    n = frame["n_fires"].to_numpy()
    assert (loop.steady[loop.counts].sum(0) <= n).all()
    assert (n <= loop.possible[loop.counts].sum(0)).all()
    plain_n = (counted != 0).sum(0)
    assert (n == plain_n).mean() > 0.99
    np.testing.assert_allclose(frame["max"], counted.max(0), rtol=1e-5, atol=1e-5)
    same = (n == plain_n) & (n > 0)
    np.testing.assert_allclose(frame["mean"].to_numpy()[same], (counted.sum(0) / np.maximum(n, 1))[same], rtol=1e-5)
    assert scope.index.manifest.l0 == pytest.approx(plain_n.sum() / loop.counts.sum(), rel=1e-3)


def test_the_top_ten_of_every_feature_equal_the_plain_loop(both):
    scope, loop = both
    n_examples, n_folded, n_right = 0, 0, 0
    for feature in range(tiny.D_SAE):
        wanted = loop.top(feature, 10)
        found = scope.examples(feature, k=10)
        assert len(found) == len(wanted)
        np.testing.assert_allclose(found["activation"], [v for _, v, _ in wanted], rtol=1e-5, atol=1e-5)
        for row, (plain_row, _, n_same) in zip(found.iter_rows(named=True), wanted, strict=True):
            at_row = loop.dense[row["row"], feature]
            assert row["row"] == plain_row or at_row == pytest.approx(row["activation"], rel=1e-5)
            start = row["row"] - row["peak"]
            end = start + len(row["tokens"])
            low, high = loop.contexts[loop.context_of[row["row"]]]
            assert low <= start < end <= high
            assert row["pos"] == row["row"] - low
            np.testing.assert_allclose(row["activations"], loop.dense[start:end, feature], rtol=1e-5, atol=1e-4)
            n_examples += 1
            n_folded += n_same > 0
            n_right += row["n_same"] == n_same
    assert n_examples > tiny.D_SAE
    assert n_right > 0.99 * n_examples
    assert n_folded > 0


def test_explained_variance_is_that_of_the_rows_that_count_but_for_their_norm(both):
    scope, loop = both
    x = loop.x[loop.counts_but_for_norms].double()
    with torch.no_grad():
        made = scope.sae.decode(scope.sae.encode(x.float())).double()
    wanted = 1 - float(((made - x) ** 2).sum() / ((x - x.mean(0)) ** 2).sum())
    assert scope.index.manifest.explained_variance == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("way", ["bos", "no-bos-apart", "norms"])
def test_the_loss_recovered_is_that_of_running_the_model_with_the_site_replaced(made, way):
    scope, loop = made("jumprelu", way)
    sums, n = np.zeros(3), 0
    for low, high in loop.contexts:
        if high - low < 2:
            continue
        ids = torch.tensor([loop.tokens[low:high]])
        mask = torch.from_numpy(loop.counts_but_for_norms[low:high])[:, None]
        for k, change in enumerate((lambda x: x, lambda x: scope.sae.decode(scope.sae.encode(x)), torch.zeros_like)):

            def replaced(_module, _args, output, change=change, mask=mask):
                x = output[0] if isinstance(output, tuple) else output
                made = torch.where(mask, change(x), x)
                return (made, *output[1:]) if isinstance(output, tuple) else made

            handle = scope.model.model.layers[LAYER].register_forward_hook(replaced)
            with torch.no_grad():
                logits = scope.model(ids).logits[0, :-1]
            handle.remove()
            sums[k] += float(torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="sum"))
        n += high - low - 1
    found = scope.index.manifest.loss
    assert found["n_tokens"] == n
    assert [found[name] for name in ("clean", "spliced", "zero")] == pytest.approx(sums / n, rel=1e-4)
    share = (sums[2] - sums[1]) / (sums[2] - sums[0])
    assert found["recovered"] == (pytest.approx(share, rel=1e-2) if sums[2] > sums[0] else None)


def test_live_text_equals_the_plain_loop(both):
    scope, _ = both
    text = "the emperor sailed over the sea"
    found = scope.activations(text)
    ids = tiny.tokenizer()(text, add_special_tokens=False)["input_ids"]
    ids = ([0] if scope.sae.cfg.metadata.prepend_bos else []) + ids
    with torch.no_grad():
        x = scope.model(torch.tensor([ids]), output_hidden_states=True).hidden_states[LAYER + 1][0]
        dense = PlainLoop._encode(scope.sae, x)
    made = np.zeros_like(dense)
    made[found["pos"].to_numpy(), found["feature"].to_numpy()] = found["activation"].to_numpy()
    np.testing.assert_allclose(made, dense, rtol=1e-5, atol=1e-5)
    assert found.columns[:4] == ["pos", "token", "feature", "activation"]


def test_the_lens_equals_the_decoder_through_gain_and_unembedding(tiny_scope):
    model = tiny_scope.model
    with torch.no_grad():
        logits = (tiny_scope.sae.W_dec * model.model.norm.weight) @ model.lm_head.weight.T
    high = logits.topk(10)
    np.testing.assert_allclose(tiny_scope.index.table["promoted_weights"].to_list(), high.values, rtol=1e-3, atol=1e-3)
    assert tiny_scope.index.table["promoted"].to_list()[5] == high.indices[5].tolist()
