"""Is a library sound, and how it is made sound again: health, verification, rebuilding."""

from typing import Any

import numpy as np

from vectorstore.chroma import ChromaError
from vectorstore.datatypes import UserError, ingest_command
from vectorstore.lexical import LexicalIndex
from vectorstore.store import Store, embedded_text, note, pages

_SAMPLE = 8  # chunks that are asked to find themselves
_SAME = 1e-3  # cosine distance below which a vector has found itself


def check_health(store: Store) -> None:
    """Ask a sample of chunks to be their own nearest neighbours. Raises UserError if they are not.

    Chroma opens without an error, and answers wrongly, when its index folder is lost.
    """
    collection = store.collection("chunks")
    if collection is None or (size := collection.count()) == 0:
        return
    anew = ingest_command(store.library, "--rebuild")
    remedy = f"the vector index of library {store.library!r} is damaged: run {anew}"
    try:
        for offset in range(0, size, max(1, size // _SAMPLE)):
            row = collection.get(limit=1, offset=offset, include=["embeddings"])
            if row["ids"] and not _finds_itself(collection, np.asarray(row["embeddings"])):
                raise UserError(remedy)
    except ChromaError as error:
        raise UserError(remedy) from error


def problems(store: Store, index: LexicalIndex) -> list[str]:
    """All that is wrong between catalogue, chunks, vectors and lexical index; empty when all is sound."""
    collection = store.collection("chunks")
    if collection is None:
        return []
    found: list[str] = []
    expected = {id_: row.info.source for row in store.rows() for id_ in row.chunk_ids()}
    if collection.metadata["pending"]:
        found.append(f"a writer was interrupted: {ingest_command(store.library)} repairs it")
    seen: set[str] = set()
    for page in pages(collection, ["documents", "metadatas", "embeddings"]):
        seen.update(page["ids"])
        found += _page_problems(page, expected)
        if not _finds_itself(collection, np.asarray(page["embeddings"])):
            anew = ingest_command(store.library, "--rebuild")
            found.append(f"the vector index does not find its own vectors: run {anew}")
    found += [f"chunk {id_} of {expected[id_]} is missing" for id_ in sorted(expected.keys() - seen)]
    indexed = index.chunk_ids()
    found += [f"chunk {id_} is not in the lexical index" for id_ in sorted(expected.keys() - indexed)]
    found += [f"chunk {id_} is in the lexical index only" for id_ in sorted(indexed - expected.keys())]
    return found


def rebuild(store: Store) -> int:
    """Embed every stored text again, with the settings' model, into a new collection. Returns its size.

    The caller holds `connection.writing()`. The old collection serves until the new one is complete.
    """
    connection, name = store.connection, f"{store.library}.chunks"
    with connection.lock:
        finish_rebuild(store)
        old = connection.collection(name)
        if old is None:
            return 0
        revision = int(old.metadata["revision"]) + 1
        meta = {**old.metadata, **store.model_meta(), "revision": revision, "complete": 0}
        new = connection.create(f"{store.library}.rebuild", meta)
        infos = {row.id: row.info for row in store.rows()}
        done = 0
        for page in pages(old, ["documents", "metadatas"]):
            live = [i for i, m in enumerate(page["metadatas"]) if m["article"] in infos]
            texts = [page["documents"][i] for i in live]
            metas = [page["metadatas"][i] for i in live]
            if not live:
                continue
            whole = (
                embedded_text(infos[m["article"]], m["section"], text)
                for m, text in zip(metas, texts, strict=True)
            )
            vectors = store.embedder.embed(list(whole))
            new.add(ids=[page["ids"][i] for i in live], embeddings=vectors, documents=texts, metadatas=metas)
            done += len(live)
        note(new, complete=1)
        finish_rebuild(store)
        return done


def finish_rebuild(store: Store) -> None:
    """Put a complete rebuilt collection in the old one's place; drop an incomplete one."""
    connection = store.connection
    new = connection.collection(f"{store.library}.rebuild")
    if new is None:
        return
    if not new.metadata.get("complete"):
        connection.delete(f"{store.library}.rebuild")
        return
    connection.delete(f"{store.library}.chunks")
    new.modify(name=f"{store.library}.chunks")


def _page_problems(page: dict[str, Any], expected: dict[str, str]) -> list[str]:
    found = []
    for id_, text, meta in zip(page["ids"], page["documents"], page["metadatas"], strict=True):
        if id_ not in expected:
            found.append(f"chunk {id_} belongs to no published article")
        elif text is None or len(text) != int(meta["end"]) - int(meta["start"]):
            found.append(f"chunk {id_} of {expected[id_]} does not fit its offsets")
    return found


def _finds_itself(collection: Any, vectors: Any) -> bool:
    found = collection.query(query_embeddings=list(vectors), n_results=1, include=["distances"])
    return all(distances and distances[0] < _SAME for distances in found["distances"])
