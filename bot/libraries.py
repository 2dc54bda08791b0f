"""Which articles a server may ask: the shared library, and its own, which no other server ever sees."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from threading import Lock

from bot.answering.builtin import BuiltIn
from bot.answering.chain import Asked, Chain, OnText, condense
from bot.answering.datatypes import Answer, Turn
from bot.answering.generating import Generator
from bot.settings import BotSettings
from prompts import Prompts
from vectorstore.datatypes import Chunk, NoArticlesError, UserError
from vectorstore.library import Shelf
from vectorstore.store import ArticleRow
from vectorstore.upkeep import finish_rebuild

_NONE_YET = "there are no articles yet: somebody who may manage this server can add one with /library add"
_NOT_HERE = "I answer from the articles of a server: please ask me there"
_SHARED, _OWN = "the shared articles", "this server's own articles"

Adders = Callable[[str, list[str]], Mapping[str, str]]
"""Library and article ids -> the member who added each."""


def own_library(guild: int) -> str:
    """The name of a server's own library."""
    return f"guild-{guild}"


class Libraries:
    """Answers a server's questions from the libraries that it may ask; synchronous, safe between threads.

    Raises UserError when the settings bind the shared library to what is no server.
    """

    def __init__(
        self,
        shelf: Shelf,
        prompts: Prompts,
        settings: BotSettings,
        adders: Adders | None = None,
        *,
        built_in: BuiltIn | None = None,
        generator: Generator | None = None,
    ) -> None:
        self._shelf, self._prompts, self._settings = shelf, prompts, settings
        self._shared_with = _guild_ids(settings.shared_guilds)  # none: with all
        self._adders = adders
        self._answerer = built_in or BuiltIn()
        self._generator = generator
        self._chains: dict[str, Chain] = {}
        self._lock = Lock()

    def answer(
        self,
        text: str,
        history: Sequence[Turn],
        guild: int | None,
        threshold: float | None = None,
        on_text: OnText | None = None,
    ) -> Answer:
        """The better answer of the shared and the server's own library.

        A chat model is asked with the passages of the library that has the nearest one, and with the other's
        only if those do not answer. `on_text` is told its checked text as it grows.
        Raises NoArticlesError when neither has an article, UserError when the question cannot be asked.
        """
        account = str(guild or "")
        condensed = condense(self._generator, text, history, account)
        found: list[tuple[Chain, Asked]] = []
        for name in self._may_ask(guild):
            try:
                chain = self._chain(name)
                found.append((chain, chain.retrieve(text, history, condensed=condensed)))
            except NoArticlesError:
                continue
        if not found:
            raise NoArticlesError(_NONE_YET if self._may_ask(guild) else _NOT_HERE)
        found.sort(key=lambda pair: -max(p.dense for p in pair[1].passages))
        answers = []
        for chain, asked in found:
            answer = chain.answer_from(asked, threshold=threshold, account=account, on_text=on_text)
            answers.append(answer)
            if self._generator is not None and not answer.abstained:
                break
        return max(answers, key=lambda answer: (not answer.abstained, answer.trace.likelihood))

    def origin(self, answer: Answer, guild: int | None) -> str:
        """Whose articles an answer comes from, for people; "" where only one library could be meant."""
        asked = self._may_ask(guild)
        if answer.abstained or len(asked) < 2 or not all(map(self._count, asked)):
            return ""
        return _SHARED if answer.library == self._settings.library else _OWN

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
        return self._count(self._settings.library)

    def shares(self, guild: int | None) -> bool:
        """Whether the shared library may be asked in a server; None: in direct messages."""
        # a member of any server may write a direct message: bound to some, it is closed there
        return self._settings.shared and (not self._shared_with or guild in self._shared_with)

    def _may_ask(self, guild: int | None) -> list[str]:
        names = [self._settings.library] if self.shares(guild) else []
        return names + ([own_library(guild)] if guild is not None else [])

    def _count(self, name: str) -> int:
        """How many articles a library has."""
        try:
            return len(self._chain(name).library.retriever.articles())
        except NoArticlesError:
            return 0

    def _chain(self, name: str) -> Chain:
        with self._lock:
            if name not in self._chains:
                shared = name == self._settings.library  # its articles are the operator's own choice
                hands = None if shared or self._adders is None else partial(self._adders, name)
                library = self._shelf.open(name, hands=hands)
                self._chains[name] = Chain(
                    library,
                    self._prompts,
                    self._answerer,
                    self._generator,
                    threshold=self._settings.threshold_of(name),
                    k=self._settings.passages,
                )
            return self._chains[name]


def _guild_ids(listed: str) -> frozenset[int]:
    try:
        return frozenset(int(each) for each in listed.split(",") if each.strip())
    except ValueError as error:
        raise UserError("BOT_SHARED_GUILDS is a list of server ids, for example 1234,5678") from error
