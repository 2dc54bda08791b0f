"""Where an answer is going to stand: what is shown there until it comes, and that it comes."""

import contextlib
import logging
from typing import Protocol, Self

import discord

from bot.reply import Reply, unfinished
from bot.sending import (
    Interaction,
    Lost,
    deliver,
    edit_in,
    go_on,
    may_write,
    reply_once,
    reply_or_tell,
    typing,
)

log = logging.getLogger(__name__)

SMALL = "-# "
"""Discord's mark for small print; what the bot says in it alone is no answer."""


class Place(Protocol):
    """Where one question is answered."""

    question: str
    """Shown above the answer; "" where Discord shows it."""
    bucket: int
    """Places of the same bucket share Discord's limit of edits."""

    async def wait(self, place: int) -> None:
        """Say how many questions come before; raises nothing."""

    async def show(self, text: str) -> None:
        """Show the answer as far as it is written."""

    async def finish(self, reply: Reply, view: discord.ui.View | None) -> None:
        """Show the answer, in the place of all that was shown."""


class Below:
    """Below a message that asks; in there "typing…" is shown until there is something to read."""

    question = ""

    def __init__(self, message: discord.Message) -> None:
        self.bucket = message.channel.id
        self._message = message
        self._notice: discord.Message | None = None
        self._begun: discord.Message | None = None  # the answer as far as it is written
        self._typing = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Type."""
        await self._typing.enter_async_context(typing(self._message.channel))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave nothing behind but the answer."""
        await self._make_room()

    async def wait(self, place: int) -> None:
        """A reply, taken away when the answer comes."""
        if not may_write(self._message.channel):
            return
        with contextlib.suppress(discord.HTTPException, *Lost):
            if self._notice is None:
                self._notice = await reply_once(self._message, before(place))
            else:
                await self._notice.edit(content=before(place))

    async def show(self, text: str) -> None:
        """A reply, then its edits; nothing where the bot may not write: there the answer comes as a whole."""
        if self._begun is not None:
            await self._begun.edit(content=unfinished(text), suppress=True)
        elif may_write(self._message.channel):
            await self._make_room()
            self._begun = await reply_once(self._message, unfinished(text))

    async def finish(self, reply: Reply, view: discord.ui.View | None) -> None:
        """The reply's last edit; a reply of its own where that cannot be."""
        await self._make_room()
        if self._begun is not None:
            try:
                await edit_in(self._begun, reply, view)
            except (discord.HTTPException, *Lost) as error:
                log.warning("an answer is sent anew (%s)", type(error).__name__)
                with contextlib.suppress(discord.HTTPException, *Lost):
                    await self._begun.delete()
            else:
                await go_on(self._begun, reply.messages[1:])
                return
        await reply_or_tell(self._message, reply, view)

    async def _make_room(self) -> None:
        await self._typing.aclose()
        notice, self._notice = self._notice, None
        if notice is not None:
            with contextlib.suppress(discord.HTTPException, *Lost):
                await notice.delete()


class InPlace:
    """In the place of the "thinking…" of a slash command, which does not show what was asked."""

    def __init__(self, interaction: Interaction, question: str, *, private: bool) -> None:
        self.question, self.bucket = question, interaction.id
        self._interaction, self._private = interaction, private

    async def wait(self, place: int) -> None:
        """Instead of "thinking…"."""
        with contextlib.suppress(discord.HTTPException, *Lost):
            await self._interaction.edit_original_response(content=before(place))

    async def show(self, text: str) -> None:
        """Instead of "thinking…", and of what was shown before."""
        await self._interaction.edit_original_response(content=unfinished(text, question=self.question))

    async def finish(self, reply: Reply, view: discord.ui.View | None) -> None:
        """The last edit."""
        await deliver(self._interaction, reply, view, private=self._private)


def before(place: int) -> str:
    """How many questions are before one, for its asker."""
    if place == 1:
        return f"{SMALL}Your question is the next one."
    questions = "1 question is" if place == 2 else f"{place - 1} questions are"
    return f"{SMALL}{questions} before yours."
