"""Articles from Discord into a library, by the ingest command in a process of its own.

A file from a stranger may be made to eat memory, time, or a parser's mistakes: it is read where it can do no
harm, without the bot's token or any other secret in the environment, and the answers go on meanwhile.
"""

import asyncio
import contextlib
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePath

import ingest
from ingest.fetch import is_link
from ingest.settings import IngestSettings
from vectorstore.datatypes import UserError
from vectorstore.settings import VectorstoreSettings

_MEGABYTES, _SECONDS, _WALL = 6000, 120, 240.0
_PASSED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "SYSTEMROOT",
)
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Added:
    """What became of an article."""

    source: str  # its identity in the library
    state: str  # new, changed or unchanged
    chunks: int
    seconds: float


class Adder:
    """Adds one article at a time; the others wait."""

    def __init__(
        self, settings: VectorstoreSettings, *, megabytes: int = _MEGABYTES, wall: float = _WALL
    ) -> None:
        self._settings, self._megabytes, self._wall = settings, megabytes, wall
        self._one = asyncio.Lock()

    async def link(self, url: str, library: str) -> Added:
        """Read a web page. Raises UserError with the reason when it cannot be had."""
        if not is_link(url):
            raise UserError("a link begins with http:// or https://")
        async with self._one:
            with tempfile.TemporaryDirectory() as folder:
                return await self._ingest([url.strip()], library, Path(folder))

    async def file(self, name: str, content: bytes, library: str) -> Added:
        """Read a file; `name` is only what citations call it. Raises UserError when it cannot be read."""
        from ingest.load import SUFFIXES  # noqa: PLC0415  (a fifth of a second that the start need not wait for)

        suffix = PurePath(name).suffix.lower()
        if suffix not in SUFFIXES:
            raise UserError(f"this type of file cannot be read: use {', '.join(sorted(SUFFIXES))}")
        async with self._one:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / f"article{suffix}"
                path.write_bytes(content)
                return await self._ingest([str(path), "--source", safe_name(name)], library, Path(folder))

    async def _ingest(self, arguments: list[str], library: str, folder: Path) -> Added:
        command = ["-m", "ingest.limited", str(self._megabytes), str(_SECONDS)]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            *arguments,
            "--library",
            library,
            "--json",
            env=self._environment(),
            cwd=folder,  # our own: no .env is read there
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(self._wall):
                told, problems = await process.communicate()
        except TimeoutError as error:
            raise UserError("this took too long to read and was given up") from error
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        return _outcome(process.returncode, told, problems)

    def _environment(self) -> dict[str, str]:
        settings = self._settings
        kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        kept["PYTHONPATH"] = str(Path(ingest.__file__).parent.parent)
        kept["FOOTNOTE_DATA"] = str(settings.data.absolute())
        kept["EMBEDDING_MODEL"] = settings.embedding_model
        # also where they stand in .env, which is not read there
        kept["INGEST_MAX_BYTES"] = str(IngestSettings().max_bytes)
        kept["VECTORSTORE_LOCK_SECONDS"] = str(settings.lock_seconds)
        if settings.chroma_url is not None:
            kept["CHROMA_URL"] = settings.chroma_url.get_secret_value()
        return kept


def safe_name(name: str) -> str:
    """A file's name as citations show it: no folder, nothing that cannot be printed, not too long."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    printable = "".join(char for char in last if char.isprintable())
    path = PurePath(printable or "article.txt")
    return f"{path.stem[: _LONGEST_NAME - len(path.suffix)]}{path.suffix}"


def _outcome(code: int | None, told: bytes, problems: bytes) -> Added:
    try:
        result = json.loads(told)
        (article,) = result["articles"]
    except (ValueError, KeyError):
        lines = problems.decode(errors="replace").strip().splitlines()
        ours = code == 1 and lines and not any(line.startswith("Traceback") for line in lines)
        raise UserError(
            lines[-1] if ours else "this could not be read: it asks for too much memory or time"
        ) from None
    if article["state"] == "failed":
        raise UserError(article["reason"])
    return Added(article["source"], article["state"], article["chunks"], result["seconds"])
