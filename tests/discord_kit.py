"""A running bot on a loopback Discord, with a chain that says what a test tells it to."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fake_discord import FakeDiscord
from fakes import answer
from openapi import referee

from bot.adding import Adder
from bot.answering.chain import OnText
from bot.answering.datatypes import Answer, Turn
from bot.client import FootnoteBot
from bot.database import Database
from bot.desk import Desk
from bot.libraries import Inquiry, Libraries
from bot.turns import FairQueue
from vectorstore.datatypes import Chunk
from vectorstore.settings import VectorstoreSettings

TOKEN = "MTAwMA.secret-token.abc"  # noqa: S105


@dataclass
class ScriptedChain:
    """Answers with `says`, or raises; keeps what it was asked."""

    says: Callable[[str], Answer] = lambda question: answer()
    writes: Callable[[str], Iterable[str]] = lambda question: ()
    asked: list[tuple[str, list[Turn]]] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    chunks: dict[str, Chunk] = field(default_factory=dict)
    thresholds: list[float | None] = field(default_factory=list)
    sure: list[float | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        """The gate is open until a test shuts it."""
        self.gate.set()

    def answer(
        self, inquiry: Inquiry, *, threshold: float | None = None, on_text: OnText | None = None
    ) -> Answer:
        """What the test wants, once the gate is open; before that, what it lets a chat model write."""
        self.asked.append((inquiry.question, list(inquiry.history)))
        self.thresholds.append(threshold)
        self.sure.append(inquiry.sure)
        for text in self.writes(inquiry.question):
            if on_text is not None:
                on_text(text)
        self.gate.wait(20)
        return replace(self.says(inquiry.question), question=inquiry.question)

    def origin(self, answer: Answer, guild: int | None) -> str:
        """There is one library only."""
        return ""

    def spent_today(self, guild: int) -> str:
        """There is no chat model."""
        return ""

    def published(self, library: str, chunk_ids: list[str], guild: int | None) -> dict[str, Chunk]:
        """What the test put there."""
        return {id_: self.chunks[id_] for id_ in chunk_ids if id_ in self.chunks}


class QuickBot(FootnoteBot):
    """The bot in a hurry, without the pauses that discord.py makes between two identifications."""

    patience = 0.5

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """No pause."""


@dataclass
class Stage:
    """All that a test drives."""

    discord: FakeDiscord
    chain: ScriptedChain
    database: Database
    folder: Path
    libraries: Libraries | None = None  # instead of the scripted chain
    message_content: bool = False
    grace: float = 2.0
    bots: list[QuickBot] = field(default_factory=list)

    def build(self, **queue: Any) -> QuickBot:
        """A bot as `python -m bot` builds it."""
        turns = FairQueue(**{"workers": 2, "cooldown": 0, **queue})
        libraries: Any = self.libraries or self.chain
        desk = Desk(libraries, self.database, turns)
        adder = Adder(VectorstoreSettings(data=self.folder / "data"))
        state = self.folder / "commands.sha256"
        options: dict[str, Any] = {"guild_ready_timeout": 0.05, "heartbeat_timeout": 5.0}
        options["message_content"] = self.message_content
        bot = QuickBot(desk, libraries, adder, state, **options)
        bot.grace = self.grace
        self.bots.append(bot)
        return bot

    async def ready(self, times: int = 1) -> None:
        """The gateway has welcomed a bot so many times, and the newest one knows its servers."""
        await self.discord.wait_for(
            lambda: self.discord.identified >= times and self.bots and self.bots[-1].is_ready(), 30
        )

    @contextlib.asynccontextmanager
    async def connected(self, **queue: Any) -> AsyncIterator[QuickBot]:
        """A bot that is ready."""
        bot = self.build(**queue)
        running = asyncio.create_task(bot.start(TOKEN))
        ready = asyncio.create_task(bot.wait_until_ready())
        try:
            await asyncio.wait({running, ready}, timeout=10, return_when=asyncio.FIRST_COMPLETED)
            assert ready.done(), running
            yield bot
        finally:
            ready.cancel()
            await bot.close()
            await asyncio.gather(running, return_exceptions=True)


@contextlib.asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    """A loopback Discord, a scripted chain and a database in `folder`."""
    server = FakeDiscord()
    await server.start()
    database = Database(f"sqlite:///{folder / 'footnote.db'}")
    try:
        yield Stage(server, ScriptedChain(), database, folder)
        if (judge := referee()) is not None:
            found = [
                o for method, path, body in server.requests for o in judge.objections(method, path, body)
            ]
            assert not found, "\n".join(["Discord's OpenAPI document objects:", *found])
    finally:
        database.close()
        await server.stop()
