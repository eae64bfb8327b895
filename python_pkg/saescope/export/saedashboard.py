"""SAEDashboard's ``batch-N.json``, as its Neuronpedia runner writes them.

Differs: ``qualifying_token_index`` is the peak's place in ``tokens``, which is what the runner's value is when
it shows whole prompts; densities are exact, not three decimals of a per cent; the top group holds no example
on which the feature does not fire.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from saescope.errors import InputError
from saescope.export.exporter import exporter
from saescope.export.records import Choice, Exported, Records, Shown, Units
from saescope.export.told import facts
from saescope.export.writing import dumped, floats, slug, write_line
from saescope.scope import Scope
from saescope.types import Progress

DECIMALS = 3


@exporter(is_folder=True, title="SAEDashboard")
def write_saedashboard(
    scope: Scope,
    target: Path,
    features: Sequence[int],
    progress: Progress,
    *,
    model_id: str = "",
    layer: int | None = None,
    sae_set: str = "",
    suffix: str | None = None,
    dataset: str = "",
    n_a_batch: int = 128,
    units: Units = "sae",
    exact: bool = True,
    random: bool = False,
    vectors: bool = False,
) -> None:
    """Write ``batch-N.json`` with dashboards, ``skipped_indexes.json`` and ``run_settings.json``.

    Parameters
    ----------
    model_id, layer, sae_set, suffix, dataset
        What SAEDashboard calls them; by default from the index.
    n_a_batch
        Features in a file.
    units
        ``"folded"`` multiplies activations by the length of the decoder row, as SAEDashboard does.
    exact
        Write activations as they are, not rounded to three decimals as SAEDashboard does.
    random
        Random examples too, in the bins they lie in.
    vectors
        Decoder rows too, as ``vector``.

    Raises
    ------
    InputError
        An option is out of range, or decoder rows are wanted and not known.
    """
    if n_a_batch < 1:
        raise InputError(f"n_a_batch is a number of features, at least 1, and {n_a_batch} came.")
    records = Records(scope, Choice(units, has_random=random, has_vectors=vectors))
    head = {
        "model_id": model_id or slug(scope.model_name),
        "layer": layer_of(scope) if layer is None else layer,
        "sae_set": sae_set or slug(scope.sae_name),
        "sae_id_suffix": suffix,
    }
    common = sizes(scope) | {"dataset": dataset or scope.require_index().manifest.corpus.get("name", "")}
    ordered = sorted(features)
    decimals = None if exact else DECIMALS
    progress.start("Exporting", len(ordered), "feature")
    found = records.each(ordered)
    for number, low in enumerate(range(0, len(ordered), n_a_batch)):
        n = len(ordered[low : low + n_a_batch])
        with (target / f"batch-{number}.json").open("wb") as stream:
            stream.write(dumped(head)[:-1] + b',"features":[')
            for place in range(n):
                row = _feature(next(found), common, decimals)
                stream.write((b",\n" if place else b"\n") + dumped(row))
                progress.advance(1)
            stream.write(b"\n]}\n")
    skipped = {"model_id": head["model_id"], "layer": str(head["layer"]), "sae_set": head["sae_set"]}
    write_line(target / "skipped_indexes.json", skipped | {"log_sparsity": None, "skipped_indexes": []})
    settings = {
        **{k: v for k, v in head.items() if k in ("model_id", "layer", "sae_set")},
        "np_sae_id_suffix": suffix,
        "huggingface_dataset_path": common["dataset"],
        "n_prompts_total": common["n_prompts_total"],
        "n_tokens_in_prompt": common["n_tokens_in_prompt"],
        "n_features_at_a_time": n_a_batch,
        "saescope": facts(scope, records, units),
    }
    write_line(target / "run_settings.json", settings)
    progress.finish()


def layer_of(scope: Scope) -> int:
    """The layer that the SAE reads, from the name of its site; 0 where that does not say."""
    numbers = [part for part in scope.hook_name.split(".") if part.isdecimal()]
    return int(numbers[0]) if numbers else 0


def sizes(scope: Scope) -> dict[str, int]:
    """The corpus as prompts of one length: contexts, the last one perhaps short."""
    index = scope.require_index()
    size = max(index.manifest.context_size, 1)
    n_tokens = index.n_counted if index.manifest.imported else index.manifest.n_rows
    return {"n_prompts_total": -(-n_tokens // size), "n_tokens_in_prompt": size}


def _feature(found: Exported, common: dict[str, Any], decimals: int | None) -> dict[str, Any]:
    places, values, shares = found.aligned
    return {
        "feature_index": found.feature,
        "neuron_alignment_indices": places,
        "neuron_alignment_values": floats(values, DECIMALS),
        "neuron_alignment_l1": floats(shares, DECIMALS),
        "correlated_neurons_indices": [],
        "correlated_neurons_l1": [],
        "correlated_neurons_pearson": [],
        "correlated_features_indices": [],
        "correlated_features_l1": [],
        "correlated_features_pearson": [],
        **tables(found, decimals),
        **common,
        "decoder_weights_dist": [],
        "activations": [_activation(*each, decimals) for each in printed(found.examples, decimals)],
        "vector": floats(found.vector, None),
    }


def tables(found: Exported, decimals: int | None) -> dict[str, Any]:
    """Logits, density and histograms, by the names that SAEDashboard and Neuronpedia share."""
    logits = found.logits
    negative, positive = ([text for text, _ in side] for side in (logits.suppressed, logits.promoted))
    return {
        "neg_str": negative,
        "neg_values": floats(np.array([w for _, w in logits.suppressed]), decimals),
        "pos_str": positive,
        "pos_values": floats(np.array([w for _, w in logits.promoted]), decimals),
        "frac_nonzero": found.density,
        "freq_hist_data_bar_values": floats(found.middles, decimals),
        "freq_hist_data_bar_heights": found.heights,
        "logits_hist_data_bar_heights": logits.heights,
        "logits_hist_data_bar_values": floats(logits.middles, decimals),
    }


def printed(examples: Sequence[Shown], decimals: int | None) -> Iterator[tuple[Shown, list[float], float, float]]:
    """Examples with their activations, and the bounds of their bins, as numbers to be written."""
    if not examples:
        return
    borders = np.cumsum([len(e.values) for e in examples]).tolist()
    values = floats(np.concatenate([e.values for e in examples]), decimals)
    lows, highs = (
        floats(np.array(bounds), decimals) for bounds in zip(*((e.low, e.high) for e in examples), strict=True)
    )
    for n, example in enumerate(examples):
        yield example, values[borders[n] - len(example.values) : borders[n]], lows[n], highs[n]


def _activation(example: Shown, values: list[float], low: float, high: float, decimals: int | None) -> dict[str, Any]:
    return {
        "bin_min": low,
        "bin_max": high,
        "bin_contains": example.share if decimals is None else round(example.share, 2 + DECIMALS),
        "tokens": example.tokens,
        "values": values,
        "qualifying_token_index": example.peak,
    }
