"""/settings: how the bot behaves in a server, for those who may manage it."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.database import GuildSettings
from bot.reply import LIMIT, plain
from bot.sending import acknowledge, tell
from bot.tagging import hindrances, tags_of

if TYPE_CHECKING:
    from bot.client import FootnoteBot

Interaction = discord.Interaction[Any]

_CHOICES = 25  # that Discord shows
_LONGEST_TAG = 20  # characters, by Discord's rule
_NO_CONTENT = (
    "The bot runs without the message content intent, so it cannot see these questions: its operator "
    "switches the intent on in the developer portal and sets BOT_MESSAGE_CONTENT=true."
)


class AskedIn(app_commands.Transformer):
    """A text channel or forum, by its id; discord.py's own way names a type that Discord's document lacks."""

    @property
    def type(self) -> discord.AppCommandOptionType:
        """A channel."""
        return discord.AppCommandOptionType.channel

    @property
    def channel_types(self) -> list[discord.ChannelType]:
        """Those that have questions in them."""
        return [discord.ChannelType.text, discord.ChannelType.news, discord.ChannelType.forum]

    async def transform(self, _interaction: Interaction, value: Any, /) -> int:
        """Its id."""
        return int(value.id)


@app_commands.guild_only()
@app_commands.default_permissions(manage_guild=True)
class Settings(commands.GroupCog, group_name="settings", group_description="How Footnote behaves here"):
    """Show and change; Discord itself asks for the permission to manage the server."""

    def __init__(self, bot: "FootnoteBot") -> None:
        self.bot = bot

    @app_commands.command(name="show", description="What is set")
    async def show(self, interaction: Interaction) -> None:
        """/settings show."""
        assert interaction.guild_id is not None  # noqa: S101  (the commands exist in servers only)
        if not await acknowledge(interaction):
            return
        spent = await asyncio.to_thread(self.bot.libraries.spent_today, interaction.guild_id)
        more = [f"the chat model, today: {spent}"] if spent else []
        await self._tell(interaction, await self.bot.desk.settings(interaction.guild_id), more)

    @app_commands.command(
        name="auto", description="Answer questions in a channel or forum without being asked"
    )
    @app_commands.describe(channel="The channel or forum", on="Answer there?")
    async def auto(
        self, interaction: Interaction, channel: app_commands.Transform[int, AskedIn], on: bool
    ) -> None:
        """/settings auto."""
        if not await acknowledge(interaction):
            return
        now = await self.bot.desk.settings(interaction.guild_id)
        others = tuple(each for each in now.auto_channels if each != channel)
        await self._set(interaction, auto_channels=(*others, channel) if on else others)

    @app_commands.command(name="staff", description="The role whose members answer questions themselves")
    @app_commands.describe(role="Nobody, if you leave it out")
    async def staff(self, interaction: Interaction, role: discord.Role | None = None) -> None:
        """/settings staff."""
        await self._change(interaction, staff_role=role.id if role else None)

    @app_commands.command(name="helpers", description="Where to note what the articles do not answer")
    @app_commands.describe(channel="Nowhere, if you leave it out")
    async def helpers(self, interaction: Interaction, channel: discord.TextChannel | None = None) -> None:
        """/settings helpers."""
        await self._change(interaction, helpers_channel=channel.id if channel else None)

    @app_commands.command(name="tag", description="The tag for forum posts that the articles do not answer")
    @app_commands.describe(name="One of a forum's tags; none, if you leave it out")
    async def tag(
        self, interaction: Interaction, name: app_commands.Range[str, 1, _LONGEST_TAG] | None = None
    ) -> None:
        """/settings tag."""
        await self._change(interaction, unanswered_tag=name)

    @tag.autocomplete("name")
    async def _tags(self, interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """The tags whose name holds what was typed so far."""
        known = tags_of(interaction.guild) if interaction.guild else []
        found = [name for name in known if typed.casefold() in name.casefold()]
        return [app_commands.Choice(name=name, value=name) for name in found[:_CHOICES]]

    @app_commands.command(name="private", description="Show answers to /ask to the asker alone")
    async def private(self, interaction: Interaction, on: bool) -> None:
        """/settings private."""
        await self._change(interaction, private=on)

    @app_commands.command(name="threshold", description="How sure to be before answering, from 0 to 1")
    @app_commands.describe(value="The operator's, if you leave it out")
    async def threshold(
        self, interaction: Interaction, value: app_commands.Range[float, 0.0, 1.0] | None = None
    ) -> None:
        """/settings threshold."""
        await self._change(interaction, threshold=value)

    async def _change(self, interaction: Interaction, **fields: Any) -> None:
        if not await acknowledge(interaction):
            return
        await self._set(interaction, **fields)

    async def _set(self, interaction: Interaction, **fields: Any) -> None:
        assert interaction.guild_id is not None  # noqa: S101  (the commands exist in servers only)
        await self._tell(interaction, await self.bot.desk.change(interaction.guild_id, **fields))

    async def _tell(
        self, interaction: Interaction, settings: GuildSettings, more: Sequence[str] = ()
    ) -> None:
        lines = [told(settings), *more]
        if settings.auto_channels and not self.bot.intents.message_content:
            lines.append(f"-# {_NO_CONTENT}")
        if interaction.guild is not None:
            lines += [f"-# {each}" for each in hindrances(interaction.guild, settings)]
        await tell(interaction, "\n".join(lines)[:LIMIT])


def told(settings: GuildSettings) -> str:
    """The settings for people."""
    auto = ", ".join(f"<#{channel}>" for channel in settings.auto_channels) or "nowhere"
    helpers = f"<#{settings.helpers_channel}>" if settings.helpers_channel else "nowhere"
    tag = plain(settings.unanswered_tag) if settings.unanswered_tag else "none"
    staff = f"<@&{settings.staff_role}>" if settings.staff_role else "who may manage messages"
    threshold = "the operator's" if settings.threshold is None else f"{settings.threshold:g}"
    return "\n".join(
        [
            f"answers without being asked: {auto}",
            f"staff: {staff}",
            f"notes what it does not know: {helpers}",
            f"tag for forum posts that it could not answer: {tag}",
            f"/ask answers: {'the asker alone' if settings.private else 'everybody'}, unless told otherwise",
            f"threshold: {threshold}",
        ]
    )
