"""Text to build an index from: reading documents and packing them into contexts."""

from saescope.corpus.key import corpus_key, corpus_name
from saescope.corpus.packing import Packed, Packer, pack
from saescope.corpus.reader import Document, read_documents
from saescope.corpus.vocabulary import TokenTable, token_table

__all__ = [
    "Document",
    "Packed",
    "Packer",
    "TokenTable",
    "corpus_key",
    "corpus_name",
    "pack",
    "read_documents",
    "token_table",
]
