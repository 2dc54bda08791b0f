"""Sending to Discord so that a reset connection or a busy server loses nothing and says nothing twice."""

import contextlib
import io
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiohttp
import discord
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from bot.reply import Reply, plain

log = logging.getLogger(__name__)

_FAR = 100  # messages below an answer, among which its further ones are looked for

T = TypeVar("T")
Interaction = discord.Interaction[Any]
Lost = (OSError, aiohttp.ClientError)
"""What discord.py lets through when a connection is reset; neither is a discord.HTTPException."""

_ACKNOWLEDGED = 40060  # already, though we may not have heard of it
_CLOSED = {50001, 50013, 50083, 160005}  # no access, no permission, thread archived, thread locked
# unknown message (it was deleted), unknown webhook, invalid webhook token (15 minutes are over)
_GONE = {10008, 10015, 50027}
# the message was deleted meanwhile (by two names), or Read Message History is missing
_NO_REPLY = {10008, 50035, 160002}


async def robustly(call: Callable[[], Awaitable[T]], *, attempts: int = 4) -> T:
    """Call until it succeeds, with a pause between; for calls that may be repeated.

    discord.py repeats 500, 502 and 504 by itself, but neither 503 nor a lost connection.
    """
    again = AsyncRetrying(
        retry=retry_if_exception(_passes),
        wait=wait_exponential_jitter(multiplier=0.3, max=3, jitter=0.3),
        stop=stop_after_attempt(attempts),
        reraise=True,
    )
    async for attempt in again:
        with attempt:
            return await call()
    raise AssertionError("the last attempt returns or raises")


def _passes(error: BaseException) -> bool:
    """Whether another attempt may help."""
    passes = isinstance(error, Lost) or (isinstance(error, discord.HTTPException) and error.status == 503)
    if passes:
        log.warning("Discord could not be reached while sending (%s)", type(error).__name__)
    return passes


async def acknowledge(interaction: Interaction, *, private: bool = True, thinking: bool = True) -> bool:
    """Within three seconds, or Discord calls the command failed. False if it is too late."""
    try:
        await robustly(lambda: interaction.response.defer(ephemeral=private, thinking=thinking), attempts=2)
    except discord.InteractionResponded:
        return True
    except discord.HTTPException as error:
        # an earlier attempt had its effect although its answer was lost
        if error.code == _ACKNOWLEDGED:
            return True
        log.warning("a command could not be acknowledged (%s)", error.code)
        return False
    except Lost:
        log.warning("a command could not be acknowledged: no connection")
        return False
    return True


async def tell(interaction: Interaction, text: str) -> None:
    """Tell who ran a command, or pressed a button: in the place of "thinking…", else in a new message."""
    response = interaction.response
    if not response.is_done():
        try:
            await response.send_message(text, ephemeral=True)
        except discord.HTTPException as error:
            if error.code != _ACKNOWLEDGED:
                raise
            if interaction.type is discord.InteractionType.application_command:
                await interaction.edit_original_response(content=text)
            else:  # the original may be the answer that the button stands under
                await interaction.followup.send(text, ephemeral=True)
    elif response.type is discord.InteractionResponseType.deferred_channel_message:
        await interaction.edit_original_response(content=text)
    else:
        await interaction.followup.send(text, ephemeral=True)


async def deliver(
    interaction: Interaction, reply: Reply, view: discord.ui.View | None, *, private: bool
) -> None:
    """Put the answer in the place of "thinking…"; if that is gone, into the channel.

    A private answer goes to who asked instead, without buttons: they belong to the server.
    """
    first, *more = reply.messages
    fields: dict[str, Any] = {} if view is None else {"view": view}

    def edit() -> Awaitable[discord.Message]:
        files = [_file(reply.file)] if reply.file else []  # each attempt reads its own to the end
        return interaction.edit_original_response(content=first, attachments=files, **fields)

    begun: discord.Message
    try:
        begun = await robustly(edit)  # it may be repeated without being shown twice, which a new one may not
    except discord.HTTPException as error:
        instead = _instead(interaction, error, private=private)
        begun = await send_once(instead, first, reply.file, **({} if private else fields))
    for part in more:
        await _further(interaction, begun, part, private=private)


async def _further(interaction: Interaction, begun: discord.Message, part: str, *, private: bool) -> None:
    """A further message of an answer: in the channel where the bot may write, for there it is shown once."""
    channel, may = interaction.channel, interaction.app_permissions
    in_thread = isinstance(channel, discord.Thread)
    writes = may.send_messages_in_threads if in_thread else may.send_messages
    if not private and writes and isinstance(channel, discord.abc.Messageable) and may_write(channel):
        try:
            await reply_once(begun, part)
        except discord.HTTPException as error:
            if error.code not in _CLOSED:
                raise
        else:
            return
    try:
        await interaction.followup.send(part, ephemeral=private, suppress_embeds=True)
    except discord.HTTPException as error:
        await send_once(_instead(interaction, error, private=private), part)


