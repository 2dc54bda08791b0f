"""The citation check: which sentences of a chat model's answer stand in the passages that they cite."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.answering.datatypes import Citation, Dropped
from bot.answering.reader import Reader
from vectorstore.datatypes import Passage
from vectorstore.embeddings import Embedder

_MARK = re.compile(r"\s*\[(\d{1,2})\]")
_SENTENCE = re.compile(r"[^.!?]+[.!?]*(?:\s*\[\d+\])*")
_TELLING = re.compile(r"\d[\d,.]*\d|\d|(?<=\w )[A-Z]\w+")


@dataclass(frozen=True, slots=True)
class Checked:
    """What is left of an answer: sentences with their footnote numbers, from 1, and the footnotes."""

    text: str  # "" if nothing is supported
    citations: tuple[Citation, ...]
    dropped: tuple[Dropped, ...]
    support: float  # of the least supported sentence that is left, 0 to 1; 0 without any


class CitationCheck:
    """Checks sentences against passages; safe to share between threads."""

    def __init__(self, reader: Callable[[], Reader]) -> None:
        self._reader = reader

    def begin(self, question: str, passages: Sequence[Passage], embedder: Embedder) -> "Checking":
        """The check of one answer, sentence by sentence as it is written; passage 1 is `[1]`."""
        return Checking(passages)


class Checking:
    """An answer that is being checked."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = passages
        self._text = ""

    def feed(self, piece: str) -> str:
        """Take in what the model wrote next; gives the supported text so far."""
        self._text += piece
        return self.finish().text if self._text.rstrip().endswith((".", "]")) else ""

    def finish(self) -> Checked:
        """The verdict on the whole answer."""
        kept, citations, dropped = [], [], []
        for sentence in (m.group().strip() for m in _SENTENCE.finditer(self._text)):
            numbers = [int(n) for n in _MARK.findall(sentence)]
            bare = _MARK.sub("", sentence)
            cited = [self._passages[n - 1] for n in numbers if 0 < n <= len(self._passages)]
            if not cited:
                dropped.append(Dropped(text=bare, reason="no citation"))
                continue
            text = " ".join(p.chunk.text for p in cited)
            missing = [word for word in _TELLING.findall(bare) if word not in text]
            if missing:
                dropped.append(Dropped(text=bare, reason=f"not in the cited passages: {', '.join(missing)}"))
                continue
            chunk, article = cited[0].chunk, cited[0].article
            start, end = chunk.sentences[0]
            citations.append(
                Citation(
                    title=article.title,
                    source=article.source,
                    date=article.date,
                    quote=chunk.text[start - chunk.start : end - chunk.start],
                    start=start,
                    end=end,
                    score=1.0,
                )
            )
            kept.append(f"{bare} [{len(citations)}]")
        return Checked(" ".join(kept), tuple(citations), tuple(dropped), 1.0 if kept else 0.0)
