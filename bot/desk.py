"""Where every question from Discord goes: it waits its turn, is answered in a thread, and is kept."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from threading import Event
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from bot.answering.chain import OnText
from bot.answering.datatypes import Answer
from bot.conversation import without_ids
from bot.database import Addition, Database, GuildSettings
from bot.libraries import Inquiry, Libraries, own_library
from bot.turns import FairQueue, Notice
from vectorstore.datatypes import Chunk, UserError
from vectorstore.store import ArticleRow

log = logging.getLogger(__name__)

# seconds, for an answer: a chat model's own limits, and some. A locked database could hold a turn for ever
_LONGEST = 75.0
_THREADS = 128  # at most; twice what BOT_WORKERS may be, for some may be given up but not ended yet
_CLOSEST = 3  # articles that an abstention names


@dataclass(frozen=True, slots=True)
class Given:
    """An answer that was given, the number under which it is kept, and whose articles it comes from."""

    number: int | None  # None: it could not be kept
    answer: Answer
    origin: str  # for people; "" where it goes without saying

    @property
    def closest(self) -> tuple[str, ...]:
        """The titles of the articles nearest to the question."""
        titles = dict.fromkeys(seen.title for seen in self.answer.trace.passages)
        return tuple(titles)[:_CLOSEST]


class Desk:
    """The one place where Discord meets the libraries and the database, both of them synchronous."""

    def __init__(self, libraries: Libraries, database: Database, turns: FairQueue) -> None:
        self.database = database
        self._libraries = libraries
        self._turns = turns
        # of their own: while chat models are waited for, settings must be read without waiting
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="answering")
        # one: they would only wait for each other, and for what is being read in, up to a minute
        self._removing = ThreadPoolExecutor(1, thread_name_prefix="removing")
        self._settings: dict[int, GuildSettings] = {}  # of the servers that were asked in since the start

    async def ask(
        self, inquiry: Inquiry, *, notice: Notice | None = None, on_text: OnText | None = None
    ) -> Given:
        """Answer a question; `notice` is told its place in the queue while it waits.

        `on_text` is told a chat model's text as it grows, here on the event loop.
        Raises UserError when it cannot be asked, or not now.
        """
        guild = inquiry.guild
        history = [(without_ids(asked), without_ids(said)) for asked, said in inquiry.history]
        inquiry = replace(inquiry, question=without_ids(inquiry.question), history=history)
        answer = partial(
            self._libraries.answer,
            inquiry,
            threshold=(await self.settings(guild)).threshold,
            on_text=_from_thread(on_text),
        )
        loop = asyncio.get_running_loop()
        async with self._turns.turn(inquiry.member, notice):
            try:
                async with asyncio.timeout(_LONGEST):
                    answered = await loop.run_in_executor(self._threads, answer)
            except TimeoutError as error:
                raise UserError("this took too long: please ask again in a minute") from error
        number = await asyncio.to_thread(self._keep, answered, inquiry)
        origin = await asyncio.to_thread(self._libraries.origin, answered, guild)
        return Given(number, answered, origin)

    async def recall(self, number: int, guild: int | None) -> tuple[Answer, int] | None:
        """An answer given in this server and who asked, or None."""
        found = await asyncio.to_thread(self.database.answer, number, guild_id=str(guild or ""))
        return None if found is None else (found[0], int(found[1]))

    async def settings(self, guild: int | None) -> GuildSettings:
        """What a server has set; the defaults in a direct message."""
        if guild is None:
            return GuildSettings()
        if guild not in self._settings:
            self._settings[guild] = await asyncio.to_thread(self.database.settings, str(guild))
        return self._settings[guild]

    async def change(self, guild: int, **fields: Any) -> GuildSettings:
        """Change some of a server's settings."""
        changed = replace(await self.settings(guild), **fields)
        await asyncio.to_thread(self.database.set, str(guild), changed)
        self._settings[guild] = changed
        return changed

    async def vote(self, number: int, member: int, *, good: bool, comment: str = "") -> None:
        """Keep a member's vote on an answer."""
        await asyncio.to_thread(self.database.vote, number, str(member), good=good, comment=comment)

    async def credit(self, guild: int, source: str, member: int, *, anew: bool = True) -> None:
        """Keep that a member added the published version of an article; unless `anew`, only if nobody has."""
        rows = await asyncio.to_thread(self._libraries.articles, guild)
        for row in rows:
            if row.info.source == source and (anew or await self.addition(guild, row) is None):
                await asyncio.to_thread(self.database.keep_addition, own_library(guild), row, str(member))

    async def addition(self, guild: int, article: ArticleRow) -> Addition | None:
        """Who added an article of a server, and when; None if nobody did in Discord, or wants it known."""
        return await asyncio.to_thread(self.database.addition, own_library(guild), article)

    async def remove(self, guild: int, article: str) -> bool:
        """Take an article out of a server's library, and forget who added it. False if it is not there."""
        given_up = Event()  # else it would be removed after all, and hold up the end of the process
        remove = partial(self._libraries.remove, guild, article, given_up.is_set)
        try:
            removed = await asyncio.get_running_loop().run_in_executor(self._removing, remove)
        except asyncio.CancelledError:
            given_up.set()
            raise
        await asyncio.to_thread(self.database.forget_addition, own_library(guild), article)
        return removed

    async def passages(self, answer: Answer, guild: int | None) -> list[tuple[str, Chunk | None]]:
        """Title and text of each passage that an answer cites; None for one that was changed or removed."""
        cited = [
            seen
            for seen in answer.trace.passages
            if any(c.source == seen.source and seen.start <= c.start < seen.end for c in answer.citations)
        ]
        ids = [seen.chunk_id for seen in cited]
        chunks = await asyncio.to_thread(self._libraries.published, answer.library, ids, guild)
        return [(seen.title, chunks.get(seen.chunk_id)) for seen in cited]

    def _keep(self, answered: Answer, inquiry: Inquiry) -> int | None:
        """The number under which an answer is kept; None if it cannot be: it is given all the same."""
        asked_by = {"guild_id": str(inquiry.guild or ""), "member_id": str(inquiry.member)}
        try:
            return self.database.record(answered, **asked_by)
        except SQLAlchemyError as error:
            log.error("an answer could not be kept (%s): check the database", type(error).__name__)  # noqa: TRY400  (one line says it)
            return None


def _from_thread(on_text: OnText | None) -> OnText | None:
    """The same, for another thread than the event loop's."""
    if on_text is None:
        return None
    loop, heard = asyncio.get_running_loop(), on_text

    def tell(text: str) -> None:
        loop.call_soon_threadsafe(heard, text)

    return tell
