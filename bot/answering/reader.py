"""The reader: a small model that finds a question's answer in a passage, or sees that there is none.

MiniLM with three heads, trained by `training/train_reader.py`, int8, in `model/` (its card is there). It
gives logits; what is made of them is decided in `verifier`.
"""

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding

from vectorstore.datatypes import Span
from vectorstore.serving import cores, open_session, open_tokenizer

Floats = NDArray[np.float32]

MODEL = Path(__file__).parent / "model"
LONGEST = 288  # tokens of question and passage, as in training
_QUESTION = 48  # tokens of the question
_OVERLAP = 64  # tokens that the windows of a longer passage share
_SPAN_TOKENS = 40  # an answer is no longer
# from which token to which it may go
_ALLOWED = np.triu(np.ones((LONGEST, LONGEST), bool)) & np.tri(LONGEST, k=_SPAN_TOKENS - 1, dtype=bool)
# on held-out paragraphs of SQuAD 2.0 the F1 of answerable questions is 76.6 with it, 76.0 without
_MARKED = 0.5
# the probability of an item; how far below the best another span may score, and how little, to be one:
# the best on held-out lists of our own
_SURE, _AS_GOOD, _LEAST = 0.7, 3.0, -4.0
# the probability of an item where no list is asked for in words ("where was it filmed"): with .7, too many
# single answers get company
_SURE_UNASKED = 0.8
# numbers, times and versions; addresses of mail and of pages; names with a sign in front
_WHOLE = re.compile(
    r"\d+(?:[.,:]\d+)+|(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+|https?://[^\s<>()]*[\w/]|(?<![\w/])[#@/][\w-]+"
)


@dataclass(frozen=True, slots=True)
class Logits:
    """What the reader makes of one text, or of one window of a long one: logits for each of its n tokens."""

    text: int  # which of the texts
    offsets: tuple[Span, ...]  # of each token, in characters of the text
    words: tuple[int | None, ...]  # which word each token is of: an answer has whole words
    start: Floats  # shape (n,): that the answer starts here, less the logit of "no answer"
    end: Floats  # shape (n,): likewise that it ends here
    items: Floats  # shape (n, 3): that a token is outside, begins, or goes on an item of a list
    answers: float  # that the text holds an answer at all

    def spans(self, most: int = 5, *, of_list: bool = False) -> list[tuple[float, Span]]:
        """The best spans that do not overlap, as (score, characters), best first; 0 is "no answer".

        The score is start + end - null, as in Devlin et al. 2019, section 4.3. Which span is the best also
        depends on whether its tokens are marked as an item's; not where a list is asked for, which may be one
        span.
        """
        n = len(self.offsets)
        begins = np.array([i == 0 or self.words[i - 1] != self.words[i] for i in range(n)], bool)
        ends = np.roll(begins, -1)
        scores = np.where(begins, self.start, -np.inf)[:, None] + np.where(ends, self.end, -np.inf)[None, :]
        scores[~_ALLOWED[:n, :n]] = -np.inf
        ranked = scores if of_list else scores + _MARKED * self._marked_between()
        found: list[tuple[float, Span]] = []
        for _ in range(most):
            first, last = np.unravel_index(int(ranked.argmax()), ranked.shape) if n else (0, 0)
            if not n or not np.isfinite(ranked[first, last]):
                break
            found.append((float(scores[first, last]), (self.offsets[first][0], self.offsets[last][1])))
            ranked[: last + 1, first:] = -np.inf  # whatever overlaps it
        return found

    def score(self, span: Span) -> float:
        """The score of the span with these characters; -inf if a window does not have them."""
        inside = [i for i, (start, end) in enumerate(self.offsets) if start < span[1] and span[0] < end]
        if not inside or not self.offsets[inside[0]][0] <= span[0] < span[1] <= self.offsets[inside[-1]][1]:
            return -math.inf
        return float(self.start[inside[0]] + self.end[inside[-1]])

    def listed(self, *, asked: bool = True) -> list[Span]:
        """The items of a list, in the order of the text: what is marked, and what scores like the best.

        Only what is surely marked where no list is asked for in words.
        """
        if not asked:
            return [span for chance, span in self._marked() if chance >= _SURE_UNASKED]
        found = [span for chance, span in self._marked() if chance >= _SURE]
        scored = self.spans(of_list=True)
        least = max(_LEAST, scored[0][0] - _AS_GOOD) if scored else _LEAST
        for score, (start, end) in scored:
            if score >= least and not any(a < end and start < b for a, b in found):
                found.append((start, end))
        return sorted(found)

    # ---- inside

    def _marks(self) -> Floats:
        """Probabilities, shape (n, 3)."""
        logits = self.items - self.items.max(axis=1, keepdims=True)
        chances: Floats = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        return chances

    def _marked_between(self) -> Floats:
        """Mean log-probability that the tokens from row to column are of an item, shape (n, n)."""
        inside = np.log(1 - self._marks()[:, 0] + 1e-6)
        total = np.concatenate([[0.0], inside.cumsum()])
        place = np.arange(len(inside))
        length = np.maximum(place[None, :] - place[:, None] + 1, 1)
        mean: Floats = (total[None, 1:] - total[:-1, None]) / length
        return mean

    def _marked(self) -> list[tuple[float, Span]]:
        """What is marked as an item, as (probability, characters) in the order of the text."""
        chances = self._marks()
        found: list[tuple[list[float], Span]] = []
        goes_on = False  # whether the token before is in an item
        for i, (begin, end) in enumerate(self.offsets):
            same_word = i > 0 and self.words[i] == self.words[i - 1]
            inside = goes_on if same_word else bool(chances[i, 0] < 0.5)  # a word is as its first token
            chance = 1 - float(chances[i, 0])
            if inside and goes_on and (same_word or chances[i, 1] <= chances[i, 2]):
                each, (first, _) = found[-1]
                found[-1] = (each if same_word else [*each, chance], (first, end))
            elif inside:
                found.append(([chance], (begin, end)))
            goes_on = inside
        return [(float(np.mean(each)), span) for each, span in found]


