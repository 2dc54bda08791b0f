"""The articles of one library in Chroma, the only source of truth: a catalogue and a collection of chunks.

A new version of an article becomes visible in one step, the upsert of its catalogue row; the order of
writes in `replace` keeps the old version answerable until then, wherever the process is killed:

1. note the article as pending; 2. add the new chunks under new ids; 3. upsert the row (published);
4. bump the revision; 5. delete the old chunks; 6. clear the note.

A reader that sees a new revision reopens the client (an embedded Chroma does not see what other
processes write, measured with 1.5.9). Chunk ids are `article.version.position`: a hit whose version is
not the one in the catalogue is dropped without being read.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from vectorstore.chroma import Connection
from vectorstore.datatypes import ArticleInfo, Chunk, UserError, header, ingest_command, no_articles
from vectorstore.embeddings import Embedder, Vectors

PAGE = 1000  # rows per request where everything is read


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


def embedded_text(info: ArticleInfo, section: str, text: str) -> str:
    """What is embedded and indexed of a chunk: its context header and its text."""
    return f"{header(info, section)}\n{text}"


class Store:
    """The chunks and the catalogue of one library."""

    def __init__(self, connection: Connection, library: str, embedder: Embedder) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", library):
            raise UserError(
                f"library name {library!r} is not usable: take up to 63 lower-case letters, digits, - and _"
            )
        self.library = library
        self.connection = connection
        self.embedder = embedder
        self._seen: tuple[Any, Any] = (None, None)  # client and collection of the last look at the head

    # ---- reading

    def head(self) -> tuple[str, int] | None:
        """The state of the library on disk, (collection id, revision), or None if there is no library."""
        chunks = self.collection("chunks")
        self._seen = (self.connection.client, chunks)
        return None if chunks is None else (str(chunks.id), int(chunks.metadata["revision"]))

    def rows(self, *, after: int = -1) -> list[ArticleRow]:
        """The catalogue, or only the rows published after revision `after`."""
        catalogue = self.collection("articles")
        if catalogue is None:
            return []
        where = {"version": {"$gt": after}} if after >= 0 else None
        return [row for page in pages(catalogue, ["metadatas"], where) for row in _rows(page)]

    def article_ids(self) -> set[str]:
        """The ids of all published articles."""
        catalogue = self.collection("articles")
        return set() if catalogue is None else set(catalogue.get(include=[])["ids"])

    def nearest(self, vector: Vectors, count: int) -> dict[str, float]:
        """Chunk id → cosine similarity of the `count` chunks nearest to `vector`, shape (dimension,)."""
        found = self._reading().query(query_embeddings=[vector], n_results=count, include=["distances"])
        # the one place where Chroma's cosine distance becomes a similarity, higher is better
        return {
            id_: 1.0 - float(far) for id_, far in zip(found["ids"][0], found["distances"][0], strict=True)
        }

    def similarities(self, vector: Vectors, ids: list[str]) -> dict[str, float]:
        """Chunk id → cosine similarity to `vector`, for given chunks; ids that are gone are left out."""
        if not ids:
            return {}
        found = self._reading().get(ids=ids, include=["embeddings"])
        if not found["ids"]:
            return {}
        return dict(zip(found["ids"], (np.asarray(found["embeddings"]) @ vector).tolist(), strict=True))

    def chunks(self, ids: list[str]) -> dict[str, Chunk]:
        """The chunks with these ids; those without a text (deleted meanwhile) are left out."""
        if not ids:
            return {}
        collection = self._reading()
        found: dict[str, Chunk] = {}
        for first in range(0, len(ids), PAGE):
            rows = collection.get(ids=ids[first : first + PAGE], include=["documents", "metadatas"])
            for id_, text, meta in zip(rows["ids"], rows["documents"], rows["metadatas"], strict=True):
                if text is not None:
                    found[id_] = _chunk(text, meta)
        return found

    # ---- writing: the caller holds `connection.writing()`

    def embed(self, info: ArticleInfo, chunks: list[Chunk]) -> Vectors:
        """A vector for each chunk, shape (len(chunks), dimension)."""
        return self.embedder.embed([embedded_text(info, chunk.section, chunk.text) for chunk in chunks])

    def replace(
        self, info: ArticleInfo, content_hash: str, chunks: list[Chunk], vectors: Vectors
    ) -> ArticleRow:
        """Publish a version of an article, taking the place of the one before, if any."""
        with self.connection.lock:
            collection = self._create()
            revision = int(collection.metadata["revision"]) + 1
            row = ArticleRow(
                id=article_id(info.source),
                info=info,
                content_hash=content_hash,
                version=revision,
                chunks=len(chunks),
                ingested_at=datetime.now(UTC).isoformat(timespec="seconds"),
            )
            note(collection, pending=row.id)
            self._add(collection, row, chunks, vectors)
            catalogue = self._required("articles")
            catalogue.upsert(ids=[row.id], embeddings=[[1.0]], metadatas=[_row_meta(row)])
            note(collection, revision=revision)
            _delete_versions(collection, row.id, keep=revision)
            note(collection, pending="")
        return row

    def remove(self, source: str) -> bool:
        """Take an article out, at once. False if the library does not have it."""
        with self.connection.lock:
            collection, catalogue = self.collection("chunks"), self.collection("articles")
            id_ = article_id(source)
            if collection is None or catalogue is None or not catalogue.get(ids=[id_], include=[])["ids"]:
                return False
            note(collection, pending=id_)
            catalogue.delete(ids=[id_])
            note(collection, revision=int(collection.metadata["revision"]) + 1)
            _delete_versions(collection, id_, keep=None)
            note(collection, pending="")
            return True

    def repair(self) -> str | None:
        """Finish or undo what an interrupted writer left. Returns the id of the article concerned."""
        with self.connection.lock:
            collection = self.collection("chunks")
            if collection is None:
                return None
            catalogue = self.collection("articles")
            pending = str(collection.metadata["pending"])
            if catalogue is None or not pending:
                return None
            found = catalogue.get(ids=[pending], include=["metadatas"])
            live = int(found["metadatas"][0]["version"]) if found["ids"] else None
            revision = int(collection.metadata["revision"])
            # a row that was published but not announced, or removed but not announced
            note(collection, revision=revision + 1 if live is None else max(revision, live))
            _delete_versions(collection, pending, keep=live)
            note(collection, pending="")
            return pending

    # ---- inside

    def collection(self, kind: str) -> Any:
        """The library's Chroma collection of a kind ("chunks" or "articles"), or None.

        Raises UserError when the chunks were embedded with another model than the settings name.
        """
        collection = self.connection.collection(f"{self.library}.{kind}")
        if collection is not None and kind == "chunks":
            self._check_model(collection.metadata)
        return collection

    def model_meta(self) -> dict[str, str]:
        """What a collection of chunks says of the model that embedded it."""
        return {"model": self.embedder.card.name, "model_hash": self.embedder.card.hash}

    def _reading(self) -> Any:
        """The collection of the last look at the head, which saves .4 ms each time, or as it is now."""
        client, collection = self._seen
        if collection is None or client is not self.connection.client:
            collection = self._required("chunks")
        return collection

    def _required(self, kind: str) -> Any:
        collection = self.collection(kind)
        if collection is None:
            raise no_articles(self.library)
        return collection

    def _create(self) -> Any:
        if self.collection("articles") is None:
            self.connection.create(f"{self.library}.articles", {"kind": "articles"})
        meta = {"revision": 0, "pending": "", **self.model_meta()}
        return self.collection("chunks") or self.connection.create(f"{self.library}.chunks", meta)

    def _check_model(self, meta: dict[str, Any]) -> None:
        card = self.embedder.card
        if (meta["model"], meta["model_hash"]) != (card.name, card.hash):
            raise UserError(
                f"library {self.library!r} was built with {meta['model']} "
                f"({meta['model_hash']}), settings say {card.name} ({card.hash}): "
                f"run {ingest_command(self.library, '--rebuild')}, or set EMBEDDING_MODEL back"
            )

    def _add(self, collection: Any, row: ArticleRow, chunks: list[Chunk], vectors: Vectors) -> None:
        ids = row.chunk_ids()
        batch = int(self.connection.client.get_max_batch_size())
        for first in range(0, len(ids), batch):
            part = slice(first, first + batch)
            collection.add(
                ids=ids[part],
                embeddings=vectors[part],
                documents=[chunk.text for chunk in chunks[part]],
                metadatas=[_chunk_meta(row, chunk) for chunk in chunks[part]],
            )


def library_names(connection: Connection) -> list[str]:
    """The libraries that exist, in alphabetical order."""
    return sorted(name.removesuffix(".chunks") for name in connection.names() if name.endswith(".chunks"))


def note(collection: Any, **changes: str | int) -> None:
    """Change single values of a collection's metadata."""
    collection.modify(metadata={**collection.metadata, **changes})


