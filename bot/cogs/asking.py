"""Asking: /ask, the context menu, mentions, replies, threads and direct messages."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands
from sqlalchemy.exc import SQLAlchemyError

from bot.conversation import begun_by, history_of, referenced, spoken_to, without_mention
from bot.desk import Given
from bot.failing import SORRY, refusal
from bot.libraries import Inquiry
from bot.once import Once
from bot.reply import Reply, plain, render
from bot.sending import Lost, acknowledge, may_repeat, may_write, reply_or_tell, send_reply
from bot.streaming import PAUSE, Stream
from bot.views import buttons
from bot.waiting import Below, InPlace, Place
from vectorstore.datatypes import UserError

if TYPE_CHECKING:
    from bot.client import FootnoteBot

log = logging.getLogger(__name__)

RESTARTING = "I am being restarted: please ask again in a moment."
_HELLO = "Ask me a question, and I look it up in the articles."
_UNSEEN = (
    "Discord does not show me that message: right-click it, or hold it on a phone, and choose *Apps*, "
    "*Ask about this*."
)
_REMEMBERED = 2000  # threads
_SOON = 1.0  # seconds, of the three in which a command must be acknowledged
_QUESTION = 1500  # characters

Interaction = discord.Interaction[Any]


class Asking(commands.Cog):
    """Takes questions wherever they are asked and answers there."""

    def __init__(self, bot: "FootnoteBot") -> None:
        self.bot = bot
        self._busy = 0  # questions that are being answered
        self._idle = asyncio.Event()
        self._idle.set()
        self.pause = PAUSE
        self._open: dict[Place, Stream] = {}  # where an answer is waited for
        self._tasks: dict[Place, asyncio.Task[Any]] = {}  # who waits there
        self._ending = False
        self._once = Once()
        self._threads: dict[int, bool] = {}  # whether they began with the bot
        self._menu = app_commands.ContextMenu(name="Ask about this", callback=self._about)

    async def cog_load(self) -> None:
        """Register the context menu, which cannot be declared inside a cog."""
        self.bot.tree.add_command(self._menu)

    @app_commands.command(name="ask", description="Ask the articles")
    @app_commands.describe(question="What do you want to know?", private="Show the answer to you alone")
    async def ask(
        self,
        interaction: Interaction,
        question: app_commands.Range[str, 1, _QUESTION],
        private: bool | None = None,
    ) -> None:
        """/ask."""
        if private is None:
            private = await self._is_private(interaction.guild_id)
        await self._respond(interaction, question, private=private)

    async def _about(self, interaction: Interaction, message: discord.Message) -> None:
        """Take a message's text as the question; shown to the one who asked alone."""
        me = self.bot.user
        assert me is not None  # noqa: S101  (we are connected)
        text = without_mention(message.content, me)[:_QUESTION]
        if not text:
            await interaction.response.send_message("There is no text in that message.", ephemeral=True)
            return
        await self._respond(interaction, text, private=True)

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Answer a message that is meant for the bot; what is not may be answered unasked."""
        # a new name of a thread, a pin: Discord writes such messages in the name of who did it
        if message.author.bot or message.is_system() or not self._once.first(message.id):
            return
        question = await self._question_in(message)
        if question is None:
            await self.bot.unasked.consider(message)
            return
        try:
            with self.working():
                await self._reply_to(message, question)
        except (discord.HTTPException, *Lost) as error:
            log.error("an answer could not be sent (%s)", type(error).__name__)  # noqa: TRY400  (URLs hold tokens)

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Hold the end of the bot up while a question is being answered."""
        self._busy += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._busy -= 1
            if self._busy == 0:
                self._idle.set()

    # ---- inside

    async def _question_in(self, message: discord.Message) -> str | None:
        """The question in a message; None if it is not meant for the bot."""
        me = self.bot.user
        assert me is not None  # noqa: S101  (we are connected)
        text = without_mention(message.content, me)
        before = await referenced(message) if message.reference else None
        if before is not None and before.author.id == me.id:
            return text or None
        if spoken_to(message, me):
            # "@Footnote" in reply to somebody's question asks that question
            return text or (without_mention(before.content, me) if before is not None else "")
        if not text or message.guild is None:
            return text or None
        return text if await self._in_own_thread(message.channel, me) else None

    async def _is_private(self, guild: int | None) -> bool:
        """What a server has set; where the database does not say in time, the asker alone sees the answer."""
        try:
            async with asyncio.timeout(_SOON):
                return (await self.bot.desk.settings(guild)).private
        except (TimeoutError, SQLAlchemyError):
            return True

    async def _in_own_thread(self, channel: object, me: discord.ClientUser) -> bool:
        """Whether a thread began with the bot; Discord is asked once a thread, not once a message."""
        if not isinstance(channel, discord.Thread):
            return False
        if channel.id not in self._threads:
            if len(self._threads) >= _REMEMBERED:
                self._threads.clear()
            try:
                self._threads[channel.id] = await begun_by(channel, me)
            except (discord.HTTPException, *Lost):
                return False  # this once: the next message in it asks again
        return self._threads[channel.id]

    async def _reply_to(self, message: discord.Message, question: str) -> None:
        me = self.bot.user
        assert me is not None  # noqa: S101  (we are connected)
        if not question:
            # without the intent, what a message says that does not mention the bot is empty
            blind = message.reference is not None and not self.bot.intents.message_content
            await reply_or_tell(message, Reply((_UNSEEN if blind else _HELLO,)), None)
            return
        async with Below(message) as place:
            inquiry = Inquiry(
                question=question,
                history=await history_of(message, me),
                member=message.author.id,
                guild=message.guild.id if message.guild else None,
            )
            given = await self._answer(place, inquiry)
        if given is not None:
            await self.tell_helpers(given, message.guild, message.channel, message.jump_url)

    async def _respond(self, interaction: Interaction, question: str, *, private: bool) -> None:
        try:
            with self.working():
                if await acknowledge(interaction, private=private):
                    inquiry = Inquiry(
                        question=question, member=interaction.user.id, guild=interaction.guild_id
                    )
                    given = await self._answer(InPlace(interaction, question, private=private), inquiry)
                    if given is not None and not private:
                        await self.tell_helpers(given, interaction.guild, interaction.channel, "")
        except (discord.HTTPException, *Lost) as error:
            log.error("an answer could not be sent (%s)", type(error).__name__)  # noqa: TRY400  (URLs hold tokens)

    async def _answer(self, place: Place, inquiry: Inquiry) -> Given | None:
        """Answer in a place; gives the answer, None if there is none."""
        if self._ending:
            await place.finish(Reply((RESTARTING,)), None)
            return None
        given: Given | None = None
        view: discord.ui.View | None = None
        if (task := asyncio.current_task()) is not None:
            self._tasks[place] = task
        stream = self._open[place] = Stream(place.show, lambda: self._pause(place))

        async def notice(before: int) -> None:
            if place in self._open:  # else it was told that we are restarting
                await place.wait(before)

        try:
            given = await self.bot.desk.ask(inquiry, notice=notice, on_text=stream.tell)
            reply, view = _rendered(given, place.question), _buttons(given)
        except UserError as error:
            reply = Reply((refusal(error),))
        except Exception:  # the last barrier: its text is for the log alone
            log.exception("a question could not be answered")
            reply = Reply((SORRY,))
        await self._finish(place, reply, view)
        return given

    def _pause(self, place: Place) -> float:
        """Seconds between two edits: answers in the same channel take turns, or their ends would queue up."""
        return self.pause * sum(other.bucket == place.bucket for other in self._open)

    async def _finish(self, place: Place, reply: Reply, view: discord.ui.View | None = None) -> None:
        """Close a place, once: with the answer, or with the word that we are restarting."""
        stream = self._open.pop(place, None)
        self._tasks.pop(place, None)
        if stream is not None:
            await stream.end()
            await place.finish(reply, view)

    async def send(self, message: discord.Message, given: Given) -> None:
        """Reply to a message with an answer nobody asked for; where that is not allowed, nobody misses it."""
        if may_write(message.channel):
            await send_reply(message, _rendered(given), _buttons(given))

    async def tell_helpers(
        self, given: Given, guild: discord.Guild | None, said_in: object, link: str
    ) -> None:
        """Where a server wants it, note what the articles do not answer. Without a mention.

        What was asked where not all of the helpers' channel can read is not repeated there.
        """
        if guild is None or not given.answer.abstained:
            return
        channel_id = (await self.bot.desk.settings(guild.id)).helpers_channel
        channel = guild.get_channel(channel_id) if channel_id else None
        if isinstance(channel, discord.abc.Messageable) and may_write(channel):
            question = plain(" ".join(given.answer.question.split()))[:1500]
            if not may_repeat(said_in, channel):
                question = "a question" if link else ""
            if not question:
                return
            note = f"Not in the articles: {question} {link}".strip()
            with contextlib.suppress(discord.HTTPException, *Lost):
                await channel.send(note, suppress_embeds=True)

    async def finish(self, seconds: float) -> None:
        """Let the answers in flight end; leave no "thinking…" behind. Who asks now is told at once."""
        self._ending = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), seconds / 2)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._say_restarting(), seconds / 2)

    async def _say_restarting(self) -> None:
        await asyncio.gather(*map(self._give_up, list(self._open)), return_exceptions=True)
        await self._idle.wait()  # also for those who ask meanwhile

    async def _give_up(self, place: Place) -> None:
        task = self._tasks.get(place)
        try:
            await self._finish(place, Reply((RESTARTING,)))
        finally:
            if task is not None:
                task.cancel()  # nobody waits for it any more


def _rendered(given: Given, question: str = "") -> Reply:
    closest = given.closest if given.answer.abstained else ()
    return render(given.answer, question=question, closest=closest, origin=given.origin)


def _buttons(given: Given) -> discord.ui.View | None:
    """None for an answer that is not kept: there is nothing that they could show."""
    return None if given.number is None else buttons(given.number, given.answer)
