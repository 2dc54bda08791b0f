"""Tells a member whose question waits how many are before it, where the answer is going to stand."""

import contextlib

import discord

from bot.sending import Interaction, Lost, may_write, reply_once

SMALL = "-# "
"""Discord's mark for small print; what the bot says in it alone is no answer."""


class Below:
    """The notice below a message that asks; taken away when the answer comes."""

    def __init__(self, message: discord.Message) -> None:
        self._message = message
        self._sent: discord.Message | None = None

    async def tell(self, place: int) -> None:
        """Say the place, or change what was said."""
        if not may_write(self._message.channel):
            return
        with contextlib.suppress(discord.HTTPException, *Lost):
            if self._sent is None:
                self._sent = await reply_once(self._message, before(place))
            else:
                await self._sent.edit(content=before(place))

    async def remove(self) -> None:
        """Make room for the answer."""
        if self._sent is not None:
            with contextlib.suppress(discord.HTTPException, *Lost):
                await self._sent.delete()


async def tell_instead(interaction: Interaction, place: int) -> None:
    """Say the place instead of "thinking…"; the answer will take its place in turn."""
    with contextlib.suppress(discord.HTTPException, *Lost):
        await interaction.edit_original_response(content=before(place))


def before(place: int) -> str:
    """How many questions are before one, for its asker."""
    if place == 1:
        return f"{SMALL}Your question is the next one."
    questions = "1 question is" if place == 2 else f"{place - 1} questions are"
    return f"{SMALL}{questions} before yours."
