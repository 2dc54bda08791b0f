"""Answering without being asked, in the channels and forums that a server has chosen; and saying hello, once.

Only questions, only when sure, never when staff has spoken meanwhile; a few messages typed in a row are one.
"""

import asyncio
import logging
import re
from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from bot.answering.question import Kind, content_words, understand
from bot.cogs.asking import Asking
from bot.database import GuildSettings
from bot.libraries import Inquiry
from bot.sending import Lost
from bot.tagging import add_tag
from vectorstore.datatypes import UserError

if TYPE_CHECKING:
    from bot.client import FootnoteBot

log = logging.getLogger(__name__)

PAUSE = 3.0  # seconds without a further message of the same member
# probability. python -m training.fit_verifier, unseen paragraphs: from .6 on 78 % of answers are right (at
# the shipped threshold 59 %), and 6 % of the questions without an answer get one (28 %). A chat model is only
# asked where the built-in answerer is so sure, and its sentences must be as well supported
SURE = 0.6
_MOST_WAITING = 1000  # members whose messages are being gathered
_QUESTION = 1500  # characters
_OPENS = re.compile(
    r"\s*(?:who|whom|whose|what|when|where|why|how|which|is|are|was|were|do|does|did|can|could|has|have|will)\b",
    re.IGNORECASE,
)
HELLO = (
    "Hello! I answer questions from this community's articles and show the sentence I read the answer in. "
    "Try `/ask`. Who may manage the server adds articles with `/library add`; `/help` shows the rest."
)


class Unasked(commands.Cog):
    """Watches the chosen channels."""

    def __init__(self, bot: "FootnoteBot", asking: Asking) -> None:
        self.bot = bot
        self.pause = PAUSE
        self._asking = asking
        self._gathered: dict[tuple[int, int], list[discord.Message]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._staff_spoke: dict[int, int] = {}  # channel -> the last message of staff in it

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Note that staff has spoken in a chosen channel: with a picture alone, or to the bot, as well."""
        if message.guild is None or message.author.bot or message.is_system():
            return
        settings = await self.bot.desk.settings(message.guild.id)
        if _chosen(message.channel, settings) and _is_staff(message.author, settings):
            last = self._staff_spoke.get(message.channel.id, 0)
            self._staff_spoke[message.channel.id] = max(last, message.id)

    async def consider(self, message: discord.Message) -> None:
        """Gather what a member says in a chosen channel; the message was not meant for the bot."""
        if message.guild is None or not message.content.strip():
            return
        settings = await self.bot.desk.settings(message.guild.id)
        if not _chosen(message.channel, settings) or _is_staff(message.author, settings):
            return
        if message.reference is not None or len(self._gathered) >= _MOST_WAITING:
            return
        key = (message.channel.id, message.author.id)
        first = key not in self._gathered
        self._gathered.setdefault(key, []).append(message)
        if first:
            task = asyncio.create_task(self._wait(key))
            self._tasks.add(task)  # the loop itself keeps no hold of a task
            task.add_done_callback(self._tasks.discard)

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Say in the system channel, once, how to begin."""
        if (await self.bot.desk.settings(guild.id)).greeted or guild.system_channel is None:
            return
        await self.bot.desk.change(guild.id, greeted=True)
        try:
            await guild.system_channel.send(HELLO)
        except (discord.HTTPException, *Lost):
            log.info("could not say hello in server %d", guild.id)

    async def cog_unload(self) -> None:
        """Nothing goes on after the end."""
        for task in self._tasks:
            task.cancel()

    async def _wait(self, key: tuple[int, int]) -> None:
        count = 0
        while len(self._gathered[key]) > count:
            count = len(self._gathered[key])
            await asyncio.sleep(self.pause)
        # ids grow with time; the events of two messages may overtake each other while settings are read
        messages = sorted(self._gathered.pop(key), key=lambda message: message.id)
        try:
            with self._asking.working():
                await self._answer(messages)
        except UserError as error:
            log.info("a question was not answered unasked: %s", error)
        except (discord.HTTPException, *Lost) as error:
            log.error("an answer could not be sent (%s)", type(error).__name__)  # noqa: TRY400  (URLs hold tokens)
        except Exception:
            log.exception("a question could not be answered")

    async def _answer(self, messages: list[discord.Message]) -> None:
        last = messages[-1]
        question = "\n".join(message.content.strip() for message in messages)[:_QUESTION]
        opening = isinstance(last.channel, discord.Thread) and messages[0].id == last.channel.id
        if opening:
            question = f"{last.channel.name}\n{question}"[:_QUESTION]  # type: ignore[union-attr]
        if not (opening or is_question(question)):
            return
        guild = last.guild.id if last.guild else None
        inquiry = Inquiry(question=question, member=last.author.id, guild=guild, sure=SURE)
        given = await self.bot.desk.ask(inquiry)
        if self._staff_spoke.get(last.channel.id, 0) > messages[0].id:
            return
        if given.answer.abstained or given.answer.trace.likelihood < SURE:
            if opening:
                await self._tag(last)
            await self._asking.tell_helpers(given, last.guild, last.channel, last.jump_url)
            return
        await self._asking.send(last, given)

    async def _tag(self, post: discord.Message) -> None:
        """Mark a post as not answered, where the server wants it."""
        settings = await self.bot.desk.settings(post.guild.id if post.guild else None)
        if settings.unanswered_tag and isinstance(post.channel, discord.Thread):
            await add_tag(post.channel, settings.unanswered_tag)


def is_question(text: str) -> bool:
    """Whether somebody asks for something, as opposed to talking."""
    says = bool(content_words(text))
    return says and (
        text.rstrip().endswith("?") or (bool(_OPENS.match(text)) and understand(text).kind is not Kind.OTHER)
    )


def _chosen(channel: object, settings: GuildSettings) -> bool:
    own = getattr(channel, "id", None)
    parent = channel.parent_id if isinstance(channel, discord.Thread) else None
    return own in settings.auto_channels or parent in settings.auto_channels


def _is_staff(author: discord.User | discord.Member, settings: GuildSettings) -> bool:
    if not isinstance(author, discord.Member):
        return False
    if any(role.id == settings.staff_role for role in author.roles):
        return True
    # a forum's or server's default role may manage messages in small servers: then everybody would be staff
    default = author.guild.default_role.permissions.manage_messages
    return author.guild_permissions.manage_messages and not default
