"""The retrieval chain: question in, Answer out."""

import time
from collections.abc import Sequence

from bot.answering.builtin import THRESHOLD, compose
from bot.answering.datatypes import Answer, Seen, Trace, Turn
from bot.answering.question import understand
from prompts import Prompts
from vectorstore.datatypes import Passage, UserError
from vectorstore.library import Library

_MOST_CHARACTERS = 2000  # of a question; Discord's own limit for a message


class Chain:
    """Answers questions from one library."""

    def __init__(self, library: Library, prompts: Prompts, threshold: float = THRESHOLD, k: int = 8) -> None:
        self.library = library
        self._unknown = prompts.text("abstain")
        self._threshold = threshold
        self._k = k

    def answer(self, text: str, history: Sequence[Turn] = (), *, threshold: float | None = None) -> Answer:
        """The answer to a question, with the sentences it was read in; `threshold` overrules the chain's own.

        Raises UserError when the question is empty or too long, or the library has no articles.
        """
        began = time.perf_counter()
        asked = " ".join(text.split())
        if not asked:
            raise UserError("the question is empty: ask something")
        if len(asked) > _MOST_CHARACTERS:
            raise UserError(f"the question has {len(asked)} characters: ask in at most {_MOST_CHARACTERS}")
        question = understand(asked, history)
        retrieval = self.library.retriever.retrieve(question.search_text, self._k)
        least = self._threshold if threshold is None else threshold
        composed = compose(question, retrieval, self.library.store.embedder, least)
        return Answer(
            question=text,
            text=composed.text or self._unknown,
            abstained=not composed.citations,
            citations=composed.citations,
            answerer="builtin",
            library=self.library.store.library,
            seconds=time.perf_counter() - began,
            trace=Trace(
                passages=tuple(map(_seen, retrieval.passages)),
                revision=retrieval.revision,
                likelihood=composed.likelihood,
                threshold=least,
            ),
        )


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
