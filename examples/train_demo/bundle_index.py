"""Put what was trained into the package, build its index over text that may be shipped, and take up labels.

``python examples/train_demo/bundle_index.py --out OUT`` after ``train.py --out OUT``; again with
``--labels FILE`` when labels were written (``listing.py``). Documents are taken evenly from all
sources of ``open.jsonl.gz``, so that the same figures come out on every machine but for rounding.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import tempfile
import zlib
from collections import defaultdict
from pathlib import Path

import saescope
from coders import CODERS, MAIN
from labels import import_labels
from settings import REPO_ROOT

SKIPPED_SOURCES = {"udhr"}
LEFT_OUT = ("token-rows.safetensors", "example-spans.safetensors")
"""Tables that are quickly made again, of the tokens and of the examples."""
BUDGET_BYTES = 25_000_000


def even_sample(path: Path, n_characters: int) -> list[dict[str, str]]:
    """Documents drawn in turn from each source, each source at even steps, up to a size."""
    by_source: dict[str, list[dict[str, str]]] = defaultdict(list)
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        for line in stream:
            document = json.loads(line)
            if document["source"] not in SKIPPED_SOURCES:
                by_source[document["source"]].append(document)
    total = sum(len(d["text"]) for documents in by_source.values() for d in documents)
    share = min(1.0, n_characters / total)
    chosen: list[dict[str, str]] = []
    for documents in by_source.values():
        n = max(1, round(share * len(documents)))
        chosen += [documents[round(i * len(documents) / n)] for i in range(n)]
    return chosen


def copy_trained(out: Path, bundle: Path) -> None:
    """Put model, coders, figures and card into the bundle, in the place of what is there."""
    for name in ("saescope-demo", *(coder.name for coder in CODERS)):
        shutil.rmtree(bundle / name, ignore_errors=True)
        shutil.copytree(out / name, bundle / name)
    for old in bundle.glob("saescope-demo-*"):
        if old.is_dir() and old.name not in {coder.name for coder in CODERS}:
            shutil.rmtree(old)
    for name in ("metrics.json", "MODEL_CARD.md"):
        shutil.copyfile(out / name, bundle / name)


def build(corpus: Path, bundle: Path, n_tokens: int) -> None:
    """Index the sample in the bundle."""
    documents = even_sample(corpus / "open.jsonl.gz", 4 * n_tokens)
    target = bundle / "index"
    shutil.rmtree(target, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        sample = Path(folder) / "open-sample.jsonl"
        sample.write_text("".join(json.dumps(d, ensure_ascii=False) + "\n" for d in documents), encoding="utf-8")
        scope = saescope.load(bundle / "saescope-demo", sae=bundle / MAIN.name, device="cpu")
        index = scope.build_index(sample, out=target, max_tokens=n_tokens, postings=False)
    leave_out(target)
    print(index)


def leave_out(index: Path) -> None:
    """Take the tables that can be made again out of the index and its manifest."""
    path = index / "manifest-1.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["parts"] = [part for part in manifest["parts"] if part["name"] not in LEFT_OUT]
    path.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    for name in LEFT_OUT:
        (index / manifest["folder"] / name).unlink()


def packed_bytes(bundle: Path) -> int:
    """What the bundle takes in a wheel, which is deflated."""
    return sum(len(zlib.compress(path.read_bytes())) for path in bundle.rglob("*") if path.is_file())


def main() -> None:
    """Copy, index, label, and say the size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="what train.py wrote; without it the bundle's model is indexed again")
    parser.add_argument("--corpus", type=Path, default=REPO_ROOT / "../shared/corpus")
    parser.add_argument("--bundle", type=Path, default=REPO_ROOT / "python_pkg/saescope/demo_data")
    parser.add_argument("--tokens", type=int, default=1_000_000)
    parser.add_argument("--labels", type=Path, help="labels to take up; nothing is built then")
    options = parser.parse_args()
    if options.labels is not None:
        print(f"{import_labels(options.labels, options.bundle):,} labels")
    else:
        if options.out is not None:
            copy_trained(options.out, options.bundle)
        build(options.corpus, options.bundle, options.tokens)
    size = packed_bytes(options.bundle)
    print(f"{size / 1e6:.2f} MB in a wheel, of {BUDGET_BYTES / 1e6:.0f}")
    if size > BUDGET_BYTES:
        raise SystemExit("too large to be bundled: give a coder fewer features in coders.py, or --tokens")


if __name__ == "__main__":
    main()
