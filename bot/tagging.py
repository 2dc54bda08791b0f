"""A tag on the forum posts that could not be answered, so that helpers find them."""

import logging
from collections.abc import Iterator

import discord

from bot.database import GuildSettings
from bot.sending import Lost

log = logging.getLogger(__name__)

_MOST_TAGS = 5  # that Discord allows on a post


def tags_of(guild: discord.Guild) -> list[str]:
    """The names of all tags of a server's forums."""
    return sorted({tag.name for forum in guild.forums for tag in forum.available_tags})


async def add_tag(thread: discord.Thread, name: str) -> None:
    """Put a tag on a post, if its forum has it, the bot may, and there is room."""
    forum = thread.parent
    tag = tag_in(forum, name) if isinstance(forum, discord.ForumChannel) else None
    if tag is None or tag in thread.applied_tags:
        return
    if len(thread.applied_tags) >= _MOST_TAGS:
        log.info("post %d has %d tags already", thread.id, _MOST_TAGS)
        return
    if not thread.permissions_for(thread.guild.me).manage_threads:
        log.warning("may not tag posts in forum %d: Manage Threads is missing", thread.parent_id)
        return
    try:
        await thread.edit(applied_tags=[*thread.applied_tags, tag])  # without those that are gone
    except (discord.HTTPException, *Lost) as error:
        log.warning("post %d could not be tagged (%s)", thread.id, type(error).__name__)


def tag_in(forum: discord.ForumChannel, name: str) -> discord.ForumTag | None:
    """A forum's tag of this name, however its capitals are written."""
    return next((tag for tag in forum.available_tags if tag.name.casefold() == name.casefold()), None)


def hindrances(guild: discord.Guild, settings: GuildSettings) -> Iterator[str]:
    """Why the bot could not tag a post that it cannot answer, one sentence for each forum that it watches."""
    if settings.unanswered_tag is None:
        return
    watched = [forum for forum in guild.forums if forum.id in settings.auto_channels]
    if not watched:
        yield "No forum is answered without being asked, so no post is tagged: `/settings auto` chooses one."
    for forum in watched:
        if tag_in(forum, settings.unanswered_tag) is None:
            yield f"<#{forum.id}> has no such tag: whoever manages the forum can add it there."
        elif not forum.permissions_for(guild.me).manage_threads:
            yield f"I may not tag posts in <#{forum.id}>: give me the permission Manage Threads there."
