"""What an answer is, whoever composed it and wherever it is shown."""

from dataclasses import dataclass

Turn = tuple[str, str]
"""A question that was asked before, and the answer it got."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A sentence that supports an answer, verbatim: `article_text[start:end] == quote`."""

    title: str
    source: str
    date: str | None  # of the article, ISO 8601
    quote: str
    start: int
    end: int
    score: float  # the answerer's own measure of support, 0 to 1; for sorting and the Why view, not for users


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to a question with the sentences it was read in; without any when it abstains."""

    question: str
    text: str
    abstained: bool
    citations: tuple[Citation, ...]
    answerer: str
    library: str
    seconds: float
