"""Chroma, the only source of truth: one collection of chunks and one catalogue of articles per library.

A new version of an article becomes visible in one step, the upsert of its catalogue row; the order of
writes in `replace` keeps the old version answerable until then, wherever the process is killed:

1. note the article as pending; 2. add the new chunks under new ids; 3. upsert the row (published);
4. bump the revision; 5. delete the old chunks; 6. clear the note.

An embedded Chroma does not see what other processes write (measured with 1.5.9), so a reader that sees
a new revision reopens the client. Chunk ids are `article.version.position`: a hit whose version is not
the one in the catalogue is dropped without being read.
"""

import contextlib
import hashlib
import json
import logging
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import Any, cast
from urllib.parse import urlsplit

import chromadb
import numpy as np
from chromadb.config import Settings as ChromaSettings
from chromadb.errors import ChromaError, NotFoundError
from filelock import FileLock, Timeout

from vectorstore.datatypes import ArticleInfo, Chunk, UserError, header
from vectorstore.embeddings import Embedder, Vectors
from vectorstore.settings import VectorstoreSettings

log = logging.getLogger(__name__)

_COSINE = {"hnsw": {"space": "cosine"}}
_PAGE = 1000  # rows per request where everything is read
_HEALTH_SAMPLE = 8
_SAME = 1e-3  # cosine distance below which a vector has found itself


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleRow:
    """One row of a library's catalogue: an article's published version."""

    id: str
    info: ArticleInfo
    content_hash: str
    version: int  # the library's revision that published it
    chunks: int
    ingested_at: str  # ISO 8601, UTC

    def chunk_ids(self) -> list[str]:
        """The ids of the published chunks, in order."""
        return [f"{self.id}.{self.version}.{position}" for position in range(self.chunks)]


