"""What members are told when something fails: what to do, or one fixed sentence; the rest is for the log."""

import contextlib
import logging
import re
from collections.abc import AsyncIterator

import discord
from discord import app_commands

from bot.reply import plain
from bot.sending import Interaction, Lost, tell
from vectorstore.datatypes import UserError

log = logging.getLogger(__name__)

SORRY = "Something went wrong here; it has been noted. Please ask again."
LATER = "The articles cannot be reached just now, maybe because some are being read in: try again later."
# settings, commands, paths, other processes; what a file or link may be is told to who adds one
_FOR_OPERATORS = re.compile(
    r"\b(?!INGEST_)[A-Z]{2,}_[A-Z]|python -m|another process|(?:^|[\s('\"])/(?!library\b|ask\b)\w"
)


def refusal(error: UserError) -> str:
    """A UserError for members; one that speaks to the operator, who alone can mend it, goes to the log."""
    if _FOR_OPERATORS.search(str(error)):
        log.warning("a member was asked to try again later: %s", error)
        return LATER
    return plain(str(error))


async def tell_failure(interaction: Interaction, error: Exception) -> None:
    """Tell who ran a command, or pressed a button, that it failed."""
    cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
    if isinstance(cause, UserError):
        told = refusal(cause)
    else:
        told = SORRY
        if isinstance(cause, (discord.HTTPException, *Lost)):  # its text may be a URL, which holds a token
            log.error("a command or a button failed: Discord could not be told (%s)", type(cause).__name__)
        else:
            log.error("a command or a button failed", exc_info=error)
    try:
        await tell(interaction, told)
    except (discord.HTTPException, *Lost):
        log.warning("and its member could not be told")


@contextlib.asynccontextmanager
async def barrier(interaction: Interaction) -> AsyncIterator[None]:
    """The last barrier for what a button does: discord.py itself would leave "thinking…" behind."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  (it is told, and logged there)
        await tell_failure(interaction, error)