def _instead(
    interaction: Interaction, error: discord.HTTPException, *, private: bool
) -> discord.abc.Messageable:
    """Where to answer when an interaction's place is gone. Raises any other error again."""
    channel = interaction.user if private else interaction.channel
    if error.code not in _GONE or not isinstance(channel, discord.abc.Messageable):
        raise error
    return channel


async def edit_in(sent: discord.Message, reply: Reply, view: discord.ui.View | None) -> None:
    """Put the first message of an answer, with its file, in the place of a message of ours."""
    fields: dict[str, Any] = {} if view is None else {"view": view}

    def edit() -> Awaitable[object]:
        files = [_file(reply.file)] if reply.file else []
        # without `suppress` discord.py has embeds shown that were suppressed
        return sent.edit(content=reply.messages[0], attachments=files, suppress=True, **fields)

    await robustly(edit)


async def send_reply(message: discord.Message, reply: Reply, view: discord.ui.View | None) -> None:
    """Reply to a message, with what one message does not hold below."""
    fields: dict[str, Any] = {} if view is None else {"view": view}
    first, *more = reply.messages
    begun = await reply_once(message, first, reply.file, **fields)
    await go_on(begun, more)


async def go_on(begun: discord.Message, parts: Sequence[str]) -> None:
    """The further messages of an answer: they reply to its first, and so are known to belong to it."""
    for part in parts:
        await reply_once(begun, part)


async def take_back(begun: discord.Message) -> None:
    """Delete the further messages of an answer, as far as they can be found."""
    with contextlib.suppress(discord.HTTPException, *Lost):
        async for message in begun.channel.history(after=begun, limit=_FAR):
            if message.author == begun.author and _replies_to(message, begun):
                await message.delete()


def _replies_to(message: discord.Message, other: discord.Message) -> bool:
    return message.reference is not None and message.reference.message_id == other.id


async def reply_or_tell(message: discord.Message, reply: Reply, view: discord.ui.View | None) -> None:
    """Reply to a message; where the bot may not, or the thread is closed, to its author alone."""
    if may_write(message.channel):
        try:
            await send_reply(message, reply, view)
        except discord.HTTPException as error:
            if error.code not in _CLOSED:
                raise
        else:
            return
    log.warning("may not write in channel %d", message.channel.id)
    await send_once(
        message.author, f"-# I may not write in {plain(str(message.channel))}, so here is the answer."
    )
    first, *more = reply.messages
    await send_once(message.author, first, reply.file)  # no buttons: they belong to the server
    for part in more:
        await send_once(message.author, part)


def may_repeat(said_in: object, channel: discord.abc.GuildChannel) -> bool:
    """Whether all who can read `channel` can also read what was said in another one."""
    if isinstance(said_in, discord.Thread):
        if said_in.is_private():
            return False
        said_in = said_in.parent
    if not isinstance(said_in, discord.abc.GuildChannel):
        return False
    people: list[discord.Member | discord.Role] = [*channel.guild.roles]
    people += [who for who in channel.overwrites if isinstance(who, discord.Member)]
    readers = [who for who in people if channel.permissions_for(who).view_channel]
    return all(said_in.permissions_for(who).view_channel for who in readers)


def may_write(channel: object) -> bool:
    """Whether the bot may, by what it knows without asking: Discord bans who is refused too often."""
    if isinstance(channel, discord.Thread) and channel.parent is not None:
        may = channel.permissions_for(channel.guild.me)
        open_ = not channel.locked or may.manage_threads
        return may.view_channel and may.send_messages_in_threads and open_
    if isinstance(channel, discord.abc.GuildChannel):
        may = channel.permissions_for(channel.guild.me)
        return may.view_channel and may.send_messages
    return True


async def reply_once(
    message: discord.Message, text: str, file: str | None = None, **fields: Any
) -> discord.Message:
    """Reply to a message without a ping, as `send_once` sends; where that cannot be, into its channel."""
    channel = message.channel
    try:
        return await send_once(channel, text, file, reference=message, mention_author=False, **fields)
    except discord.HTTPException as error:
        if error.code not in _NO_REPLY:
            raise
        return await send_once(channel, text, file, **fields)


async def send_once(
    channel: discord.abc.Messageable, text: str, file: str | None = None, **fields: Any
) -> discord.Message:
    """Send a message, again if need be, and have it shown once.

    Discord shows one nonce once; discord.py makes up a new one for every call of its own accord.
    """
    fields |= {"nonce": secrets.randbits(63), "suppress_embeds": True}

    def attempt() -> Awaitable[discord.Message]:
        if file:
            fields["file"] = _file(file)  # each attempt reads its own to the end
        return channel.send(text, **fields)

    return await robustly(attempt)


def _file(text: str) -> discord.File:
    """A long answer as a text file."""
    return discord.File(io.BytesIO(text.encode()), filename="answer.md")


@asynccontextmanager
async def typing(channel: discord.abc.Messageable) -> AsyncIterator[None]:
    """Show that an answer is on its way; a failure to show it is no failure to answer."""
    async with contextlib.AsyncExitStack() as stack:
        with contextlib.suppress(discord.HTTPException, *Lost):
            if may_write(channel):
                await stack.enter_async_context(channel.typing())
        yield
