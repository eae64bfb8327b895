"""saescope beside sae-dashboard, on the same activations: everything but the model's forward pass.

sae-dashboard 0.8.0 runs in an environment of its own. It declares transformer-lens 2 and older
versions of what else it uses; without its declared versions it runs beside those of ours::

    python -m venv PEER
    PEER/bin/pip install -c constraints.txt torch sae-lens dataclasses-json eindex-callum matplotlib
    PEER/bin/pip install --no-deps sae-dashboard==0.8.0
    SAESCOPE_PEER_PYTHON=PEER/bin/python python -m benchmarks.peers [MODEL SAE CORPUS]

1. The model's activations at the SAE's site are taken once and handed to both.
2. sae-dashboard gathers what Neuronpedia shows of one batch of 128 features, taken at random
   (see `peer_dashboard`). It reads the cached activations again for each batch, so that its
   cost grows with the number of features.
3. saescope makes a whole index, for all features at once, with the same activations in place of
   the model.
4. Both are divided by tokens and features. Figures that both give are compared for those 128,
   with no token skipped.

Not quite the same work: sae-dashboard also correlates features with neurons and with each other,
and draws a histogram of logits; saescope also keeps every nonzero activation and a random sample,
and writes all of it to disk. Each is timed in its own process, after a warm-up, one after the other.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

from benchmarks.building import medians
from benchmarks.subject import Row, Subject, demo_subject, given_subject
from saescope.engine.lens import read_lens
from saescope.engine.reader import SiteReader
from saescope.index.rule import EVERYTHING
from saescope.progress import Silent

PEER = "SAESCOPE_PEER_PYTHON"
N_FEATURES = 128
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Figures:
    """Of every feature: firings, strongest activation."""

    n_fires: NDArray[np.int64]
    maxima: NDArray[np.float32]


def rows(subject: Subject, repeats: int = 5) -> list[Row]:
    """Cost of both, and how far their figures agree."""
    python = shutil.which(os.environ.get(PEER, ""))
    if python is None:
        return [Row("beside sae-dashboard", "not run", f"set {PEER}: see benchmarks/peers.py")]
    n_all = subject.scope.n_features
    features = torch.randperm(n_all, generator=torch.Generator().manual_seed(0))[:N_FEATURES].sort().values
    with tempfile.TemporaryDirectory() as folder:
        activations = read_activations(subject)
        write_subject(Path(folder), subject, activations, features)
        theirs = run_peer(python, Path(folder), repeats)
        if "failed" in theirs:
            return [Row("beside sae-dashboard", "not run", theirs["failed"])]
        found: list[Figures] = []

        def build(*, lens: bool) -> None:
            found[:] = [ours(subject, activations, Path(folder), lens=lens)]

        with_s, without_s = medians([lambda: build(lens=True), lambda: build(lens=False)], repeats)
    return [
        *costs(theirs, with_s, without_s, len(subject.tokens), len(features), n_all),
        *agreements(theirs, found[0], subject, features),
    ]


@torch.inference_mode()
def read_activations(subject: Subject) -> Tensor:
    """Activations at the site, ``[n_contexts, context, d_in]`` float32."""
    model, _, site = subject.scope.parts
    reader = SiteReader(model.model, site)
    batches = torch.from_numpy(subject.tokens).reshape(-1, subject.context).split(max(1024 // subject.context, 1))
    return torch.cat([reader.read(b).float() for b in batches])


def write_subject(folder: Path, subject: Subject, activations: Tensor, features: Tensor) -> None:
    """The files that the peer's script reads."""
    model, sae, _ = subject.scope.parts
    sae.sae.save_model(folder / "sae")
    save_file(
        {
            "tokens": torch.from_numpy(subject.tokens).reshape(-1, subject.context),
            "activations": activations,
            "unembedding": model.model.get_output_embeddings().weight.detach().float().T.contiguous(),
            "features": features,
        },
        folder / "subject.safetensors",
    )


def run_peer(python: str, folder: Path, repeats: int) -> dict[str, Any]:
    """The answer of the peer's script, or the last line of its error as ``failed``."""
    script = Path(__file__).with_name("peer_dashboard.py")
    done = subprocess.run(
        [python, "-W", "ignore", script, folder, "--repeats", str(repeats)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]}
    return json.loads(done.stdout.splitlines()[-1])


