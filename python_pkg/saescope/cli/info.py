"""``saescope info``: what an index is, and whether it is whole."""

import argparse
import hashlib
import sys
from pathlib import Path
from typing import Any

from saescope.errors import DamagedIndexError
from saescope.index.manifest import Manifest, Part, read_manifest

READ_BYTES = 1 << 22


def add_to(commands: Any) -> None:
    """Declare the command."""
    made = commands.add_parser(
        "info", help="say what an index is and holds", description="Say what an index is and holds."
    )
    made.add_argument("index", metavar="DIR", help="folder of an index")
    made.add_argument("--verify", action="store_true", help="read every part and compare its checksum")
    made.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Tell."""
    path = Path(options.index).expanduser()
    manifest = read_manifest(path)
    width = max(len(name) for name, _ in facts(manifest))
    sys.stdout.write("".join(f"{name:<{width}}  {value}\n" for name, value in facts(manifest)))
    if options.verify:
        for part in manifest.parts:
            verify(path, part)
        sys.stdout.write(f"all {len(manifest.parts)} parts are whole\n")
    return 0


def facts(manifest: Manifest) -> list[tuple[str, str]]:
    """Names and values, as a person reads them."""
    m = manifest
    skipped = [
        name
        for key, name in (("skips_first", "the first token of a context"), ("skips_special", "special tokens"))
        if m.rule[key]
    ]
    size = sum(p.n_bytes for p in m.parts)
    return [
        ("model", f"{m.model['name']} ({m.model['architecture']}, {m.model['dtype']})"),
        ("SAE", f"{m.sae['name']} ({m.sae['architecture']}), {m.d_sae:,} features"),
        ("site", f"{m.sae['hook_name']}, {m.d_in} wide"),
        ("corpus", f"{m.corpus['name']}, {m.corpus['n_docs']:,} documents"),
        ("tokens", f"{m.n_rows:,}, of which {m.n_counted:,} count"),
        ("not counted", ", ".join(skipped) or "nothing"),
        ("context", f"{m.context_size} tokens"),
        ("features alive", f"{m.n_alive:,} of {m.d_sae:,} ({m.n_alive / m.d_sae:.1%})"),
        ("L0", f"{m.l0:.1f} features on a token"),
        ("postings", f"{m.n_shards} shards" if m.n_shards else "none"),
        ("size", f"{size / 1e6:,.1f} MB ({size / m.n_rows:,.0f} bytes a token)"),
        ("built", f"{m.created} by {m.made_by}"),
    ]


def verify(path: Path, part: Part) -> None:
    """Compare a part with its checksum."""
    digest = hashlib.blake2b(digest_size=16)
    with (path / part.name).open("rb") as stream:
        while chunk := stream.read(READ_BYTES):
            digest.update(chunk)
    if digest.hexdigest() != part.digest:
        raise DamagedIndexError(
            f"{path / part.name} was altered since it was built.", hint="Copy it again, or build it again."
        )
