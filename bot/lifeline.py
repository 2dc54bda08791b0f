"""What discord.py 2.7 lacks on the gateway: it dies of a malformed event, and trusts a dying connection."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Any

import discord
from discord.gateway import DiscordWebSocket

from bot.sending import Lost

log = logging.getLogger(__name__)

Parser = Callable[[Any], None]

_EVERY = 0.2  # of the patience: how often the connections are looked at


def forgiving(parsers: dict[str, Parser]) -> dict[str, Parser]:
    """The parsers of Discord's events, so that one malformed event is lost and not the whole client."""
    return {event: _forgiving(event, parser) for event, parser in parsers.items()}


def _forgiving(event: str, parser: Parser) -> Parser:
    def parse(data: Any) -> None:
        try:
            parser(data)
        except Exception:  # of whatever kind: it comes from outside, and the next event may be fine
            log.exception("an event of Discord (%s) could not be read", event)

    return parse


async def watch(client: discord.AutoShardedClient, patience: float) -> None:
    """Reconnect a shard whose heartbeat has not been acknowledged after `patience` seconds, for ever.

    discord.py takes any frame for a sign of life, but a gateway that acknowledges no heartbeat has lost us.
    """
    while True:
        await asyncio.sleep(patience * _EVERY)
        for id_, shard in client.shards.items():
            connection = shard._parent.ws
            if _overdue(connection) > patience:
                log.warning("shard %d: heartbeats are not acknowledged, connecting again", id_)
                with contextlib.suppress(*Lost):
                    await connection.close(code=4000)  # not 1000, so that the session can be resumed


def _overdue(connection: DiscordWebSocket) -> float:
    """For how many seconds an acknowledgement has been due: one follows each heartbeat."""
    heart = connection._keep_alive
    if heart is None or heart.interval is None:
        return 0
    return time.perf_counter() - heart._last_ack - heart.interval