class CachedReader:
    """Gives the activations of contexts that come in order, without running the model."""

    def __init__(self, activations: Tensor) -> None:
        self._activations = activations
        self._next = 0

    def read(self, tokens: Tensor, **_options: Any) -> Tensor:
        """The next contexts' activations."""
        first, self._next = self._next, self._next + len(tokens)
        return self._activations[first : self._next]


def ours(subject: Subject, activations: Tensor, folder: Path, *, lens: bool) -> Figures:
    """A whole build without its forward passes, for all features, skipping no token."""
    path = folder / "index"
    shutil.rmtree(path, ignore_errors=True)
    with patch("saescope.indexing.worker.SiteReader", lambda _model, _site: CachedReader(activations)):
        index = subject.scope.build_index(
            subject.texts,
            path,
            max_tokens=len(subject.tokens),
            rule=EVERYTHING,
            lens=lens,
            recovery=False,
            progress=Silent(),
            attach=False,
        )
    return Figures(index.table["n_fires"].to_numpy().astype(np.int64), index.table["max"].to_numpy())


def costs(
    theirs: dict[str, Any], with_s: float, without_s: float, n_tokens: int, n_theirs: int, n_ours: int
) -> list[Row]:
    """CPU seconds of both, and what they come to for a token and feature."""
    gather_s, convert_s = (statistics.median(theirs[name]) for name in ("gather_s", "convert_s"))
    unit_s, bare_unit_s = with_s / (n_tokens * n_ours), without_s / (n_tokens * n_ours)
    theirs_unit_s = gather_s / (n_tokens * n_theirs)
    name = theirs["name"]
    given = f"{n_tokens:,} tokens, forward pass left out, CPU"
    return [
        Row(f"{name}, {n_theirs} features", f"{gather_s:.2f} s", given),
        Row("and its conversion to Neuronpedia's JSON", f"{convert_s:.2f} s", "not in the ratio"),
        Row(f"saescope, all {n_ours:,} features", f"{with_s:.2f} s", given),
        Row("the same, logit lens on demand", f"{without_s:.2f} s", given),
        Row(f"{name}, a token and feature", f"{1e9 * theirs_unit_s:.1f} ns", "the same"),
        Row("saescope, a token and feature", f"{1e9 * unit_s:.1f} ns", "the same"),
        Row("ratio, a token and feature", f"{theirs_unit_s / unit_s:.1f} x", f"{name} over saescope"),
        Row("ratio, logit lens on demand", f"{theirs_unit_s / bare_unit_s:.1f} x", f"{name} over saescope"),
    ]


def agreements(theirs: dict[str, Any], found: Figures, subject: Subject, features: Tensor) -> list[Row]:
    """For how many features each figure is equal; theirs are in units of the decoder's norm."""
    model, sae, _ = subject.scope.parts
    picked, decoder = features.numpy(), sae.sae.W_dec.detach()[features]
    n_fires, n_tokens = found.n_fires[picked], len(subject.tokens)
    lens = read_lens(model.model, decoder, model.model.get_output_embeddings().weight.shape[0], convention="raw")
    norms = decoder.norm(dim=1).numpy()
    equal = {
        "firing count equal": n_fires == np.array(theirs["n_fires"]),
        f"maximum equal to {TOLERANCE:g}": np.isclose(found.maxima[picked] * norms, theirs["max"], rtol=TOLERANCE),
        f"density equal to {TOLERANCE:g}": np.isclose(n_fires / n_tokens, theirs["density"], rtol=TOLERANCE),
        "ten promoted tokens equal, without the norm's gain": (lens.promoted == theirs["promoted"]).all(axis=1),
    }
    against = f"features, {theirs['name']}; {(n_fires > 0).sum()} of them fire"
    return [Row(what, f"{same.sum()} of {len(same)}", against) for what, same in equal.items()]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("given", nargs="*", metavar="MODEL SAE CORPUS")
    parser.add_argument("--tokens", type=int, default=16_384)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    subject = given_subject(*options.given, options.tokens) if options.given else demo_subject(options.tokens)
    for row in rows(subject, options.repeats):
        print(f"{row.what:<58}{row.figure:>14}  {row.against}")


if __name__ == "__main__":
    main()
