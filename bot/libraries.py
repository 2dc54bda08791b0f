"""Which articles a server may ask: the shared library, and its own, which no other server ever sees."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock

from bot.answering.builtin import BuiltIn
from bot.answering.chain import Asked, Chain, OnText, condense
from bot.answering.datatypes import Answer, Turn
from bot.answering.generating import Generator, NotGeneratedError
from bot.settings import BotSettings
from prompts import Prompts
from vectorstore.datatypes import Chunk, NoArticlesError, UserError
from vectorstore.library import Shelf
from vectorstore.store import ArticleRow
from vectorstore.upkeep import finish_rebuild

_NONE_YET = "there are no articles yet: somebody who may manage this server can add one with /library add"
_NOT_HERE = "I answer from the articles of a server: please ask me there"
_LATE = str(NotGeneratedError("the chat model took too long"))
_SHARED, _OWN = "the shared articles", "this server's own articles"

Adders = Callable[[str, list[str]], Mapping[str, str]]
"""Library and article ids -> the member who added each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """A question as it comes from Discord."""

    question: str
    history: Sequence[Turn] = ()
    member: int
    guild: int | None  # None: a direct message
    sure: float | None = None  # where nobody asked the bot: only an answer that is so likely is wanted


def own_library(guild: int) -> str:
    """The name of a server's own library."""
    return f"guild-{guild}"


class Libraries:
    """Answers a server's questions from the libraries that it may ask; synchronous, safe between threads.

    Raises UserError when the settings bind the shared library to what is no server.
    """

    patience = 15.0  # seconds after which a chat model is not asked once more about the same question

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
        self, inquiry: Inquiry, *, threshold: float | None = None, on_text: OnText | None = None
    ) -> Answer:
        """The better answer of the shared and the server's own library.

        A chat model is asked with the passages of the library that has the nearest one, and with the other's
        only if those do not answer. `on_text` is told its checked text as it grows.
        Raises NoArticlesError when neither has an article, UserError when the question cannot be asked.
        """
        began = time.monotonic()
        found = self._retrieve(inquiry)
        if self._generator is None:
            return _best([chain.answer_from(asked, threshold=threshold) for chain, asked in found])
        answers = []
        for chain, asked in sorted(found, key=_nearest):
            built_in = replace(chain, generator=None)
            if time.monotonic() - began > self.patience:
                answers.append(replace(built_in.answer_from(asked, threshold=threshold), note=_LATE))
                continue
            if (
                inquiry.sure is not None
            ):  # the built-in answerer costs nothing: it says whether to speak at all
                answer = built_in.answer_from(asked, threshold=threshold)
                if answer.abstained or answer.trace.likelihood < inquiry.sure:
                    answers.append(answer)
                    continue
            answer = chain.answer_from(
                asked, threshold=threshold, account=_account(inquiry.guild), on_text=on_text
            )
            if answer.answerer == self._generator.model.name and not answer.abstained:
                return answer
            answers.append(answer)
        return _best(answers)

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

    def remove(self, guild: int, article: str, given_up: Callable[[], bool] | None = None) -> bool:
        """Take an article out of a server's own library. False if it is not there.

        Raises UserError when others write for too long, or until nobody waits for it any more.
        """
        found = next((row for row in self.articles(guild) if row.id == article), None)
        if found is None:
            return False
        library = self._chain(own_library(guild)).library
        with library.connection.writing(given_up):
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

    def spent_today(self, guild: int) -> str:
        """What a server has used up of its chat model's budget, for people; "" without such a budget."""
        if self._generator is None:
            return ""
        budget = self._generator.budget
        limits, spent = budget.limits, budget.spent(_account(guild))
        told = []
        if limits.tokens_per_server is not None:
            told.append(f"{spent.tokens:,} of {limits.tokens_per_server:,} tokens")
        if limits.cost_per_server is not None:
            told.append(f"{spent.cost:.2f} of {limits.cost_per_server:.2f} in money")
        return ", ".join(told)

    def _retrieve(self, inquiry: Inquiry) -> list[tuple[Chain, Asked]]:
        """The passages of each library that has articles. Raises NoArticlesError when none has."""
        text, history, may_ask = inquiry.question, inquiry.history, self._may_ask(inquiry.guild)
        condensed = condense(self._generator, text, history, _account(inquiry.guild))
        found = []
        for name in may_ask:
            try:
                chain = self._chain(name)
                found.append((chain, chain.retrieve(text, history, condensed=condensed)))
            except NoArticlesError:
                continue
        if not found:
            raise NoArticlesError(_NONE_YET if may_ask else _NOT_HERE)
        return found

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


def _account(guild: int | None) -> str:
    """To which a chat model's tokens are charged."""
    return str(guild or "")


def _nearest(found: tuple[Chain, Asked]) -> float:
    """For sorting, by meaning: the other scores of a passage are relative to its library."""
    return -max((passage.dense for passage in found[1].passages), default=0.0)


def _best(answers: list[Answer]) -> Answer:
    return max(answers, key=lambda answer: (not answer.abstained, answer.trace.likelihood))


def _guild_ids(listed: str) -> frozenset[int]:
    try:
        return frozenset(int(each) for each in listed.split(",") if each.strip())
    except ValueError as error:
        raise UserError("BOT_SHARED_GUILDS is a list of server ids, for example 1234,5678") from error
