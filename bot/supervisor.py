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

# seconds; two minutes between attempts, for Discord takes the token away after 1,000 identifications in a day
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 120.0
_SETTLED = 300.0  # seconds of life after which a failure counts as the first again
_HANG_UP = 1.5  # seconds for closing the connections, after the grace for the answers


async def supervise(
    build: Callable[[], FootnoteBot],
    token: str,
    *,
    first_pause: float = _FIRST_PAUSE,
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
        await _run(bot, token, stop)
        if stop.is_set():
            return
        failures = 1 if time.monotonic() - began > _SETTLED else failures + 1
        pause = min(_LONGEST_PAUSE, first_pause * 2 ** (failures - 1)) * random.uniform(0.5, 1.5)  # noqa: S311
        log.warning("connecting to Discord again in %.0f s", pause)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)


async def _run(bot: FootnoteBot, token: str, stop: asyncio.Event) -> None:
    """One life of a client."""
    client = asyncio.create_task(bot.start(token))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({client, stopping}, return_when=asyncio.FIRST_COMPLETED)
        log.info("stopping" if stop.is_set() else "the connection to Discord has ended")
    finally:
        stopping.cancel()
        with contextlib.suppress(Exception):
            await asyncio.wait_for(bot.close(), bot.grace + _HANG_UP)
        client.cancel()
        outcome = (await asyncio.gather(client, return_exceptions=True))[0]
    if not stop.is_set() and isinstance(outcome, BaseException):
        _explain(outcome)


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
        case discord.ConnectionClosed(code=4010 | 4011):
            raise UserError("Discord refuses these shards: set BOT_SHARD_IDS and BOT_SHARD_COUNT anew")
        case discord.ConnectionClosed(code=4012 | 4013):
            raise UserError("Discord no longer understands this version of the bot: update it")
        case _:
            log.error("the Discord client ended (%s)", type(error).__name__)
