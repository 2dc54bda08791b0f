"""The Discord client: intents, cogs, buttons, and commands that are synced only when they changed."""

import asyncio
import hashlib
import json
import logging
from pathlib import Path
from typing import Any

import discord
from discord.ext import commands

from bot.adding import Adder
from bot.cogs.about import About
from bot.cogs.asking import Asking
from bot.cogs.library import Library
from bot.cogs.settings import Settings
from bot.cogs.unasked import Unasked
from bot.desk import Desk
from bot.failing import tell_failure
from bot.libraries import Libraries
from bot.lifeline import forgiving, watch
from bot.listing import PageButton
from bot.once import CommandsOnce
from bot.views import AnswerButton

log = logging.getLogger(__name__)

# docs/discord.md says what for
PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    read_message_history=True,
    attach_files=True,
)

PORTAL = "https://discord.com/developers/applications"
_NAMED = 10  # servers in a line of the log


def intents(*, message_content: bool) -> discord.Intents:
    """Guilds and messages. Without the privileged message content, Discord still gives the text of mentions,
    of replies that ping the bot, and of direct messages.
    """
    return discord.Intents(
        guilds=True, guild_messages=True, dm_messages=True, message_content=message_content
    )


class FootnoteBot(commands.AutoShardedBot):
    """The bot: `desk` answers, `libraries` and `adder` keep each server's articles."""

    grace = 8.0  # seconds for the answers in flight at the end
    patience = 15.0  # seconds for the acknowledgement of a heartbeat

    def __init__(
        self,
        desk: Desk,
        libraries: Libraries,
        adder: Adder,
        state: Path,
        *,
        message_content: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            tree_cls=CommandsOnce,
            intents=intents(message_content=message_content),
            # discord.py sends no allowed_mentions by default, and then everything in an answer pings
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            **options,
        )
        self.desk, self.libraries, self.adder = desk, libraries, adder
        self.asking = Asking(self)
        self.unasked = Unasked(self, self.asking)
        self._state = state
        self._watching: asyncio.Task[None] | None = None
        self._connection.parsers = forgiving(self._connection.parsers)
        self.tree.error(tell_failure)

    async def setup_hook(self) -> None:
        """Before the gateway: cogs, buttons, commands."""
        await self.add_cog(self.asking)
        await self.add_cog(About(self))
        await self.add_cog(Library(self))
        await self.add_cog(Settings(self))
        await self.add_cog(self.unasked)
        self.add_dynamic_items(AnswerButton, PageButton)
        await self._sync_commands()
        self._watching = asyncio.create_task(watch(self, self.patience))

    async def close(self) -> None:
        """End, whoever asks for it; before that, answers in flight are finished, or say that we restart."""
        if not self.is_closed():
            if self._watching is not None:
                self._watching.cancel()
            await self.asking.finish(self.grace)
        await super().close()

    async def on_ready(self) -> None:
        """Say that we are there, and what cannot work."""
        log.info("connected as %s to %d servers", self.user, len(self.guilds))
        if not self.intents.message_content:
            await self._warn_of_blindness()

    async def on_message(self, message: discord.Message, /) -> None:
        """No commands by prefix: `Asking` listens."""

    async def on_error(self, event_method: str, /, *_args: Any, **_kwargs: Any) -> None:
        """Keep going; what failed is in the log."""
        log.error("an event (%s) could not be dealt with", event_method, exc_info=True)  # noqa: LOG014  (we are in its handler)

    async def _warn_of_blindness(self) -> None:
        """Name the servers whose settings need an intent that we run without: Discord gives no error."""
        chosen = await asyncio.to_thread(self.desk.database.answered_unasked)
        blind = [str(guild.id) for guild in self.guilds if str(guild.id) in chosen]
        if blind:
            log.warning(
                "%d servers have channels that are to be answered unasked (%s), but the message content "
                "intent is off: switch it on at %s, Bot, Privileged Intents, and set "
                "BOT_MESSAGE_CONTENT=true",
                len(blind),
                ", ".join(blind[:_NAMED]),
                PORTAL,
            )

    async def _sync_commands(self) -> None:
        """Tell Discord our commands, which it allows 200 times a day only."""
        told = [command.to_dict(self.tree) for command in self.tree.get_commands()]
        digest = hashlib.sha256(json.dumps([self.application_id, told], sort_keys=True).encode()).hexdigest()
        if self._state.is_file() and self._state.read_text(encoding="utf-8") == digest:
            return
        await self.tree.sync()
        self._state.parent.mkdir(parents=True, exist_ok=True)
        self._state.write_text(digest, encoding="utf-8")
        log.info("told Discord %d commands", len(told))
