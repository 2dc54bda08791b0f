"""Everything that a library needs, opened once and passed on; all libraries of a data folder share it."""

from dataclasses import dataclass
from functools import cached_property

from vectorstore.chroma import Connection
from vectorstore.datatypes import NoArticlesError, ingest_command
from vectorstore.embeddings import OnnxEmbedder
from vectorstore.lexical import LexicalIndex
from vectorstore.retrieval import Hands, Retriever
from vectorstore.settings import VectorstoreSettings
from vectorstore.store import Store, library_names


@dataclass(frozen=True, slots=True)
class Library:
    """An open library; `store` and `retriever` share the connection."""

    connection: Connection
    store: Store
    index: LexicalIndex
    retriever: Retriever


class Shelf:
    """All libraries of a data folder: one connection, and one embedding model, loaded when it is needed."""

    def __init__(self, settings: VectorstoreSettings) -> None:
        self.settings = settings
        self.connection = Connection(settings)

    def names(self) -> list[str]:
        """The libraries that exist, in alphabetical order."""
        with self.connection.lock:
            return library_names(self.connection)

    def open(self, name: str, *, must_exist: bool = False, hands: Hands | None = None) -> Library:
        """Open a library; `hands` says who added what, against floods of near-duplicates.

        Raises UserError when its name is unusable, or when it must exist and does not.
        """
        # asked before the embedding model is compiled: half a minute of waiting for this message is too long
        if must_exist and name not in (names := self.names()):
            known = f" (there are: {', '.join(names)})" if names else ""
            run = ingest_command(name, "articles/")
            raise NoArticlesError(f"library {name!r} has no articles{known}: run {run}")
        store = Store(self.connection, name, self._embedder)
        index = LexicalIndex(self.settings.data / "lexical" / name)
        return Library(self.connection, store, index, Retriever(store, index, hands))

    @cached_property
    def _embedder(self) -> OnnxEmbedder:
        return OnnxEmbedder(self.settings.embedding_model, self.settings.data / "models")


def open_library(settings: VectorstoreSettings, name: str, *, must_exist: bool = False) -> Library:
    """Open one library of a data folder; see `Shelf.open`."""
    return Shelf(settings).open(name, must_exist=must_exist)
