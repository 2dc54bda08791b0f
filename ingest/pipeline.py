"""From files to a library: load, skip what has not changed, split, store."""

import hashlib
import json
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from ingest.article import Article
from ingest.fetch import Rules
from ingest.load import load, load_link
from ingest.split import split
from vectorstore.datatypes import Chunk, UserError
from vectorstore.embeddings import Vectors
from vectorstore.store import ArticleRow, Store

_RECIPE = 4  # raise it when load or split changes its output: articles are then stored anew
_AHEAD = 2  # articles that are read, and their chunks embedded, before one is stored


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


@dataclass(frozen=True, slots=True)
class Place:
    """Where an article is read: a file, or the web page that `source` itself names."""

    source: str  # its identity, and how citations name it
    path: Path | None = None


def place_of(path: Path) -> Place:
    """A file's place. Its identity is its path from the working directory, or absolute if it is elsewhere."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100  (without "..", which Path.absolute keeps)
    try:
        return Place(absolute.relative_to(Path.cwd()).as_posix(), path)
    except ValueError:
        return Place(absolute.as_posix(), path)


def ingest(places: list[Place], store: Store, rules: Rules, *, dry_run: bool = False) -> Iterator[Outcome]:
    """Bring each place's article into the library; one that cannot be read is an outcome, not an end.

    While one article is stored the next is embedded. The caller holds `connection.writing()`, unless it is
    a dry run.
    """
    known = {row.info.source: row for row in store.rows()}
    with ThreadPoolExecutor(max_workers=2) as ahead:
        queue: deque[tuple[_Ready | Outcome, Future[Vectors] | None]] = deque()
        for place in places:
            ready = _read(place, store, known, rules)
            vectors = None
            if isinstance(ready, _Ready) and not dry_run:
                vectors = ahead.submit(store.embed, ready.article.info, ready.chunks)
            queue.append((ready, vectors))
            if len(queue) > _AHEAD:
                yield _finish(*queue.popleft(), store)
        while queue:
            yield _finish(*queue.popleft(), store)


def content_hash(article: Article) -> str:
    """Changes whenever what would be stored changes."""
    content = json.dumps([_RECIPE, asdict(article.info), article.text], ensure_ascii=True)
    return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Ready:
    """An article that is to be stored, as new or in place of its last version."""

    article: Article
    digest: str
    chunks: list[Chunk]
    state: State


def _read(place: Place, store: Store, known: dict[str, ArticleRow], rules: Rules) -> _Ready | Outcome:
    source = place.source
    if (shown := source.encode("utf-8", "backslashreplace").decode()) != source:
        return Outcome(shown, State.FAILED, reason="its name is not UTF-8: rename the file")
    try:
        if place.path is None:
            article = load_link(source, source=source, rules=rules)
        else:
            article = load(place.path, source=source, max_bytes=rules.max_bytes)
        row, digest = known.get(source), content_hash(article)
        if row is not None and row.content_hash == digest:
            return Outcome(source, State.UNCHANGED, row.chunks)
        card = store.embedder.card
        chunks = split(article, count_tokens=store.embedder.count_tokens, max_tokens=card.max_tokens)
    except UserError as error:
        return Outcome(source, State.FAILED, reason=str(error))
    return _Ready(article, digest, chunks, State.NEW if row is None else State.CHANGED)


def _finish(ready: _Ready | Outcome, vectors: Future[Vectors] | None, store: Store) -> Outcome:
    if isinstance(ready, Outcome):
        return ready
    if vectors is not None:
        store.replace(ready.article.info, ready.digest, ready.chunks, vectors.result())
    return Outcome(ready.article.info.source, ready.state, len(ready.chunks))
