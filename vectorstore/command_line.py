"""What both command lines share: logs to stderr, and one line for an error that the user can mend."""

import io
import logging
import os
import sys
from collections.abc import Callable

from pydantic import ValidationError
from pydantic_settings import SettingsError

from vectorstore.datatypes import UserError

MENDABLE = (UserError, ValidationError, SettingsError)
"""What a user can mend, by what `explained` says of it."""


def run(app: Callable[[], object]) -> None:
    """Run a command line to its end. Exit code 1 with one line on stderr for what a user can mend."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    for name in ("bot", "ingest", "vectorstore"):
        logging.getLogger(name).setLevel(logging.INFO)
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # a line in another encoding must not end the others
    try:
        app()
    except MENDABLE as error:
        _fail(explained(error))
    except BrokenPipeError:  # the reader of our output has left: nothing to say, and nobody to say it to
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def explained(error: Exception) -> str:
    """One of MENDABLE, or another error written for users, on one line."""
    if isinstance(error, ValidationError):
        return _wrong_settings(error)
    if isinstance(
        error, SettingsError
    ):  # a value that is no JSON; the message names the setting, not the value
        return f"wrong setting in the environment or .env: {error}"
    return str(error)


def _fail(message: str) -> None:
    print(message, file=sys.stderr)  # noqa: T201
    sys.exit(1)


def _wrong_settings(error: ValidationError) -> str:
    """Which settings are wrong and why, without their values: one of them may be a secret."""
    told = (f"{'.'.join(map(str, each['loc']))}: {each['msg'].lower()}" for each in error.errors())
    return f"wrong setting in the environment or .env: {'; '.join(told)}"
