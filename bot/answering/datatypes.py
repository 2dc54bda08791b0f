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
class Seen:
    """A passage that was read for an answer, with its scores (higher is better)."""

    chunk_id: str
    title: str
    source: str
    start: int
    end: int
    score: float
    dense: float
    lexical: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanSeen:
    """A span that may answer: offsets into its article's text, reader's scores, verifier's verdict."""

    text: str
    chunk_id: str
    start: int
    end: int
    reader: float  # start + end - null logits: above 0 the reader prefers it to "no answer"
    answers: float  # logit that its passage holds an answer
    probability: float  # that it answers, 0 to 1
    close: float | None = None  # the reader's where only the sentences around it are read, if they were


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A sentence that a chat model wrote and that nobody is shown, and why."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """What a chat model was asked with, what it wrote, and what that cost."""

    model: str  # provider:model
    prompt: str  # name of the prompt file
    prompt_hash: str  # of its text, twelve hexadecimal digits
    raw: str  # as the model wrote it
    dropped: tuple[Dropped, ...]  # by the citation check
    tokens_in: int
    tokens_out: int
    cost: float  # in the currency of the prices that are set; 0 without
    first_token: float  # seconds
    seconds: float  # of the model alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Why an answer is what it is: what was read, and how likely it was found to answer."""

    passages: tuple[Seen, ...]
    revision: int  # of the library
    likelihood: float  # that the best span answers, 0 to 1
    threshold: float  # below it the answer is an abstention
    read_as: str = ""  # the question as the reader was asked, what it refers back to put in
    spans: tuple[SpanSeen, ...] = ()  # the likeliest first
    generated: Generated | None = None  # where a chat model was asked, even if its answer was not used

    @property
    def is_looked_up(self) -> bool:
        """Whether a table or a byline names what was asked for, so that no span had to be weighed."""
        return self.likelihood == 1.0 and not self.spans


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
    trace: Trace
    note: str = ""  # one short line for the reader, for example that the chat model could not be reached
