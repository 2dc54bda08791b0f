"""Articles in, chunks out: load, split and store."""
