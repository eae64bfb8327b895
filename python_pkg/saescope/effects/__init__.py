"""What features do: the model is run again with them changed, and its output compared."""
