"""Compiled models and their tokenizers, opened as both the embedding model and the reader need them."""

import os
from collections.abc import Sequence
from pathlib import Path

import onnxruntime as ort
from tokenizers import Tokenizer

# its CPU kernel is eight times slower than the two operations that it fuses (onnxruntime 1.32)
_SLOWER = ["SkipLayerNormFusion"]


def open_session(
    path: Path, *, threads: int = 1, providers: Sequence[str] = ("CPUExecutionProvider",)
) -> ort.InferenceSession:
    """A model on one thread, for a text a core is faster than all cores on one text; with 0, on all."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return ort.InferenceSession(str(path), options, providers=list(providers), disabled_optimizers=_SLOWER)


def open_tokenizer(folder: Path) -> Tokenizer:
    """A tokenizer that neither pads nor cuts; threads that share it without a lock get "Already borrowed"."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def cores() -> int:
    """How many cores this process may use, which in a container are fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
