"""Which articles a server may ask: the shared library, and its own, which no other server ever sees."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from threading import Lock

from bot.answering.chain import Chain
from bot.answering.datatypes import Answer, Turn
from bot.settings import BotSettings
from prompts import Prompts
from vectorstore.datatypes import Chunk, NoArticlesError
from vectorstore.library import Shelf
from vectorstore.store import ArticleRow
from vectorstore.upkeep import finish_rebuild

_NONE_YET = "there are no articles yet: somebody who may manage this server can add one with /library add"

Adders = Callable[[str, list[str]], Mapping[str, str]]
"""Library and article ids -> the member who added each."""


def own_library(guild: int) -> str:
    """The name of a server's own library."""
    return f"guild-{guild}"


class Libraries:
    """Answers a server's questions from the libraries that it may ask; synchronous, safe between threads."""

    def __init__(
        self, shelf: Shelf, prompts: Prompts, settings: BotSettings, adders: Adders | None = None
    ) -> None:
        self._shelf, self._prompts, self._settings = shelf, prompts, settings
        self._adders = adders
        self._chains: dict[str, Chain] = {}
        self._lock = Lock()

    def answer(
        self, text: str, history: Sequence[Turn], guild: int | None, threshold: float | None = None
    ) -> Answer:
        """The better answer of the shared and the server's own library.

        Raises NoArticlesError when neither has an article, UserError when the question cannot be asked.
        """
        answers = []
        for name in self._may_ask(guild):
            try:
                answers.append(self._chain(name).answer(text, history, threshold=threshold))
            except NoArticlesError:
                continue
        if not answers:
            raise NoArticlesError(_NONE_YET)
        return max(answers, key=lambda answer: (not answer.abstained, answer.trace.likelihood))

    def published(self, library: str, chunk_ids: list[str], guild: int | None) -> dict[str, Chunk]:
        """Those of the chunks that still stand in a library that the server may ask."""
        if library not in self._may_ask(guild):
            return {}
        try:
            return self._chain(library).library.retriever.chunks(chunk_ids)
        except NoArticlesError:
            return {}

    def articles(self, guild: int) -> list[ArticleRow]:
        """The articles of a server's own library, newest first."""
        try:
            rows = self._chain(own_library(guild)).library.retriever.articles()
        except NoArticlesError:
            return []
        return sorted(rows, key=lambda row: (row.ingested_at, row.info.title), reverse=True)

    def remove(self, guild: int, article: str) -> bool:
        """Take an article out of a server's own library. False if it is not there."""
        found = next((row for row in self.articles(guild) if row.id == article), None)
        if found is None:
            return False
        library = self._chain(own_library(guild)).library
        with library.connection.writing():
            finish_rebuild(library.store)
            library.store.repair()
            removed = library.store.remove(found.info.source)
            library.index.sync(library.store)
        return removed

    def shared(self) -> int:
        """How many articles the shared library has."""
        try:
            return len(self._chain(self._settings.library).library.retriever.articles())
        except NoArticlesError:
            return 0

    def _may_ask(self, guild: int | None) -> list[str]:
        names = [self._settings.library] if self._settings.shared else []
        return names + ([own_library(guild)] if guild is not None else [])

    def _chain(self, name: str) -> Chain:
        with self._lock:
            if name not in self._chains:
                shared = name == self._settings.library  # its articles are the operator's own choice
                hands = None if shared or self._adders is None else partial(self._adders, name)
                library = self._shelf.open(name, hands=hands)
                settings = self._settings
                self._chains[name] = Chain(library, self._prompts, settings.threshold, settings.passages)
            return self._chains[name]