def article_id(source: str) -> str:
    """The id of the article that came from `source`."""
    return hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class Connection:
    """One Chroma client for all libraries of a data folder; `lock` guards it between threads."""

    def __init__(self, settings: VectorstoreSettings) -> None:
        self.settings = settings
        self.lock = RLock()
        self._client: Any = None

    @property
    def client(self) -> Any:  # chromadb types its client loosely
        """The open client."""
        if self._client is None:
            self._client = self._open()
        return self._client

    def reopen(self) -> None:
        """See what other processes wrote since the last opening."""
        if self.settings.chroma_url is None:
            self.close()

    def close(self) -> None:
        """Release the files."""
        if self._client is not None:
            self._client.close()
            self._client = None

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the one writer's lock, waiting `lock_seconds`. Raises UserError that names the holder."""
        data = self.settings.data
        data.mkdir(parents=True, exist_ok=True)
        holder = data / "writer.json"
        lock = FileLock(data / "writer.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            log.warning("waiting up to %g s for %s", self.settings.lock_seconds, _holder(holder))
            try:
                lock.acquire(timeout=self.settings.lock_seconds)
            except Timeout as error:
                raise UserError(f"{_holder(holder)} is writing to {data}: try again when it is done") from error
        try:
            now = datetime.now().astimezone().isoformat(timespec="seconds")
            holder.write_text(json.dumps({"pid": os.getpid(), "since": now}), encoding="utf-8")
            with self.lock:
                self.reopen()  # another process may have written before us
            yield
        finally:
            holder.unlink(missing_ok=True)
            lock.release()

    def _open(self) -> Any:
        quiet = ChromaSettings(anonymized_telemetry=False)
        url = self.settings.chroma_url
        if url is not None:
            parts = urlsplit(url.get_secret_value())
            port = parts.port or (443 if parts.scheme == "https" else 8000)
            try:
                return chromadb.HttpClient(
                    host=parts.hostname or "", port=port, ssl=parts.scheme == "https", settings=quiet
                )
            except ValueError as error:
                raise UserError(
                    f"no Chroma server answers at {parts.hostname}:{port}: start it, or correct CHROMA_URL"
                ) from error
        folder = self.settings.data / "chroma"
        folder.mkdir(parents=True, exist_ok=True)
        return chromadb.PersistentClient(str(folder), settings=quiet)


class Store:
    """The chunks and the catalogue of one library."""

    def __init__(self, connection: Connection, library: str, embedder: Embedder) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", library):
            raise UserError(
                f"library name {library!r} is not usable: take lower-case letters, digits, - and _ (at most 63)"
            )
        self.library = library
        self.connection = connection
        self.embedder = embedder

    # ---- reading

    def head(self) -> tuple[str, int] | None:
        """Which state of the library is on disk: (collection id, revision), or None if there is no library."""
        chunks = self._collection("chunks")
        return None if chunks is None else (str(chunks.id), int(chunks.metadata["revision"]))

    def rows(self, *, after: int = -1) -> list[ArticleRow]:
        """The catalogue, or only the rows published after revision `after`."""
        catalogue = self._collection("articles")
        if catalogue is None:
            return []
        where = {"version": {"$gt": after}} if after >= 0 else None
        return [_row(id_, meta) for id_, meta in _pages(catalogue, ["metadatas"], where=where)]

    def article_ids(self) -> set[str]:
        """The ids of all published articles."""
        catalogue = self._collection("articles")
        return set() if catalogue is None else set(catalogue.get(include=[])["ids"])

    def nearest(self, vector: Vectors, count: int) -> dict[str, float]:
        """Chunk id → cosine similarity of the `count` chunks nearest to `vector`, shape (dimension,)."""
        chunks = self._existing("chunks")
        found = chunks.query(query_embeddings=[vector], n_results=count, include=["distances"])
        # the one place where Chroma's cosine distance becomes a similarity, higher is better
        return {id_: 1.0 - float(distance) for id_, distance in zip(found["ids"][0], found["distances"][0], strict=True)}

    def similarities(self, vector: Vectors, ids: list[str]) -> dict[str, float]:
        """Chunk id → cosine similarity to `vector`, for given chunks; ids that are gone are left out."""
        if not ids:
            return {}
        found = self._existing("chunks").get(ids=ids, include=["embeddings"])
        if not found["ids"]:
            return {}
        return dict(zip(found["ids"], (np.asarray(found["embeddings"]) @ vector).tolist(), strict=True))

    def chunks(self, ids: list[str]) -> dict[str, Chunk]:
        """The chunks with these ids; those without a text (deleted meanwhile) are left out."""
        collection = self._collection("chunks")
        if collection is None or not ids:
            return {}
        found: dict[str, Chunk] = {}
        for first in range(0, len(ids), _PAGE):
            rows = collection.get(ids=ids[first : first + _PAGE], include=["documents", "metadatas"])
            for id_, text, meta in zip(rows["ids"], rows["documents"], rows["metadatas"], strict=True):
                if text is not None:
                    found[id_] = _chunk(text, meta)
        return found

    # ---- writing: the caller holds `connection.writing()`

    def replace(self, info: ArticleInfo, content_hash: str, chunks: list[Chunk]) -> ArticleRow:
        """Publish a version of an article, taking the place of the one before, if any."""
        vectors = self.embedder.embed([f"{header(info, chunk.section)}\n{chunk.text}" for chunk in chunks])
        with self.connection.lock:
            collection = self._create()
            catalogue = self._existing("articles")
            revision = int(collection.metadata["revision"]) + 1
            row = ArticleRow(
                id=article_id(info.source),
                info=info,
                content_hash=content_hash,
                version=revision,
                chunks=len(chunks),
                ingested_at=datetime.now(UTC).isoformat(timespec="seconds"),
            )
            self._note(collection, pending=row.id)
            batch = int(self.connection.client.get_max_batch_size())
            ids = row.chunk_ids()
            for first in range(0, len(ids), batch):
                part = slice(first, first + batch)
                collection.add(
                    ids=ids[part],
                    embeddings=vectors[part],
                    documents=[chunk.text for chunk in chunks[part]],
                    metadatas=[_chunk_meta(row, chunk) for chunk in chunks[part]],
                )
            catalogue.upsert(ids=[row.id], embeddings=[[1.0]], metadatas=[_row_meta(row)])
            self._note(collection, revision=revision)
            self._delete_versions(collection, row.id, keep=revision)
            self._note(collection, pending="")
        return row

    def remove(self, source: str) -> bool:
        """Take an article out, at once. False if the library does not have it."""
        with self.connection.lock:
            collection, catalogue = self._collection("chunks"), self._collection("articles")
            id_ = article_id(source)
            if collection is None or catalogue is None or not catalogue.get(ids=[id_], include=[])["ids"]:
                return False
            self._note(collection, pending=id_)
            catalogue.delete(ids=[id_])
            self._note(collection, revision=int(collection.metadata["revision"]) + 1)
            self._delete_versions(collection, id_, keep=None)
            self._note(collection, pending="")
            return True

    def repair(self) -> str | None:
        """Finish or undo what an interrupted writer left. Returns the id of the article concerned."""
        with self.connection.lock:
            self._finish_rebuild()
            collection, catalogue = self._collection("chunks"), self._collection("articles")
            if collection is None:
                return None
            if catalogue is None:  # killed between the two creations
                self._create()
                catalogue = self._existing("articles")
            pending = str(collection.metadata.get("pending", ""))
            if not pending:
                return None
            found = catalogue.get(ids=[pending], include=["metadatas"])
            live = int(found["metadatas"][0]["version"]) if found["ids"] else None
            revision = max(int(collection.metadata["revision"]), live or 0) + (live is None)
            self._note(collection, revision=revision)
            self._delete_versions(collection, pending, keep=live)
            self._note(collection, pending="")
            return pending

    def rebuild(self) -> int:
        """Embed every stored text again, with the settings' model, into a new collection. Returns its size."""
        with self.connection.lock:
            client = self.connection.client
            old = self._collection("chunks", check_model=False)
            if old is None:
                return 0
            with contextlib.suppress(NotFoundError):
                client.delete_collection(self._name("rebuild"))
            meta = {**old.metadata, **self._model_meta(), "revision": int(old.metadata["revision"]) + 1}
            new = client.create_collection(
                self._name("rebuild"), configuration=_COSINE, embedding_function=None, metadata=meta
            )
            done = 0
            titles = {row.id: row.info for row in self.rows()}
            for page in _batches(old):
                texts = [
                    f"{header(titles[meta['article']], meta['section'])}\n{text}" if meta["article"] in titles else text
                    for text, meta in zip(page["documents"], page["metadatas"], strict=True)
                ]
                new.add(
                    ids=page["ids"],
                    embeddings=self.embedder.embed(texts),
                    documents=page["documents"],
                    metadatas=page["metadatas"],
                )
                done += len(texts)
            self._note(new, complete=1)
            self._finish_rebuild()
            return done

    # ---- checking

    def check_health(self) -> None:
        """Ask a sample of chunks to be their own nearest neighbours. Raises UserError if they are not.

        Chroma opens without an error, and answers wrongly, when its index folder is lost.
        """
        collection = self._collection("chunks")
        if collection is None or (size := collection.count()) == 0:
            return
        remedy = f"the vector index of library {self.library!r} is damaged: run python -m ingest --rebuild"
        step = max(1, size // _HEALTH_SAMPLE)
        try:
            for offset in range(0, size, step):
                row = collection.get(limit=1, offset=offset, include=["embeddings"])
                if row["ids"] and not _finds_itself(collection, np.asarray(row["embeddings"])):
                    raise UserError(remedy)
        except ChromaError as error:
            raise UserError(remedy) from error

    def problems(self) -> list[str]:
        """All that is wrong between catalogue, chunks and vectors; empty when the library is sound."""
        collection = self._collection("chunks")
        if collection is None:
            return []
        found: list[str] = []
        expected = {id_: row for row in self.rows() for id_ in row.chunk_ids()}
        seen: set[str] = set()
        if collection.metadata.get("pending"):
            found.append("a writer was interrupted: the next python -m ingest repairs it")
        for page in _batches(collection, ["documents", "metadatas", "embeddings"]):
            for id_, text, meta in zip(page["ids"], page["documents"], page["metadatas"], strict=True):
                seen.add(id_)
                if id_ not in expected:
                    found.append(f"chunk {id_} belongs to no published article")
                elif text is None or len(text) != int(meta["end"]) - int(meta["start"]):
                    found.append(f"chunk {id_} of {expected[id_].info.source} does not fit its offsets")
            if not _finds_itself(collection, np.asarray(page["embeddings"])):
                found.append("the vector index does not find its own vectors: run python -m ingest --rebuild")
        found += [f"chunk {id_} of {expected[id_].info.source} is missing" for id_ in expected.keys() - seen]
        return found

    # ---- inside

    def _name(self, kind: str) -> str:
        return f"{self.library}.{kind}"

    def _model_meta(self) -> dict[str, Any]:
        return {"model": self.embedder.card.name, "model_hash": self.embedder.card.hash}

    def _collection(self, kind: str, *, check_model: bool = True) -> Any:
        try:
            collection = self.connection.client.get_collection(self._name(kind), embedding_function=None)
        except NotFoundError:
            return None
        if kind == "chunks" and check_model:
            self._check_model(collection.metadata)
        return collection

    def _existing(self, kind: str) -> Any:
        collection = self._collection(kind)
        if collection is None:
            raise UserError(f"library {self.library!r} has no articles: run python -m ingest PATH")
        return collection

    def _create(self) -> Any:
        client = self.connection.client
        client.get_or_create_collection(
            self._name("articles"), configuration=_COSINE, embedding_function=None, metadata={"kind": "articles"}
        )
        existing = self._collection("chunks")
        if existing is not None:
            return existing
        return client.create_collection(
            self._name("chunks"),
            configuration=_COSINE,
            embedding_function=None,
            metadata={"revision": 0, "pending": "", **self._model_meta()},
        )

    def _check_model(self, meta: dict[str, Any]) -> None:
        card = self.embedder.card
        if (meta["model"], meta["model_hash"]) != (card.name, card.hash):
            raise UserError(
                f"library {self.library!r} was built with {meta['model']} ({meta['model_hash']}), settings say "
                f"{card.name} ({card.hash}): run python -m ingest --rebuild, or set EMBEDDING_MODEL back"
            )

    def _note(self, collection: Any, **changes: str | int) -> None:
        collection.modify(metadata={**collection.metadata, **changes})

    def _delete_versions(self, collection: Any, id_: str, *, keep: int | None) -> None:
        """Delete an article's chunks but those of version `keep`."""
        where: dict[str, Any] = {"article": id_}
        if keep is not None:
            where = {"$and": [where, {"version": {"$ne": keep}}]}
        stale = collection.get(where=where, include=[])["ids"]
        for first in range(0, len(stale), _PAGE):
            collection.delete(ids=stale[first : first + _PAGE])

    def _finish_rebuild(self) -> None:
        """Put a complete rebuilt collection in the old one's place; drop an incomplete one."""
        client = self.connection.client
        new = self._collection("rebuild")
        if new is None:
            return
        if not new.metadata.get("complete"):
            client.delete_collection(self._name("rebuild"))
            return
        with contextlib.suppress(NotFoundError):
            client.delete_collection(self._name("chunks"))
        new.modify(name=self._name("chunks"))


def library_names(connection: Connection) -> list[str]:
    """The libraries that exist, in alphabetical order."""
    names = (collection.name for collection in connection.client.list_collections())
    return sorted(name.removesuffix(".chunks") for name in names if name.endswith(".chunks"))


def delete_library(connection: Connection, library: str) -> None:
    """Drop all collections of a library; the caller holds `connection.writing()`."""
    for kind in ("articles", "chunks", "rebuild"):
        with contextlib.suppress(NotFoundError):
            connection.client.delete_collection(f"{library}.{kind}")


def _finds_itself(collection: Any, vectors: Vectors) -> bool:
    found = collection.query(query_embeddings=list(vectors), n_results=1, include=["distances"])
    return all(distances and distances[0] < _SAME for distances in found["distances"])


def _batches(collection: Any, include: list[str] | None = None) -> Iterator[dict[str, Any]]:
    """A collection's rows, `_PAGE` at a time."""
    for offset in range(0, collection.count(), _PAGE):
        yield collection.get(limit=_PAGE, offset=offset, include=include or ["documents", "metadatas"])


def _pages(collection: Any, include: list[str], where: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    offset = 0
    while True:
        page = collection.get(limit=_PAGE, offset=offset, include=include, where=where)
        yield from zip(page["ids"], page["metadatas"], strict=True)
        if len(page["ids"]) < _PAGE:
            return
        offset += _PAGE


def _row_meta(row: ArticleRow) -> dict[str, str | int]:
    flat = {**asdict(row.info), "hash": row.content_hash, "version": row.version}
    flat |= {"chunks": row.chunks, "ingested_at": row.ingested_at}
    return {key: value for key, value in flat.items() if value is not None}


def _row(id_: str, meta: dict[str, Any]) -> ArticleRow:
    return ArticleRow(
        id=id_,
        info=ArticleInfo(
            source=meta["source"], title=meta["title"], date=meta.get("date"), author=meta.get("author")
        ),
        content_hash=meta["hash"],
        version=int(meta["version"]),
        chunks=int(meta["chunks"]),
        ingested_at=meta["ingested_at"],
    )


def _chunk_meta(row: ArticleRow, chunk: Chunk) -> dict[str, str | int]:
    return {
        "article": row.id,
        "version": row.version,
        "start": chunk.start,
        "end": chunk.end,
        "section": chunk.section,
        "sentences": " ".join(f"{start}-{end}" for start, end in chunk.sentences),
    }


def _chunk(text: str, meta: dict[str, Any]) -> Chunk:
    spans = (span.split("-") for span in cast("str", meta["sentences"]).split())
    return Chunk(
        text=text,
        start=int(meta["start"]),
        end=int(meta["end"]),
        section=meta["section"],
        sentences=tuple((int(start), int(end)) for start, end in spans),
    )


def _holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "another process"
    return f"another process (pid {holder['pid']}, since {holder['since']})"
