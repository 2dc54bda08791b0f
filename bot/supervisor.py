"""Keeps the Discord client alive: starts it anew, with growing pauses, when discord.py gives up.

discord.py 2.7 ends for good when Discord cannot be reached at the first connect, and on a malformed event.
What no new attempt can mend (a wrong token, a missing intent) ends the process with a line that says so.
"""

import asyncio
import contextlib
import logging
import random
import signal
import time
from collections.abc import Callable

import discord

from bot.client import PORTAL, FootnoteBot
from vectorstore.datatypes import UserError

log = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
_SETTLED = 300.0  # seconds of life after which a failure counts as the first again
_GRACE = 8.0  # seconds for the answers in flight at the end


async def supervise(
    build: Callable[[], FootnoteBot],
    token: str,
    *,
    first_pause: float = _FIRST_PAUSE,
    grace: float = _GRACE,
) -> None:
    """Run a bot until SIGTERM or SIGINT. Raises UserError for what only the operator can mend."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_ in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(signal_, stop.set)
    failures = 0
    while not stop.is_set():
        began = time.monotonic()
        bot = build()
        await _run(bot, token, stop, grace)
        if stop.is_set():
            return
        failures = 1 if time.monotonic() - began > _SETTLED else failures + 1
        pause = min(_LONGEST_PAUSE, first_pause * 2 ** (failures - 1)) * random.uniform(0.5, 1.5)  # noqa: S311
        log.warning("connecting to Discord again in %.0f s", pause)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)


async def _run(bot: FootnoteBot, token: str, stop: asyncio.Event, grace: float) -> None:
    """One life of a client."""
    client = asyncio.create_task(bot.start(token))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({client, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            await _finish(bot, grace)
    finally:
        stopping.cancel()
        with contextlib.suppress(Exception):
            await asyncio.wait_for(bot.close(), grace)
        client.cancel()
        outcome = (await asyncio.gather(client, return_exceptions=True))[0]
    if not stop.is_set() and isinstance(outcome, BaseException):
        _explain(outcome)


async def _finish(bot: FootnoteBot, grace: float) -> None:
    """Let the answers in flight end; tell the others that we are restarting."""
    log.info("stopping")
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(bot.asking.idle.wait(), grace / 2)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(bot.asking.say_restarting(), grace / 2)


def _explain(error: BaseException) -> None:
    """Raise what the operator must mend; log the rest, without the text that may hold a token."""
    match error:
        case discord.LoginFailure():
            raise UserError(f"Discord refuses DISCORD_TOKEN: copy it again from {PORTAL}, Bot, Reset Token")
        case discord.PrivilegedIntentsRequired():
            raise UserError(f"Discord refuses an intent: switch it on at {PORTAL}, Bot, Privileged Intents")
        case discord.ConnectionClosed(code=4004):
            raise UserError(f"Discord refuses DISCORD_TOKEN: copy it again from {PORTAL}, Bot, Reset Token")
        case discord.ConnectionClosed(code=4014):
            raise UserError(f"Discord refuses an intent: switch it on at {PORTAL}, Bot, Privileged Intents")
        case _:
            log.error("the Discord client ended (%s)", type(error).__name__)
