"""`python -m ingest.convert SUFFIX MEGABYTES SECONDS < file`: a PDF or Word file as JSON, within limits.

The converters meet whatever strangers send: the process that runs them holds nothing else, so that it may be
ended, or crash, without a loss. It prints the fields of `Converted`, or `{"reason": …}` for the user.
"""

import json
import re
import sys
from dataclasses import asdict, dataclass

from ingest.limits import limit
from vectorstore.datatypes import UserError

_MOST_CHARACTERS = 5_000_000  # five thick books
_UNSEEN = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f"
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]"
)


@dataclass(frozen=True, slots=True)
class Part:
    """A paragraph, heading, list item or table row, on one line."""

    text: str
    heading: bool = False
    row: bool = False


@dataclass(frozen=True, slots=True)
class Converted:
    """The text of a document, in reading order."""

    parts: tuple[Part, ...]
    title: str | None = None  # where the layout shows which part it is


def clean(text: str) -> str:
    """On one line, without characters that nobody sees but a model reads."""
    return " ".join(_UNSEEN.sub("", text).split())


def convert(raw: bytes, suffix: str) -> Converted:
    """The text of a PDF or Word file. Raises UserError with the reason, or whatever a converter raises."""
    if suffix == ".pdf":
        from ingest.pdf import read_pdf as read  # noqa: PLC0415  (only the converter that is needed)
    else:
        from ingest.word import read_word as read  # noqa: PLC0415
    converted = read(raw)
    size = sum(len(part.text) for part in converted.parts)
    if size > _MOST_CHARACTERS:
        raise UserError(f"its {size:,} characters of text are more than {_MOST_CHARACTERS:,}: split it")
    return converted


def main() -> None:
    """Entry point."""
    suffix, megabytes, seconds = sys.argv[1:]
    raw = sys.stdin.buffer.read()
    limit(int(megabytes), int(seconds))
    try:
        told = asdict(convert(raw, suffix))
    except UserError as error:
        told = {"reason": str(error)}
    json.dump(told, sys.stdout)  # escaped: whatever the locale


if __name__ == "__main__":
    main()
