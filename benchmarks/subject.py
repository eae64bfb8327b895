"""What is measured: a scope and some tokens."""

from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

import saescope
from saescope.corpus import pack, read_documents
from saescope.engine.reader import SiteReader
from saescope.indexing.settings import choose_settings
from saescope.scope import Scope
from saescope.sources.model import load_model
from saescope.sources.sae import load_sae
from saescope.sources.site import find_site


@dataclass(frozen=True)
class Row:
    """A line of the table: what, its figure with unit, and the named baseline."""

    what: str
    figure: str
    against: str


@dataclass(frozen=True)
class Subject:
    """A scope, whole contexts of tokens ``[n]``, and the same as texts."""

    scope: Scope
    texts: list[str]
    tokens: NDArray[np.int64]
    context: int


def demo_subject(n_tokens: int) -> Subject:
    """The bundled demo, on the text of its own index."""
    scope = saescope.demo()
    index = scope.require_index()
    tokens = np.asarray(index.tokens[:n_tokens], dtype=np.int64)
    texts = [index.vocabulary.decode(part) for part in np.array_split(tokens, 64)]
    return _subject(scope, texts, n_tokens)


def given_subject(model: str, sae: str, corpus: str, n_tokens: int) -> Subject:
    """A model, an SAE and a corpus of the caller's."""
    scope = saescope.load(model, sae=sae)
    texts = [d.text for d in islice(read_documents(corpus), n_tokens // 50)]
    return _subject(scope, texts, n_tokens)


def wide_subject(model: str, corpus: str, hook_name: str, d_sae: int, n_tokens: int) -> Subject:
    """A model and a corpus of the caller's, with an SAE of any width: see `benchmarks.wide`."""
    from benchmarks.wide import N_SAMPLE, aligned_sae

    texts = [d.text for d in islice(read_documents(corpus), max(n_tokens, 2 * N_SAMPLE) // 50)]
    loaded = load_model(model, device="cpu")
    narrow = aligned_sae(torch.randn(64, loaded.model.config.hidden_size), 64, hook_name)
    site = find_site(loaded, load_sae(narrow))
    ids = [i for t in texts for i in loaded.tokenizer(t, add_special_tokens=False)["input_ids"]][: 2 * N_SAMPLE]
    reader = SiteReader(loaded.model, site)
    rows = torch.tensor(ids[: len(ids) // 128 * 128]).reshape(-1, 128).split(8)
    seen = torch.cat([reader.read(r).flatten(0, 1) for r in rows])
    scope = saescope.load((loaded.model, loaded.tokenizer), sae=aligned_sae(seen, d_sae, hook_name))
    return _subject(scope, texts, n_tokens)


def _subject(scope: Scope, texts: list[str], n_tokens: int) -> Subject:
    settings = choose_settings(scope.parts[0], scope.parts[1], max_tokens=n_tokens)
    documents = read_documents(texts)
    size = settings.context_size
    packed = pack(documents, scope.tokenizer, context_size=size, bos=settings.bos, max_tokens=n_tokens // size * size)
    tokens = np.concatenate([p.tokens for p in packed])
    return Subject(scope, texts, tokens[: len(tokens) // size * size], size)
