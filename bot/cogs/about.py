"""/help and /privacy: what the bot can do, and what it keeps."""

import asyncio
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.sending import acknowledge, tell

if TYPE_CHECKING:
    from bot.client import FootnoteBot

Interaction = discord.Interaction[Any]

HELP = """**Footnote** answers from this community's articles and shows the sentence it read the answer in.
- `/ask`, or mention me with a question; reply to an answer to ask on
- right-click a message, *Apps*, *Ask about this*
- in a direct message, just ask
Under an answer: **Sources** shows the passages in full, **Why** shows how they were found, 👍 and 👎 tell us
how it was, **Delete** removes it. What the articles do not say, I do not know.
-# `/privacy` shows and deletes what is kept about you"""


class About(commands.Cog):
    """Commands about the bot itself."""

    def __init__(self, bot: "FootnoteBot") -> None:
        self.bot = bot

    @app_commands.command(name="help", description="What Footnote can do")
    async def help(self, interaction: Interaction) -> None:
        """/help."""
        await interaction.response.send_message(HELP, ephemeral=True)

    @app_commands.command(name="privacy", description="See or delete what is kept about you")
    @app_commands.describe(delete="Delete it all")
    async def privacy(self, interaction: Interaction, delete: bool = False) -> None:
        """/privacy."""
        if not await acknowledge(interaction):
            return
        database, member = self.bot.desk.database, str(interaction.user.id)
        found = await asyncio.to_thread(database.count, member)
        kept = f"{found.answers} of your questions with their answers, {found.votes} of your votes"
        if found.additions:
            kept += f", that {found.additions} articles were added by you"
        if delete:
            await asyncio.to_thread(database.forget, member)
            told = f"Deleted: {kept}."
        else:
            told = f"Kept: {kept}, and nothing else about you. `/privacy delete:True` deletes it."
        await tell(interaction, told)
