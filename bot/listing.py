"""The articles of a server, page by page; the buttons carry the page's number, so they outlive a restart."""

import asyncio
import re
from typing import TYPE_CHECKING, Any, Self

import discord

from bot.failing import barrier
from bot.reply import plain, split
from bot.sending import acknowledge
from vectorstore.store import ArticleRow

if TYPE_CHECKING:
    from bot.client import FootnoteBot

Interaction = discord.Interaction[Any]

_LONGEST = 1900  # characters of a page, without the line that counts


class PageButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"footnote:page:(?P<page>[0-9]{1,6})"
):
    """Turns to a page of /library list, in place."""

    def __init__(self, page: int, label: str = "") -> None:
        self.page = page
        super().__init__(discord.ui.Button(label=label, custom_id=f"footnote:page:{page}"))

    @classmethod
    async def from_custom_id(
        cls, _interaction: Interaction, _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The button that was pressed, maybe from before the last restart."""
        return cls(int(match["page"]), "…")

    async def callback(self, interaction: Interaction) -> None:
        """Show the page as the library is now."""
        bot: FootnoteBot = interaction.client
        assert interaction.guild_id is not None  # noqa: S101  (the list exists in servers only)
        async with barrier(interaction):
            if not await acknowledge(interaction, thinking=False):
                return
            rows = await asyncio.to_thread(bot.libraries.articles, interaction.guild_id)
            content, view = listing(rows, self.page)
            await interaction.edit_original_response(content=content, view=view)


def listing(rows: list[ArticleRow], page: int = 0) -> tuple[str, discord.ui.View]:
    """A page of the list, or the last one if there are not so many, and the buttons to its neighbours."""
    pages = split("\n".join(f"- {_line(row)}" for row in rows), _LONGEST)
    view = discord.ui.View(timeout=None)
    if not pages:
        return "This server has no articles of its own yet.", view
    page = min(page, len(pages) - 1)
    if page > 0:
        view.add_item(PageButton(page - 1, "◀ Newer"))
    if page < len(pages) - 1:
        view.add_item(PageButton(page + 1, "Older ▶"))
    counted = f"\n-# page {page + 1} of {len(pages)}, {len(rows)} articles" if len(pages) > 1 else ""
    return pages[page] + counted, view


def _line(row: ArticleRow) -> str:
    date = f", {row.info.date}" if row.info.date else ""
    return f"{plain(row.info.title)}{date} ({row.chunks} passages)"
