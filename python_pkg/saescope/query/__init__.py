"""Questions to an index: the feature table, examples, neighbors. No torch."""
