"""Everything that one library needs, opened once and passed on."""

from dataclasses import dataclass

from vectorstore.chroma import Connection
from vectorstore.datatypes import UserError
from vectorstore.embeddings import OnnxEmbedder
from vectorstore.lexical import LexicalIndex
from vectorstore.retrieval import Retriever
from vectorstore.settings import VectorstoreSettings
from vectorstore.store import Store, library_names


@dataclass(frozen=True, slots=True)
class Library:
    """An open library; `store` and `retriever` share the connection."""

    connection: Connection
    store: Store
    index: LexicalIndex
    retriever: Retriever


def open_library(settings: VectorstoreSettings, name: str, *, must_exist: bool = False) -> Library:
    """Open a library. Raises UserError when its name is unusable, or when it must exist and does not."""
    connection = Connection(settings)
    # asked before the embedding model is compiled, which would be half a minute of waiting for this message
    if must_exist and name not in (names := library_names(connection)):
        known = f" (there are: {', '.join(names)})" if names else ""
        option = "" if name == "default" else f" --library {name}"
        raise UserError(f"library {name!r} has no articles{known}: run python -m ingest articles/{option}")
    embedder = OnnxEmbedder(settings.embedding_model, settings.data / "models")
    store = Store(connection, name, embedder)
    index = LexicalIndex(settings.data / "lexical" / name)
    return Library(connection, store, index, Retriever(store, index))
