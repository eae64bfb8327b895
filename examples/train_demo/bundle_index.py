"""Build the index that is bundled with the demo, over text that may be shipped.

``python examples/train_demo/bundle_index.py --corpus ../shared/corpus --bundle python_pkg/saescope/demo_data``
takes documents evenly from all sources of ``open.jsonl.gz``, so that the same figures come
out on every machine but for rounding.
"""

import argparse
import gzip
import json
import shutil
import tempfile
from collections import defaultdict
from pathlib import Path

import saescope

SKIPPED_SOURCES = {"udhr"}


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


def main() -> None:
    """Sample, index, and put the index beside the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=Path("../shared/corpus"))
    parser.add_argument("--bundle", type=Path, default=Path("python_pkg/saescope/demo_data"))
    parser.add_argument("--tokens", type=int, default=1_000_000)
    options = parser.parse_args()
    documents = even_sample(options.corpus / "open.jsonl.gz", 4 * options.tokens)
    target = options.bundle / "index"
    shutil.rmtree(target, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        sample = Path(folder) / "open-sample.jsonl"
        sample.write_text("".join(json.dumps(d, ensure_ascii=False) + "\n" for d in documents), encoding="utf-8")
        scope = saescope.load(options.bundle / "saescope-demo", sae=options.bundle / "saescope-demo-l2", device="cpu")
        index = scope.build_index(sample, out=target, max_tokens=options.tokens, postings=False)
    print(index)


if __name__ == "__main__":
    main()
