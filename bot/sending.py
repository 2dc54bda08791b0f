"""Sending to Discord so that a reset connection or a busy server loses nothing and says nothing twice."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import aiohttp
import discord

log = logging.getLogger(__name__)

T = TypeVar("T")
Lost = (OSError, aiohttp.ClientError)
"""What discord.py lets through when a connection is reset; neither is a discord.HTTPException."""

_PAUSES = (0.3, 1.0, 3.0)


async def robustly(call: Callable[[], Awaitable[T]], pauses: tuple[float, ...] = _PAUSES) -> T:
    """Call until it succeeds, with a pause between; for calls that may be repeated.

    discord.py repeats 500, 502 and 504 by itself, but neither 503 nor a lost connection.
    """
    for pause in pauses:
        try:
            return await call()
        except Lost as error:
            log.warning("connection to Discord lost while sending (%s): once more", type(error).__name__)
        except discord.HTTPException as error:
            if error.status != 503:
                raise
            log.warning("Discord is unavailable (503): once more")
        await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311
    return await call()
