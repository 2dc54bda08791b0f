"""From files to a library: load, skip what has not changed, split, store."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from ingest.article import Article
from ingest.load import load
from ingest.split import split
from vectorstore.datatypes import Chunk, UserError
from vectorstore.store import ArticleRow, Store

_RECIPE = 1  # raise it when load or split changes its output: articles are then stored anew


class State(StrEnum):
    """What became of an article."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file."""

    source: str
    state: State
    chunks: int = 0
    reason: str = ""  # why it failed


def ingest(files: list[Path], store: Store, max_bytes: int, *, dry_run: bool = False) -> Iterator[Outcome]:
    """Bring each file's article into the library; a file that cannot be read is an outcome, not an end.

    The caller holds `connection.writing()`, unless it is a dry run.
    """
    known = {row.info.source: row for row in store.rows()}
    for path in files:
        source = source_of(path)
        try:
            article = load(path, source=source, max_bytes=max_bytes)
            chunks = split(
                article, count_tokens=store.embedder.count_tokens, max_tokens=store.embedder.card.max_tokens
            )
        except UserError as error:
            yield Outcome(source, State.FAILED, reason=str(error))
            continue
        yield _store(article, chunks, store, known, dry_run=dry_run)


def source_of(path: Path) -> str:
    """A file's identity: its path relative to the working directory, or absolute if it is elsewhere."""
    absolute = path.absolute()
    try:
        return absolute.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return absolute.as_posix()


def content_hash(article: Article) -> str:
    """Changes whenever what would be stored changes."""
    content = json.dumps([_RECIPE, asdict(article.info), article.text], ensure_ascii=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _store(
    article: Article, chunks: list[Chunk], store: Store, known: dict[str, ArticleRow], *, dry_run: bool
) -> Outcome:
    source, digest = article.info.source, content_hash(article)
    row = known.get(source)
    if row is not None and row.content_hash == digest:
        return Outcome(source, State.UNCHANGED, row.chunks)
    if not dry_run:
        store.replace(article.info, digest, chunks)
    return Outcome(source, State.NEW if row is None else State.CHANGED, len(chunks))