class Reader:
    """The shipped model, safe to share between threads."""

    def __init__(self, folder: Path = MODEL) -> None:
        self._session = open_session(folder / "reader.onnx")
        self._tokenizer = open_tokenizer(folder)
        self._cls, self._sep = (self._tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
        self._cores = ThreadPoolExecutor(cores(), thread_name_prefix="reader")
        self._lock = Lock()  # a shared fast tokenizer raises "Already borrowed" without one

    def read(self, question: str, texts: Sequence[str]) -> list[Logits]:
        """Read each text for the answer; a text that is too long is read in windows that overlap."""
        return self.read_pairs([(question, text) for text in texts])

    def read_pairs(self, pairs: Sequence[tuple[str, str]]) -> list[Logits]:
        """Read each text for the answer to its own question; `Logits.text` is the pair's number.

        Each window is a batch of its own: int8 ranges that do not depend on what else is read.
        """
        with self._lock:
            encode = self._tokenizer.encode_batch
            asked = [e.ids[:_QUESTION] for e in encode([q for q, _ in pairs], add_special_tokens=False)]
            encodings = encode([text for _, text in pairs], add_special_tokens=False)
        whole = [_words(encoding, text) for encoding, (_, text) in zip(encodings, pairs, strict=True)]
        windows = [
            (ids, number, encoding, words, slice(begin, begin + room))
            for number, (ids, encoding, words) in enumerate(zip(asked, encodings, whole, strict=True))
            for room in (LONGEST - len(ids) - 3,)
            for begin in range(0, max(1, len(encoding.ids) - _OVERLAP), room - _OVERLAP)
        ]
        return list(self._cores.map(lambda window: self._run(*window), windows))

    def _run(
        self, asked: list[int], text: int, encoding: Encoding, words: list[int | None], part: slice
    ) -> Logits:
        ids = encoding.ids[part]
        tokens = np.array([[self._cls, *asked, self._sep, *ids, self._sep]], np.int64)
        kinds = np.zeros_like(tokens)
        lead = len(asked) + 2
        kinds[0, lead:] = 1
        given = {"input_ids": tokens, "token_type_ids": kinds}
        start, end, items, answers = self._session.run(["start", "end", "items", "answers"], given)
        there = slice(lead, lead + len(ids))
        return Logits(
            text=text,
            offsets=tuple(encoding.offsets[part]),
            words=tuple(words[part]),
            start=start[0, there] - start[0, 0],
            end=end[0, there] - end[0, 0],
            items=items[0, there],
            answers=float(answers[0]),
        )


def _words(encoding: Encoding, text: str) -> list[int | None]:
    """Which word each token is of; what has no spaces in it by its nature is one: "60,000", an address."""
    known = list(encoding.word_ids)
    words, starts = list(known), [start for start, _ in encoding.offsets]
    for match in _WHOLE.finditer(text):
        first = max(0, bisect_right(starts, match.start()) - 1)
        after = bisect_left(starts, match.end())
        while 0 < first < len(known) and known[first - 1] == known[first]:
            first -= 1
        while 0 < after < len(known) and known[after - 1] == known[after]:
            after += 1
        words[first:after] = words[first : first + 1] * (after - first)
    return words
