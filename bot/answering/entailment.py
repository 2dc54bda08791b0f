"""Whether sentences say what a claim says: a small model of the reader's size, trained for this alone.

MiniLM with one head, made by `training/train_support.py`, int8, in `model/` (its card is there).
"""

from pathlib import Path
from threading import Lock

import numpy as np

from bot.answering.reader import MODEL
from vectorstore.serving import open_session, open_tokenizer

LONGEST_CLAIM, LONGEST_EVIDENCE = 80, 200  # tokens, as in training


class Entailment:
    """The shipped model, safe to share between threads."""

    def __init__(self, folder: Path = MODEL) -> None:
        self._session = open_session(folder / "support.onnx")
        self._tokenizer = open_tokenizer(folder)
        self._cls, self._sep = (self._tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
        self._lock = Lock()  # a shared fast tokenizer raises "Already borrowed" without one

    def logit(self, claim: str, evidence: str) -> float:
        """Above 0 the evidence rather says it; what is too long is cut."""
        with self._lock:
            ours, theirs = self._tokenizer.encode_batch([claim, evidence], add_special_tokens=False)
        head = [self._cls, *ours.ids[:LONGEST_CLAIM], self._sep]
        tail = [*theirs.ids[:LONGEST_EVIDENCE], self._sep]
        given = {
            "input_ids": np.array([head + tail], np.int64),
            "token_type_ids": np.array([[0] * len(head) + [1] * len(tail)], np.int64),
        }
        (logit,) = self._session.run(None, given)
        return float(logit[0])
