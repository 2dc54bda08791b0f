"""`python -m bot`: builds the Discord bot from its settings and keeps it running."""

import asyncio
import base64
import binascii
import gc
import logging
from typing import Any

import discord

from bot.adding import Adder
from bot.answering.builtin import BuiltIn
from bot.answering.chat_model import give_up
from bot.answering.opening import open_generator
from bot.client import PERMISSIONS, FootnoteBot
from bot.database import Database
from bot.desk import Desk
from bot.libraries import Libraries
from bot.settings import BotSettings, ChatSettings, DiscordSettings
from bot.spending import Spending
from bot.supervisor import supervise
from bot.turns import FairQueue
from prompts import PromptError
from prompts.settings import PromptsSettings
from vectorstore.datatypes import UserError
from vectorstore.library import Shelf
from vectorstore.settings import VectorstoreSettings

# questions at once: the built-in answerer needs the processor, a chat model is mostly waited for
_ANSWERING, _WAITING = 2, 16
_NO_TOKEN = "DISCORD_TOKEN is not set: docs/discord.md says where to get one"  # noqa: S105


def run_discord() -> None:
    """Connect and answer until SIGTERM. Raises UserError when a setting is missing or refused."""
    settings, vectorstore = DiscordSettings(), VectorstoreSettings()
    data, token = vectorstore.data, _token(settings)
    # discord.py logs addresses that hold interaction tokens at DEBUG
    logging.getLogger("discord").setLevel(logging.WARNING)
    url = settings.database_url
    data.mkdir(parents=True, exist_ok=True)
    database = Database(url.get_secret_value() if url else f"sqlite:///{data / 'footnote.db'}")
    built_in = BuiltIn()
    try:
        prompts = PromptsSettings().prompts()
        generator = open_generator(ChatSettings(), prompts, built_in, Spending(database))
    except PromptError as error:  # written for prompt authors, who see the terminal
        raise UserError(str(error)) from error
    libraries = Libraries(
        Shelf(vectorstore), prompts, BotSettings(), database.adders, built_in=built_in, generator=generator
    )
    libraries.shared()  # compile the embedding model and open the index before anybody asks
    gc.collect()
    gc.freeze()  # a full collection of all that was imported stops the event loop for a sixth of a second
    shards = _shards(settings)
    workers = settings.workers or (_WAITING if generator else _ANSWERING)

    def build() -> FootnoteBot:
        turns = FairQueue(workers=workers, cooldown=settings.cooldown)
        desk = Desk(libraries, database, turns)
        return FootnoteBot(
            desk,
            libraries,
            Adder(vectorstore),
            data / "commands.sha256",
            message_content=settings.message_content,
            **shards,
        )

    try:
        asyncio.run(supervise(build, token))
    finally:
        give_up()
        database.close()


def invite_link() -> str:
    """The link that adds the bot to a server, with exactly the permissions that it needs."""
    first = _token(DiscordSettings()).split(".")[0]
    try:
        application = int(base64.b64decode(first + "=" * (-len(first) % 4)))
    except (ValueError, binascii.Error) as error:
        raise UserError(
            "DISCORD_TOKEN is not a bot token: copy it again from the developer portal"
        ) from error
    scopes = ("bot", "applications.commands")
    return discord.utils.oauth_url(application, permissions=PERMISSIONS, scopes=scopes)


def _token(settings: DiscordSettings) -> str:
    if settings.token is None:
        raise UserError(_NO_TOKEN)
    return settings.token.get_secret_value().strip()


def _shards(settings: DiscordSettings) -> dict[str, Any]:
    """Which of Discord's shards this process serves."""
    if not settings.shard_ids:
        return {"shard_count": settings.shard_count} if settings.shard_count else {}
    try:
        ids = [int(each) for each in settings.shard_ids.split(",")]
    except ValueError as error:
        raise UserError("BOT_SHARD_IDS is a list of numbers, for example 0,1") from error
    if settings.shard_count is None or max(ids) >= settings.shard_count:
        raise UserError("BOT_SHARD_IDS needs BOT_SHARD_COUNT, the number of shards of all processes together")
    return {"shard_ids": ids, "shard_count": settings.shard_count}
