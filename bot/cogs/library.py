"""/library: the articles of this server, for those who may manage it."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands
from sqlalchemy.exc import SQLAlchemyError

from bot.adding import Added
from bot.failing import refusal
from bot.libraries import own_library
from bot.listing import listing
from bot.reply import plain
from bot.sending import acknowledge, tell
from vectorstore.datatypes import UserError
from vectorstore.store import ArticleRow

if TYPE_CHECKING:
    from bot.client import FootnoteBot

log = logging.getLogger(__name__)

Interaction = discord.Interaction[Any]

_CHOICES = 25  # that Discord shows
_LARGEST = 20_000_000  # bytes of an attachment
_SHOWN = 1500  # characters of an article
_MOST = 3  # articles of a server that are added at once; each file is in memory until its turn comes
_PATIENCE = 1.0  # seconds, at the end
_RESTARTING = "I am being restarted: please try again in a moment."


@app_commands.guild_only()
@app_commands.default_permissions(manage_guild=True)
class Library(commands.GroupCog, group_name="library", group_description="The articles of this server"):
    """Add, list, show and remove; Discord itself asks for the permission to manage the server."""

    def __init__(self, bot: "FootnoteBot") -> None:
        self.bot = bot
        self._at_work: dict[Interaction, asyncio.Task[Any]] = {}  # adding and removing

    async def cog_unload(self) -> None:
        """Leave no "Reading …" behind."""
        told = asyncio.gather(*map(_give_up, self._at_work.items()), return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(told, _PATIENCE)

    @app_commands.command(
        name="add", description="Add an article: a file (txt, md, html, pdf, docx) or a link"
    )
    @app_commands.describe(
        file="A text, Markdown, HTML, PDF or Word file", link="A web page, or a PDF or Word file"
    )
    async def add(
        self, interaction: Interaction, file: discord.Attachment | None = None, link: str | None = None
    ) -> None:
        """/library add."""
        guild = _guild(interaction)
        if (file is None) is (link is None):
            await tell(interaction, "Give one file, or one link.")
            return
        if file is not None and file.size > _LARGEST:
            await tell(interaction, f"The file is larger than {_LARGEST:,} bytes.")
            return
        if sum(each.guild_id == guild for each in self._at_work) >= _MOST:
            await tell(interaction, f"{_MOST} articles are being added here already: wait for one of them.")
            return
        with self._working(interaction):
            if await acknowledge(interaction):
                await self._add(interaction, guild, file, link)

    async def _add(
        self, interaction: Interaction, guild: int, file: discord.Attachment | None, link: str | None
    ) -> None:
        name = plain(file.filename if file else link or "")[:200]
        await interaction.edit_original_response(content=f"Reading {name} …")
        try:
            if file is not None:
                added = await self.bot.adder.file(file.filename, await file.read(), own_library(guild))
            else:
                added = await self.bot.adder.link(link or "", own_library(guild))
        except UserError as error:
            await interaction.edit_original_response(content=f"{name}: {refusal(error)}")
            return
        except discord.HTTPException:
            await interaction.edit_original_response(content=f"{name}: Discord did not hand the file over.")
            return
        log.info("server %d: member %d added an article", guild, interaction.user.id)
        await self._credit(guild, added, interaction.user.id)
        told = {"new": "is in the library", "changed": "has taken the place of its last version"}
        state = told.get(added.state, "was in the library already, unchanged")
        passages = f"{added.chunks} passages, ready in {added.seconds:.1f} s"
        await interaction.edit_original_response(content=f"{name} {state}: {passages}. Ask with `/ask`.")

    async def _credit(self, guild: int, added: Added, member: int) -> None:
        """Keep who added it; the article is in the library, whether or not that can be kept."""
        try:
            await self.bot.desk.credit(guild, added.source, member, anew=added.state != "unchanged")
        except SQLAlchemyError as error:
            log.error("who added an article could not be kept (%s)", type(error).__name__)  # noqa: TRY400  (one line says it)

    @app_commands.command(name="list", description="The articles of this server")
    async def list_(self, interaction: Interaction) -> None:
        """/library list."""
        if not await acknowledge(interaction):
            return
        content, view = listing(await self._rows(interaction))
        await interaction.edit_original_response(content=content, view=view)

    @app_commands.command(name="show", description="What is kept of an article")
    async def show(self, interaction: Interaction, article: str) -> None:
        """/library show."""
        if not await acknowledge(interaction):
            return
        row = await self._row(interaction, article)
        if row is None:
            await tell(interaction, "There is no such article: choose one from the list.")
            return
        addition = await self.bot.desk.addition(_guild(interaction), row)
        by = f"<@{addition.member}>, <t:{int(addition.when.timestamp())}:f>" if addition else "not known"
        facts = [
            f"**{plain(row.info.title)}**",
            f"added by: {by}",
            f"source: {plain(row.info.source)}",
            f"date: {row.info.date or 'not known'}, author: {plain(row.info.author or 'not known')}",
            f"{row.chunks} passages, read {row.ingested_at}",
        ]
        await tell(interaction, "\n".join(facts)[:_SHOWN])

    @app_commands.command(
        name="remove", description="Remove an article; it stops being answered from at once"
    )
    async def remove(self, interaction: Interaction, article: str) -> None:
        """/library remove."""
        guild = _guild(interaction)
        if not await acknowledge(interaction):
            return
        row = await self._row(interaction, article)
        with self._working(interaction):
            removed = row is not None and await self.bot.desk.remove(guild, row.id)
        if row is None or not removed:
            told = "There is no such article: choose one from the list."
        else:
            log.info("server %d: member %d removed an article", guild, interaction.user.id)
            told = f"{plain(row.info.title)} is removed."
        await interaction.edit_original_response(content=told)

    @app_commands.command(name="status", description="How much this server's library holds")
    async def status(self, interaction: Interaction) -> None:
        """/library status."""
        if not await acknowledge(interaction):
            return
        rows = await self._rows(interaction)
        passages = sum(row.chunks for row in rows)
        last = f", the last one read {rows[0].ingested_at}" if rows else ""
        own = f"This server: {len(rows)} articles, {passages} passages{last}."
        if self.bot.libraries.shares(_guild(interaction)):
            shared = await asyncio.to_thread(self.bot.libraries.shared)
            own += f" The shared library, which is asked here too: {shared} articles."
        await tell(interaction, own)

    @show.autocomplete("article")
    @remove.autocomplete("article")
    async def _articles(self, interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """The articles whose title or source holds what was typed so far."""
        wanted = typed.casefold()
        found = [
            row
            for row in await self._rows(interaction)
            if wanted in row.info.title.casefold() or wanted in row.info.source.casefold()
        ]
        titles = Counter(row.info.title for row in found)
        return [
            app_commands.Choice(
                name=(
                    row.info.title
                    if titles[row.info.title] == 1
                    else f"{row.info.title[:60]} ({row.info.source})"
                )[:100],
                value=row.id,
            )
            for row in found[:_CHOICES]
        ]

    @contextlib.contextmanager
    def _working(self, interaction: Interaction) -> Iterator[None]:
        """Who runs a command that takes its time is told if its end is not waited for."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  (we are in a coroutine)
        self._at_work[interaction] = task
        try:
            yield
        finally:
            del self._at_work[interaction]

    async def _rows(self, interaction: Interaction) -> list[ArticleRow]:
        return await asyncio.to_thread(self.bot.libraries.articles, _guild(interaction))

    async def _row(self, interaction: Interaction, article: str) -> ArticleRow | None:
        """By the id that autocompletion gives, or by a title that only one article has."""
        rows = await self._rows(interaction)
        found = [row for row in rows if row.id == article] or [r for r in rows if r.info.title == article]
        return found[0] if len(found) == 1 else None


def _guild(interaction: Interaction) -> int:
    """The server, from the event itself and nothing else."""
    assert interaction.guild_id is not None  # noqa: S101  (the commands exist in servers only)
    return interaction.guild_id


async def _give_up(working: tuple[Interaction, asyncio.Task[Any]]) -> None:
    interaction, task = working
    task.cancel()
    await interaction.edit_original_response(content=_RESTARTING)
