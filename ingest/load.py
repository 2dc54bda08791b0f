"""A file or a web page in, an Article out, or an error with the reason."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from ingest.article import Article
from ingest.decode import decode
from ingest.document import KINDS, read_document
from ingest.fetch import Rules, fetch
from ingest.markdown import read_markdown
from ingest.plain import read_plain
from vectorstore.datatypes import UserError

_PLAIN = {".txt", ".text"}
_MARKDOWN = {".md", ".markdown"}
_HTML = {".html", ".htm", ".xhtml"}
SUFFIXES = _PLAIN | _MARKDOWN | _HTML | KINDS.keys()


def find_files(paths: Iterable[Path]) -> list[Path]:
    """The files named, and those of a known type in the folders named (hidden ones left out), each once."""
    found: dict[Path, None] = {}
    for path in paths:
        if _is_folder(path):
            inside = (file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
            visible = (
                f for f in inside if not any(part.startswith(".") for part in f.relative_to(path).parts)
            )
            found.update(dict.fromkeys(sorted(visible)))
        else:
            found[path] = None
    return list(found)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long: what is wrong with it is told when it is read
        return False


def load_link(url: str, *, source: str, rules: Rules) -> Article:
    """The article of a web page; `source` becomes its identity. Raises UserError with the reason."""
    page = fetch(url, rules)
    name = PurePosixPath(urlsplit(url).path).stem.replace("-", " ") or urlsplit(url).hostname or url
    return _article(page.body, source=source, name=name, suffix=page.suffix)


def load(path: Path, *, source: str, max_bytes: int) -> Article:
    """The article in a file; `source` becomes its identity.

    Raises UserError with the reason alone, since the caller names the file: it is missing, unreadable, too
    large, of an unknown type, empty, binary, in an encoding that cannot be told, or a PDF or Word file that
    cannot be converted.
    """
    suffix = path.suffix.lower()
    raw = _read(path, max_bytes)
    if suffix not in SUFFIXES:
        raise UserError(
            f"files of type {suffix or '(none)'} cannot be read: use {', '.join(sorted(SUFFIXES))}"
        )
    called = PurePosixPath(source)
    name = called.stem.replace("_", " ").replace("-", " ").strip() or called.name
    return _article(raw, source=source, name=name, suffix=suffix)


def _article(raw: bytes, *, source: str, name: str, suffix: str) -> Article:
    if suffix in KINDS:
        return read_document(raw, suffix, source=source, name=name)
    text = decode(raw, html=suffix in _HTML)
    if suffix in _HTML:
        # trafilatura takes .3 s to import: only an ingest that meets a web page pays for it
        from ingest.web_page import read_web_page  # noqa: PLC0415

        article = read_web_page(text, source=source, name=name)
    else:
        article = (read_markdown if suffix in _MARKDOWN else read_plain)(text, source=source, name=name)
    if not any(not block.heading for block in article.blocks):
        raise UserError("there is no text in it beside headings")
    return article


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        if not path.is_file():
            raise UserError("there is no such file" if not path.exists() else "this is not a file")
        size = path.stat().st_size
        if size > max_bytes:
            raise UserError(f"{size:,} bytes are more than INGEST_MAX_BYTES ({max_bytes:,})")
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"it cannot be read ({(error.strerror or 'unknown error').lower()})") from error
