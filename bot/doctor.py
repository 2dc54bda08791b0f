"""`python -m bot doctor`: is everything there that the bot needs, and if not, what to do."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import discord

from bot.answering.builtin import BuiltIn
from bot.answering.chat_model import ModelError
from bot.answering.opening import open_generator
from bot.sending import Lost
from bot.settings import BotSettings, ChatSettings, DiscordSettings
from prompts import PromptError
from prompts.settings import PromptsSettings
from vectorstore.datatypes import UserError
from vectorstore.library import Library, open_library
from vectorstore.settings import VectorstoreSettings
from vectorstore.upkeep import problems

_FREE = 1_000_000_000  # bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    good: bool
    what: str


def examine() -> Iterator[Finding]:
    """Look at disk, library, chat model, token and application, in this order."""
    settings = VectorstoreSettings()
    yield from _tell(lambda: _disk(settings))
    yield from _tell(lambda: _library(settings))
    yield from _tell(_chat_model)
    yield from _tell(_discord)


def _tell(look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What a look finds; an error that says what to do is a finding."""
    try:
        yield from look()
    except UserError as error:
        yield Finding(False, str(error))


def _disk(settings: VectorstoreSettings) -> Iterator[Finding]:
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        probe = settings.data / ".doctor"
        probe.write_text("", encoding="utf-8")
        probe.unlink()
    except OSError as error:
        raise UserError(
            f"data folder {settings.data} cannot be written ({error.strerror}): set FOOTNOTE_DATA"
        ) from error
    free = shutil.disk_usage(settings.data).free
    yield Finding(free > _FREE, f"data folder {settings.data} can be written, {free / 1e9:.1f} GB are free")


def _library(settings: VectorstoreSettings) -> Iterator[Finding]:
    library: Library = open_library(settings, BotSettings().library, must_exist=True)
    try:
        card = library.store.embedder.card
        yield Finding(True, f"embedding model {card.name}, compiled to {card.build}")
        library.index.sync(library.store)
        found = problems(library.store, library.index)
        rows = library.store.rows()
        told = (
            f"library {library.store.library!r}: {len(rows)} articles, {sum(r.chunks for r in rows)} chunks"
        )
        yield Finding(not found, f"{told}, {found[0]}" if found else f"{told}, sound")
    finally:
        library.connection.close()


def _chat_model() -> Iterator[Finding]:
    """Whether the chat model can be set up, and says a word; the log has what its provider objects to."""
    settings = ChatSettings()
    try:
        generator = open_generator(settings, PromptsSettings().prompts(), BuiltIn())
    except PromptError as error:
        raise UserError(str(error)) from error
    if generator is None:
        return
    name = generator.model.name
    try:
        usage = generator.model.stream([("user", "Reply with the single word yes.")], lambda _: None)
    except ModelError as error:
        yield Finding(False, f"LLM={name}: {error}; check its key, BOT_LLM_URL and BOT_LLM_OPTIONS")
    else:
        yield Finding(True, f"chat model {name} answers, its first word after {usage.first_token:.1f} s")


def _discord() -> Iterator[Finding]:
    settings = DiscordSettings()
    if settings.token is None:
        raise UserError("DISCORD_TOKEN is not set: docs/discord.md says where to get one")
    yield asyncio.run(_application(settings.token.get_secret_value().strip()))


async def _application(token: str) -> Finding:
    async with discord.Client(intents=discord.Intents.none()) as client:
        try:
            await client.login(token)
            info = await client.application_info()
        except discord.LoginFailure:
            return Finding(False, "Discord refuses DISCORD_TOKEN: copy it again from the developer portal")
        except (discord.HTTPException, *Lost):
            return Finding(False, "Discord cannot be reached: check the network")
    servers = info.approximate_guild_count
    if not servers:
        return Finding(False, f"{info.name} is in no server yet: python -m bot invite prints the link")
    return Finding(True, f"Discord knows the bot as {info.name}, in {servers} servers")
