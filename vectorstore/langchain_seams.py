"""The two seams to LangChain: our embedding model as `Embeddings`, our retrieval as a `BaseRetriever`.

Nothing else of Footnote imports this module: importing langchain_core costs two seconds.
"""

import asyncio
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from vectorstore.datatypes import Passage
from vectorstore.embeddings import Embedder
from vectorstore.retrieval import Retriever


class FootnoteEmbeddings(Embeddings):
    """The compiled embedding model; vectors have unit length."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """A vector for each text."""
        vectors: list[list[float]] = self._embedder.embed(list(texts)).tolist()
        return vectors

    def embed_query(self, text: str) -> list[float]:
        """The vector of one text."""
        return self.embed_documents([text])[0]


class FootnoteRetriever(BaseRetriever):
    """Hybrid retrieval from one library, best passage first."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    retriever: Retriever
    k: int = 8

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **kwargs: Any
    ) -> list[Document]:
        found = self.retriever.retrieve(query, int(kwargs.get("k", self.k)))
        return [_document(passage) for passage in found.passages]

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **kwargs: Any
    ) -> list[Document]:
        found = await asyncio.to_thread(self.retriever.retrieve, query, int(kwargs.get("k", self.k)))
        return [_document(passage) for passage in found.passages]


def _document(passage: Passage) -> Document:
    article, chunk = passage.article, passage.chunk
    meta: dict[str, Any] = {
        "source": article.source,
        "title": article.title,
        "date": article.date,
        "author": article.author,
    }
    meta |= {"section": chunk.section, "start": chunk.start, "end": chunk.end, "score": passage.score}
    return Document(id=passage.chunk_id, page_content=chunk.text, metadata=meta)
