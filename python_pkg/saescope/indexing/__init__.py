"""Building an index: tokens, shards of postings, tables, and the manifest last."""
