"""sae-dashboard on activations of ours: ``PEER_PYTHON peer_dashboard.py DIR [--repeats N]``.

Run by `benchmarks.peers` with the Python of an environment of sae-dashboard's own; it imports
nothing of ours. Its `SaeVisRunner` runs in the layout that its runner for Neuronpedia uses (whole
contexts, the top 20, five ranges of five, 128 features at a time), without skipping any token, on
model activations in its own cache, so that the model takes no time. ``DIR`` holds

* ``subject.safetensors``: ``tokens`` [n_contexts, context] int64, ``activations`` [n_contexts,
  context, d_in] float32, ``unembedding`` [d_in, vocab] float32, ``features`` [n] int64;
* ``sae``: the SAE, as sae-lens saves it.

The unembedding is scaled up, by which no ranking changes: where a feature's logits all lie below
0.3, as a small model's may, its histogram of logits makes a tick mark for each millionth
(`HistogramData.from_data`), which would be most of its time.

The last line printed is JSON. Times are CPU seconds on one thread, one for each repeat after a
warm-up: ``gather_s`` of its runner, ``convert_s`` of its conversion to Neuronpedia's JSON.
"""

import argparse
import json
import time
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from sae_dashboard.components_config import (
    ActsHistogramConfig,
    Column,
    FeatureTablesConfig,
    LogitsHistogramConfig,
    LogitsTableConfig,
    SequencesConfig,
)
from sae_dashboard.layout import SaeVisLayoutConfig
from sae_dashboard.neuronpedia.neuronpedia_converter import NeuronpediaConverter
from sae_dashboard.neuronpedia.neuronpedia_runner_config import NeuronpediaRunnerConfig
from sae_dashboard.sae_vis_data import SaeVisConfig
from sae_dashboard.sae_vis_runner import SaeVisRunner
from sae_lens import SAE
from safetensors.torch import load_file

PROMPTS_A_PASS = 32
FEATURES_A_BATCH = 128
UNEMBEDDING_SCALE = 100.0


def settings(hook: str, features: list[int], cache: Path) -> SaeVisConfig:
    """What its `NeuronpediaRunner.run` asks for, but no token ignored."""
    layout = SaeVisLayoutConfig(
        columns=[
            Column(
                SequencesConfig(
                    stack_mode="stack-all",
                    buffer=None,
                    compute_buffer=True,
                    n_quantiles=5,
                    top_acts_group_size=20,
                    quantile_group_size=5,
                ),
                ActsHistogramConfig(),
                LogitsHistogramConfig(),
                LogitsTableConfig(),
                FeatureTablesConfig(n_rows=3),
            )
        ]
    )
    return SaeVisConfig(
        hook_point=hook,
        features=features,
        minibatch_size_features=FEATURES_A_BATCH,
        minibatch_size_tokens=PROMPTS_A_PASS,
        quantile_feature_batch_size=64,
        feature_centric_layout=layout,
        cache_dir=cache,
    )


def fill_cache(cache: Path, hook: str, activations: torch.Tensor) -> None:
    """Write activations as its `FeatureDataGenerator` would have, had it run the model."""
    cache.mkdir(exist_ok=True)
    for number, part in enumerate(activations.split(PROMPTS_A_PASS)):
        torch.save({hook: part.clone()}, cache / f"model_activations_{number}.pt")


def cached_model(hook: str, unembedding: torch.Tensor) -> Any:
    """What it asks of a model whose activations are cached; a forward pass fails, for there is none."""
    return SimpleNamespace(hook_dict={hook: None}, W_U=unembedding, cfg=SimpleNamespace(d_vocab=unembedding.shape[1]))


def figures(data: Any, features: list[int]) -> dict[str, list[Any]]:
    """Per feature what can be compared."""
    found = [data.feature_data_dict[f] for f in features]
    return {
        "n_fires": [sum(d.acts_histogram_data.bar_heights) for d in found],
        "max": data.feature_stats.max,
        "density": data.feature_stats.frac_nonzero,
        "promoted": [d.logits_table_data.top_token_ids for d in found],
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--unembedding-scale", type=float, default=UNEMBEDDING_SCALE)
    options = parser.parse_args()
    torch.set_num_threads(1)
    subject = load_file(options.work / "subject.safetensors")
    sae = SAE.load_from_disk(str(options.work / "sae"), device="cpu")
    hook, features = sae.cfg.metadata.hook_name, subject["features"].tolist()
    fill_cache(options.work / "cache", hook, subject["activations"])
    model = cached_model(hook, subject["unembedding"] * options.unembedding_scale)
    words = {number: f"word {number}" for number in range(model.cfg.d_vocab)}
    page = NeuronpediaRunnerConfig(sae_set="", sae_path="", outputs_dir="")
    runner = SaeVisRunner(settings(hook, features, options.work / "cache"))
    gather_s, convert_s = [], []
    for _ in range(options.repeats + 1):
        began = time.process_time()
        data = runner.run(encoder=sae, model=model, tokens=subject["tokens"])
        gathered = time.process_time()
        NeuronpediaConverter.convert_to_np_json(model, data, page, words)
        gather_s.append(gathered - began)
        convert_s.append(time.process_time() - gathered)
    answer = {
        "name": f"sae-dashboard {version('sae-dashboard')}",
        "versions": {name: version(name) for name in ("torch", "sae-lens", "transformer-lens")},
        "gather_s": gather_s[1:],
        "convert_s": convert_s[1:],
        **figures(data, features),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
