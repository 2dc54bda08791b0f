"""The retrieval chain: question in, Answer out."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count, zip_longest

from bot.answering.builtin import BuiltIn, Composed
from bot.answering.byline import asks_for_author
from bot.answering.datatypes import Answer, Citation, Generated, Seen, Trace, Turn
from bot.answering.generating import Generator, NotGeneratedError, Written
from bot.answering.orders import orders
from bot.answering.question import Question, parts, refers_back, understand
from bot.answering.table_rows import cut_off
from bot.answering.untrusted import reaching_out, without_orders
from prompts import Prompts
from vectorstore.datatypes import Passage, UserError
from vectorstore.library import Library
from vectorstore.retrieval import Retrieval

_MOST_CHARACTERS = 2000  # of a question; Discord's own limit for a message
_MOST_SHOWN = 12  # passages that a chat model is shown when several things are asked
_NO_LETTER = re.compile("[\ud800-\udfff]")  # how bytes come in that are no text

OnText = Callable[[str], None]
"""Told the text so far, checked, whenever a chat model has written more of it."""


@dataclass(frozen=True, slots=True)
class Part:
    """One of the questions that a text asks, and what was retrieved for it."""

    question: Question
    retrieval: Retrieval
    beside: tuple[Passage, ...] = ()  # with the rest of tables: only for what is looked up in those


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its passages: any answerer, prompt or model can answer it from the same ones."""

    text: str  # as asked
    parts: tuple[Part, ...]
    seconds: float  # that retrieval took

    @property
    def standalone(self) -> str:
        """As it would be asked without the conversation before it."""
        return " ".join(part.question.standalone for part in self.parts)

    @property
    def passages(self) -> tuple[Passage, ...]:
        """Of all parts, each once, the best of every part first."""
        rows = zip_longest(*(part.retrieval.passages for part in self.parts))
        each = {p.chunk_id: p for row in rows for p in row if p is not None}
        most = len(self.parts[0].retrieval.passages) if len(self.parts) == 1 else _MOST_SHOWN
        return tuple(each.values())[:most]


