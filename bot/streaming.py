"""An answer is shown while it is written: at once, then about once a second, always the newest text."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

import discord

from bot.sending import Lost

log = logging.getLogger(__name__)

PAUSE = 1.0  # seconds between two edits; Discord allows five in five seconds


class Stream:
    """Passes the newest text to `show`. A failure to show it ends the stream, and is no failure to answer."""

    def __init__(self, show: Callable[[str], Awaitable[None]], pause: Callable[[], float]) -> None:
        self._show, self._pause = show, pause
        self._text = ""
        self._newer, self._ended = asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def tell(self, text: str) -> None:
        """Take in the text so far, which takes the place of all before."""
        self._text = text
        self._newer.set()
        if self._task is None and not self._ended.is_set():
            self._task = asyncio.create_task(self._run())

    async def end(self) -> None:
        """Show nothing more; what was being shown is shown when this ends, so that it cannot come later."""
        self._ended.set()
        self._newer.set()
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        while not self._ended.is_set():
            self._newer.clear()
            try:
                await self._show(self._text)
            except (discord.HTTPException, *Lost) as error:
                log.info("an answer could not be shown while it was written (%s)", type(error).__name__)
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), self._pause())
            await self._newer.wait()
