"""Where every question from Discord goes: it waits its turn, is answered in a thread, and is kept."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.answering.datatypes import Answer, Turn
from bot.database import Addition, Database, GuildSettings
from bot.libraries import Libraries, own_library
from bot.turns import FairQueue, Notice
from vectorstore.datatypes import Chunk, UserError
from vectorstore.store import ArticleRow

_LONGEST = 60.0  # seconds, for an answer; a locked database could otherwise hold a turn for ever
_CLOSEST = 3  # articles that an abstention names


@dataclass(frozen=True, slots=True)
class Given:
    """An answer that was given, the number under which it is kept, and whose articles it comes from."""

    number: int
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
        self._settings: dict[int, GuildSettings] = {}  # of the servers that were asked in since the start

    async def ask(
        self,
        question: str,
        history: Sequence[Turn],
        *,
        member: int,
        guild: int | None,
        notice: Notice | None = None,
    ) -> Given:
        """Answer a question; `notice` is told its place in the queue while it waits.

        Raises UserError when it cannot be asked, or not now.
        """
        settings = await self.settings(guild)
        async with self._turns.turn(member, notice):
            try:
                async with asyncio.timeout(_LONGEST):
                    answer = await asyncio.to_thread(
                        self._libraries.answer, question, history, guild, settings.threshold
                    )
            except TimeoutError as error:
                raise UserError("this took too long: please ask again in a minute") from error
        number = await asyncio.to_thread(
            self.database.record, answer, guild_id=str(guild or ""), member_id=str(member)
        )
        origin = await asyncio.to_thread(self._libraries.origin, answer, guild)
        return Given(number, answer, origin)

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

    async def credit(self, guild: int, source: str, member: int) -> None:
        """Keep that a member added the published version of an article of a server."""
        rows = await asyncio.to_thread(self._libraries.articles, guild)
        for row in rows:
            if row.info.source == source:
                await asyncio.to_thread(self.database.keep_addition, own_library(guild), row, str(member))

    async def addition(self, guild: int, article: ArticleRow) -> Addition | None:
        """Who added an article of a server, and when; None if nobody did in Discord, or wants it known."""
        return await asyncio.to_thread(self.database.addition, own_library(guild), article)

    async def remove(self, guild: int, article: str) -> bool:
        """Take an article out of a server's library, and forget who added it. False if it is not there."""
        removed = await asyncio.to_thread(self._libraries.remove, guild, article)
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
