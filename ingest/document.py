"""PDF and Word files: converted in a process of their own, then an article like any other."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ingest.article import Article, Block, clip_title
from ingest.convert import Part
from ingest.plain import find_date, read_plain
from vectorstore.datatypes import UserError

KINDS = {".pdf": "PDF", ".docx": "Word"}
"""Suffix -> what people call such files."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the conversion of one file may take. 872 pages of Word take 6 s and 250 MB."""

    megabytes: int = 1000
    seconds: int = 60  # of processor time
    wall: float = 90.0


def read_document(
    raw: bytes, suffix: str, *, source: str, name: str, limits: Limits | None = None
) -> Article:
    """The article in a PDF or Word file. Raises UserError with the reason when there is none to be had."""
    told = _converted(raw, suffix, limits or Limits())
    if "reason" in told:
        raise UserError(told["reason"])
    parts = [Part(**part) for part in told["parts"]]
    text = "\n\n".join(part.text for part in parts)
    plain = read_plain(text, source=source, name=name)  # a part a line: its blocks are our parts
    first = told["title"] or next((part.text for part in parts[:3] if part.heading), None)
    title = first or (plain.info.title if not parts[0].row and _names(plain.info.title) else name)
    info = replace(plain.info, title=clip_title(title))
    marked = {place for place, part in enumerate(parts) if part.heading and part.text != title}
    if not marked:  # no styles: what plain text shows must do
        marked = {i for i, block in enumerate(plain.blocks) if block.heading and not parts[i].row}
    blocks = (Block(block.start, block.end, i in marked) for i, block in enumerate(plain.blocks))
    return Article(info, text, tuple(blocks))


def _names(line: str) -> bool:
    """Whether a first line can be a title: neither a number nor a date alone."""
    return bool(re.search(r"[^\W\d_]{3}", line)) and not (find_date(line) and len(line) < 25)


def _converted(raw: bytes, suffix: str, limits: Limits) -> dict[str, Any]:
    """What `ingest.convert` says, or why it said nothing."""
    command = [sys.executable, "-m", "ingest.convert", suffix, str(limits.megabytes), str(limits.seconds)]
    try:
        done = subprocess.run(  # noqa: S603  (our own program)
            command, input=raw, capture_output=True, timeout=limits.wall, check=False, env=_environment()
        )
    except subprocess.TimeoutExpired as error:
        raise UserError("it takes too long to read") from error
    if done.returncode == 0:
        told: dict[str, Any] = json.loads(done.stdout)
        return told
    if done.returncode < 0 or b"MemoryError" in done.stderr:
        raise UserError("it asks for too much memory or time, or is broken")
    raise UserError(f"it is broken, or no {KINDS[suffix]} file")


def _environment() -> dict[str, str]:
    """No secret in it."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return {**kept, "PYTHONPATH": str(Path(__file__).parent.parent)}
