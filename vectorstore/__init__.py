"""Chunks in, passages out: embeddings, the stores and hybrid retrieval."""
