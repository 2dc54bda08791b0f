"""The conversation a message belongs to, read back from Discord: nothing of it is lost in a restart."""

import contextlib
import re

import discord

from bot.answering.datatypes import Turn
from bot.sending import Lost
from bot.waiting import SMALL

_TURNS = 4  # that a follow-up may look back on
_ASKED = re.compile(r"> (.*)\n")  # the question above the answer to a slash command
_FOOTNOTES = re.compile(r"\n+-# ")
_ESCAPED = re.compile(r"\\([^\w\s])")
_IDS = (  # Discord's marks that hold ids, and what is said instead
    (re.compile(r"<@&\d+>"), "a role"),
    (re.compile(r"<@!?\d+>"), "somebody"),
    (re.compile(r"<#\d+>|https?://(?:\w+\.)?discord(?:app)?\.com/channels/[\w@/]+"), "a channel"),
    (re.compile(r"<a?(:\w+:)\d+>"), r"\1"),  # an emoji of the server's own
    (re.compile(r"<(/[^:<>]+):\d+>"), r"\1"),  # a command
)


def spoken_to(message: discord.Message, me: discord.ClientUser) -> bool:
    """Whether a message mentions the bot by name; the ping of a reply alone does not count."""
    return f"<@{me.id}>" in message.content or f"<@!{me.id}>" in message.content


def without_mention(content: str, me: discord.ClientUser) -> str:
    """The text of a message without the bot's name."""
    return re.sub(rf"<@!?{me.id}>", " ", content).strip()


def without_ids(content: str) -> str:
    """A text without the ids of members, roles and channels: who answers may be a chat model far away."""
    for mark, words in _IDS:
        content = mark.sub(words, content)
    return content


async def begun_by(thread: discord.Thread, me: discord.ClientUser) -> bool:
    """Whether a thread began with one of the bot's messages, or the bot made it.

    Raises discord.HTTPException, or one of Lost, when Discord does not say.
    """
    if thread.owner_id == me.id:
        return True
    first = await _first_of(thread)
    return first is not None and first.author.id == me.id


async def _first_of(thread: discord.Thread) -> discord.Message | None:
    """The message of the parent channel that a thread began with, which has its id; None if it is gone."""
    if thread.starter_message is not None:
        return thread.starter_message
    if not isinstance(thread.parent, discord.TextChannel):
        return None
    try:
        return await thread.parent.fetch_message(thread.id)
    except discord.NotFound:
        return None


async def referenced(message: discord.Message) -> discord.Message | None:
    """The message that another replies to; None if it is gone, or the bot may not read it."""
    reference = message.reference
    if reference is None or reference.message_id is None:
        return None
    if reference.resolved is not None:
        return reference.resolved if isinstance(reference.resolved, discord.Message) else None  # deleted
    try:
        return await message.channel.fetch_message(reference.message_id)
    except (discord.HTTPException, *Lost):
        return None


async def history_of(message: discord.Message, me: discord.ClientUser) -> list[Turn]:
    """What was asked and answered before a message, oldest first: its reply chain, else its thread or DM."""
    if message.reference is not None:
        return await _turns_from(await referenced(message), me, _TURNS)
    if isinstance(message.channel, discord.Thread):
        said = await _before(message, me)
        with contextlib.suppress(discord.HTTPException, *Lost):
            said = await _turns_from(await _first_of(message.channel), me, _TURNS - len(said)) + said
        return said
    return await _before(message, me) if message.guild is None else []


async def _turns_from(answer: discord.Message | None, me: discord.ClientUser, most: int) -> list[Turn]:
    """The turn that ends with an answer of the bot, and those that its question replied to; oldest first."""
    turns: list[Turn] = []
    while answer is not None and answer.author.id == me.id and len(turns) < most:
        question = await referenced(answer)
        if question is not None and question.author.id == me.id:
            answer = question  # it goes on with an answer that takes several messages
            continue
        turn = await _turn(question, answer, me)
        if turn is None:
            break
        turns.append(turn)
        answer = await referenced(question) if question else None
    return turns[::-1]


async def _before(message: discord.Message, me: discord.ClientUser) -> list[Turn]:
    """The turns in what was said in a channel before a message, whoever asked; nothing else of it."""
    try:
        found = [m async for m in message.channel.history(limit=4 * _TURNS, before=message)]
    except (discord.HTTPException, *Lost):
        return []
    answers = [m for m in reversed(found) if m.author.id == me.id and not m.content.startswith(SMALL)]
    turns = [await _turn(await referenced(answer), answer, me) for answer in answers]
    return [turn for turn in turns if turn is not None][-_TURNS:]


async def _turn(
    question: discord.Message | None, answer: discord.Message, me: discord.ClientUser
) -> Turn | None:
    """An answer of the bot with its question: what it replies to, or what stands above; None without one."""
    if question is not None and question.author.id == me.id:
        return None
    asked = without_mention(question.content, me) if question else question_above(answer.content)
    # "@Footnote" in reply to somebody's question asked that question
    if question is not None and not asked and (before := await referenced(question)) is not None:
        asked = without_mention(before.content, me)
    return (asked, answer_in(answer.content)) if asked else None


def question_above(content: str) -> str:
    """The question that stands above the answer to a slash command, or ""."""
    match = _ASKED.match(content)
    return _ESCAPED.sub(r"\1", match.group(1)) if match else ""


def answer_in(content: str) -> str:
    """The answer in one of the bot's messages, without question, footnotes and escapes."""
    body = _ASKED.sub("", content, count=1) if content.startswith("> ") else content
    return _ESCAPED.sub(r"\1", _FOOTNOTES.split(body)[0]).strip()