def pages(collection: Any, include: list[str], where: Any = None) -> Iterator[dict[str, Any]]:
    """A collection's rows, `PAGE` at a time, as Chroma's dict of columns."""
    offset = 0
    while True:
        page = collection.get(limit=PAGE, offset=offset, include=include, where=where)
        if page["ids"]:
            yield page
        if len(page["ids"]) < PAGE:
            return
        offset += PAGE


def _delete_versions(collection: Any, id_: str, *, keep: int | None) -> None:
    """Delete an article's chunks but those of version `keep`."""
    where: dict[str, Any] = {"article": id_}
    if keep is not None:
        where = {"$and": [where, {"version": {"$ne": keep}}]}
    stale = collection.get(where=where, include=[])["ids"]
    for first in range(0, len(stale), PAGE):
        collection.delete(ids=stale[first : first + PAGE])


def _row_meta(row: ArticleRow) -> dict[str, str | int]:
    flat = {**asdict(row.info), "hash": row.content_hash, "version": row.version}
    flat |= {"chunks": row.chunks, "ingested_at": row.ingested_at}
    return {key: value for key, value in flat.items() if value is not None}


def _rows(page: dict[str, Any]) -> Iterator[ArticleRow]:
    for id_, meta in zip(page["ids"], page["metadatas"], strict=True):
        yield ArticleRow(
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
    spans = (span.split("-") for span in str(meta["sentences"]).split())
    return Chunk(
        text=text,
        start=int(meta["start"]),
        end=int(meta["end"]),
        section=meta["section"],
        sentences=tuple((int(start), int(end)) for start, end in spans),
    )