@dataclass(frozen=True)
class Chain:
    """Answers questions from one library; `dataclasses.replace` makes one with another model or prompt."""

    library: Library
    prompts: Prompts
    built_in: BuiltIn
    generator: Generator | None = None  # a chat model that answers in place of the built-in answerer
    threshold: float | None = None  # of the built-in answerer; None for the calibrated one
    k: int = 8  # passages that are retrieved for a question

    def __post_init__(self) -> None:
        """Raises PromptError early, before anybody asks."""
        self.prompts.text("abstain")

    def answer(
        self,
        text: str,
        history: Sequence[Turn] = (),
        *,
        threshold: float | None = None,
        account: str = "",
        on_text: OnText | None = None,
    ) -> Answer:
        """The answer to a question, with the sentences it was read in; `threshold` overrules the chain's own.

        `account` is the server whose budget a chat model's tokens are charged to.
        Raises UserError when the question is empty or too long, or the library has no articles.
        """
        asked = self.retrieve(text, history, condensed=condense(self.generator, text, history, account))
        return self.answer_from(asked, threshold=threshold, account=account, on_text=on_text)

    def retrieve(self, text_asked: str, history: Sequence[Turn] = (), *, condensed: str = "") -> Asked:
        """The passages for a question, and the question as it stands alone. Raises as `answer` does.

        `condensed` is the question as a chat model says it would be asked without the history.
        """
        began = time.perf_counter()
        text = " ".join(text_asked.split())
        if not text:
            raise UserError("the question is empty: ask something")
        if _NO_LETTER.search(text):
            raise UserError("the question is not UTF-8 text: type it anew")
        if len(text) > _MOST_CHARACTERS:
            raise UserError(f"the question has {len(text)} characters: ask in at most {_MOST_CHARACTERS}")
        turns = [] if condensed else [(" ".join(before.split()), answer) for before, answer in history]
        asked = parts(condensed or text)
        found: list[Part] = []
        for place, each in enumerate(asked):
            part = self._retrieve_one(each, turns)
            found.append(part)
            if place + 1 < len(asked) and refers_back(asked[place + 1]):  # "… and when was it opened?"
                turns.append((each, "; ".join(self._compose(part, self._least(None)).parts)))
        return Asked(text_asked, tuple(found), time.perf_counter() - began)

    def answer_from(
        self,
        asked: Asked,
        *,
        threshold: float | None = None,
        account: str = "",
        on_text: OnText | None = None,
    ) -> Answer:
        """The answer from passages that were retrieved before."""
        began = time.perf_counter()
        note, generated = "", None
        answer: Answer | None = None
        if self.generator is not None:
            try:
                written = self.generator.generate(
                    asked.standalone,
                    asked.passages,
                    self.library.store.embedder,
                    account=account,
                    on_text=on_text,
                )
                answer = self._as_written(asked, written, self._least(threshold))
            except NotGeneratedError as error:
                note, generated = str(error), error.generated
        if answer is None:
            answer = self._built_in(asked, self._least(threshold), note, generated)
        return replace(answer, seconds=asked.seconds + time.perf_counter() - began)

    # ---- inside

    def _least(self, threshold: float | None) -> float:
        for each in (threshold, self.threshold):
            if each is not None:
                return each
        return self.built_in.verifier.threshold

    def _retrieve_one(self, text: str, history: Sequence[Turn]) -> Part:
        question = understand(text, history)
        retrieval = self.library.retriever.retrieve(question.search_text, self.k)
        if asks_for_author(text):
            heads = self.library.retriever.heads(retrieval.passages)
            retrieval = replace(retrieval, passages=retrieval.passages + heads)
        beside = self.library.retriever.beside(cut_off(retrieval.passages), retrieval.passages)
        retrieval = replace(retrieval, passages=_without_orders(retrieval.passages))
        return Part(question, retrieval, _without_orders(beside))

    def _compose(self, part: Part, least: float) -> Composed:
        embedder = self.library.store.embedder
        return self.built_in.compose(part.question, part.retrieval, embedder, least, part.beside)

    def _built_in(self, asked: Asked, least: float, note: str, generated: Generated | None) -> Answer:
        told = [self._compose(part, least) for part in asked.parts]
        text, citations = self._together(asked, told)
        spans = sorted((s for one in told for s in one.spans), key=lambda s: -s.probability)
        trace = self._trace(asked, _likelihood(told), least, citations)
        return Answer(
            question=asked.text,
            text=text,
            abstained=not citations,
            citations=citations,
            answerer="builtin",
            library=self.library.store.library,
            seconds=0.0,
            trace=replace(
                trace,
                read_as=" ".join(one.read_as for one in told),
                spans=tuple(spans),
                generated=generated,
            ),
            note=note,
        )

    def _as_written(self, asked: Asked, written: Written, least: float) -> Answer:
        checked = written.checked
        return Answer(
            question=asked.text,
            text=checked.text or self.prompts.text("abstain"),
            abstained=not checked.citations,
            citations=checked.citations,
            answerer=written.generated.model,
            library=self.library.store.library,
            seconds=0.0,
            trace=replace(self._trace(asked, checked.support, least), generated=written.generated),
        )

    @staticmethod
    def _trace(asked: Asked, likelihood: float, least: float, citations: tuple[Citation, ...] = ()) -> Trace:
        seen = [_seen(p) for part in asked.parts for p in part.retrieval.passages]
        beside = (_seen(p) for part in asked.parts for p in part.beside)
        seen += [
            p for p in beside if any(c.source == p.source and p.start <= c.start < p.end for c in citations)
        ]
        return Trace(
            passages=tuple(dict.fromkeys(seen)),
            revision=asked.parts[0].retrieval.revision,
            likelihood=likelihood,
            threshold=least,
            read_as=asked.standalone,
        )

    def _together(self, asked: Asked, told: list[Composed]) -> tuple[str, tuple[Citation, ...]]:
        """One text of the parts' answers, their footnotes numbered on, and what could not be found."""
        unknown = self.prompts.text("abstain")
        citations = tuple(citation for one in told for citation in one.citations)
        if not citations:
            return unknown, ()
        if len(told) == len(citations) == 1:
            return told[0].parts[0], citations
        texts, number = [], count(1)
        for part, one in zip(asked.parts, told, strict=True):
            if one.parts:
                texts.append("; ".join(f"{text} [{next(number)}]" for text in one.parts))
            else:
                own = part.question.text in " ".join(asked.text.split())  # and not a chat model's words
                texts.append(f"{unknown.rstrip('.')}: {part.question.text}" if own else unknown)
        return "\n".join(texts), citations


def condense(generator: Generator | None, text: str, history: Sequence[Turn], account: str = "") -> str:
    """A question that refers back, put by the chat model as it would be asked by itself; "" without need.

    Nothing that gives orders, or brings in a link, is a question.
    Without it the built-in rules put the question into words that stand alone.
    """
    if generator is None or not history or not refers_back(text) or len(text) > _MOST_CHARACTERS:
        return ""
    condensed = generator.condense(text, history, account)
    said = " ".join([text, *(part for turn in history for part in turn)])
    return "" if orders(condensed) or reaching_out(condensed) - reaching_out(said) else condensed


def _without_orders(passages: tuple[Passage, ...]) -> tuple[Passage, ...]:
    return tuple(kept for passage in passages if (kept := without_orders(passage)) is not None)


def _likelihood(told: list[Composed]) -> float:
    """Of the least likely part that is answered; of the likeliest if none is."""
    answered = [one.likelihood for one in told if one.parts]
    return min(answered) if answered else max(one.likelihood for one in told)


def _seen(passage: Passage) -> Seen:
    return Seen(
        chunk_id=passage.chunk_id,
        title=passage.article.title,
        source=passage.article.source,
        start=passage.chunk.start,
        end=passage.chunk.end,
        score=passage.score,
        dense=passage.dense,
        lexical=passage.lexical,
    )
