"""The retrieval chain: question in, Answer out."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count

from bot.answering.builtin import BuiltIn, Composed
from bot.answering.byline import asks_for_author
from bot.answering.datatypes import Answer, Citation, Seen, Trace, Turn
from bot.answering.question import Question, parts, understand
from prompts import Prompts
from vectorstore.datatypes import Passage, UserError
from vectorstore.library import Library
from vectorstore.retrieval import Retrieval

_MOST_CHARACTERS = 2000  # of a question; Discord's own limit for a message


class Chain:
    """Answers questions from one library."""

    def __init__(
        self,
        library: Library,
        prompts: Prompts,
        answerer: BuiltIn,
        *,
        threshold: float | None = None,
        k: int = 8,
    ) -> None:
        """`threshold` is the verifier's own unless given; `k` passages are retrieved for a question."""
        self.library = library
        self._unknown = prompts.text("abstain")
        self._answerer = answerer
        self._threshold = answerer.verifier.threshold if threshold is None else threshold
        self._k = k

    def answer(
        self, text_asked: str, history: Sequence[Turn] = (), *, threshold: float | None = None
    ) -> Answer:
        """The answer to a question, with the sentences it was read in; `threshold` overrules the chain's own.

        Raises UserError when the question is empty or too long, or the library has no articles.
        """
        began = time.perf_counter()
        asked = " ".join(text_asked.split())
        if not asked:
            raise UserError("the question is empty: ask something")
        if len(asked) > _MOST_CHARACTERS:
            raise UserError(f"the question has {len(asked)} characters: ask in at most {_MOST_CHARACTERS}")
        least = self._threshold if threshold is None else threshold
        told: list[_Told] = []
        turns = list(history)
        for part in parts(asked):  # the second part may refer to the first
            told.append(self._answer_one(part, turns, least))
            turns.append((part, "; ".join(told[-1].composed.parts)))
        text, citations = self._together(told)
        return Answer(
            question=text_asked,
            text=text,
            abstained=not citations,
            citations=citations,
            answerer="builtin",
            library=self.library.store.library,
            seconds=time.perf_counter() - began,
            trace=Trace(
                passages=tuple(dict.fromkeys(_seen(p) for one in told for p in one.retrieval.passages)),
                revision=told[0].retrieval.revision,
                likelihood=_likelihood(told),
                threshold=least,
                read_as=" ".join(one.composed.read_as for one in told),
                spans=tuple(
                    sorted((s for one in told for s in one.composed.spans), key=lambda s: -s.probability)
                ),
            ),
        )

    def _answer_one(self, text: str, history: Sequence[Turn], least: float) -> "_Told":
        question = understand(text, history)
        retrieval = self.library.retriever.retrieve(question.search_text, self._k)
        if asks_for_author(text):
            heads = self.library.retriever.heads(retrieval.passages)
            retrieval = replace(retrieval, passages=retrieval.passages + heads)
        embedder = self.library.store.embedder
        return _Told(question, retrieval, self._answerer.compose(question, retrieval, embedder, least))

    def _together(self, told: list["_Told"]) -> tuple[str, tuple[Citation, ...]]:
        """One text of the parts' answers, their footnotes numbered on, and what could not be found."""
        citations = tuple(citation for one in told for citation in one.composed.citations)
        if not citations:
            return self._unknown, ()
        if len(told) == len(citations) == 1:
            return told[0].composed.parts[0], citations
        texts, number = [], count(1)
        for one in told:
            if one.composed.parts:
                texts.append("; ".join(f"{part} [{next(number)}]" for part in one.composed.parts))
            else:
                texts.append(f"{self._unknown.rstrip('.')}: {one.question.text}")
        return "\n".join(texts), citations


@dataclass(frozen=True, slots=True)
class _Told:
    """What was found for one of the questions that a text asks."""

    question: Question
    retrieval: Retrieval
    composed: Composed


def _likelihood(told: list[_Told]) -> float:
    """Of the least likely part that is answered; of the likeliest if none is."""
    answered = [one.composed.likelihood for one in told if one.composed.parts]
    return min(answered) if answered else max(one.composed.likelihood for one in told)


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
