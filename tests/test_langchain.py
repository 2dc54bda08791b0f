"""The two seams to LangChain, under LangChain's own standard tests."""

from pathlib import Path
from typing import Any

import pytest
from fakes import WordEmbedder, open_fake, store_all, write
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_tests.integration_tests import EmbeddingsIntegrationTests, RetrieversIntegrationTests
from langchain_tests.unit_tests import EmbeddingsUnitTests

from vectorstore.langchain_seams import FootnoteEmbeddings, FootnoteRetriever
from vectorstore.library import Library


class _Embeddings:
    """What both standard suites ask of the class under test."""

    @property
    def embeddings_class(self) -> type[Embeddings]:
        """The class under test."""
        return FootnoteEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        """Its arguments."""
        return {"embedder": WordEmbedder()}


class TestEmbeddingsUnit(_Embeddings, EmbeddingsUnitTests):
    """It is built as LangChain builds it."""


class TestEmbeddings(_Embeddings, EmbeddingsIntegrationTests):
    """It embeds queries and documents, synchronously and not."""


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Five articles about bridges."""
    folder = tmp_path_factory.mktemp("langchain")
    library = open_fake(folder / "data")
    texts = {
        f"a{i}": f"Bridge {i}\n\nBridge number {i} was built in {1900 + i} by Ann Lee." for i in range(5)
    }
    store_all(library, write(folder / "a", **texts))
    return library


class TestRetriever(RetrieversIntegrationTests):
    """It obeys k, and returns documents."""

    @pytest.fixture(autouse=True)
    def _shelf(self, shelf: Library) -> None:
        self._library = shelf

    @property
    def retriever_constructor(self) -> type[FootnoteRetriever]:
        """The class under test."""
        return FootnoteRetriever

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        """Its arguments."""
        return {"retriever": self._library.retriever}

    @property
    def retriever_query_example(self) -> str:
        """A question that five passages fit."""
        return "Who built the bridge?"


def test_a_document_says_where_it_comes_from(tmp_path: Path, library: Library) -> None:
    """Chains cite by title and offsets; the text is the chunk's, without the context header."""
    text = "Ferry news\n\nThe ferry runs every hour."
    store_all(library, write(tmp_path / "a", ferry=text))
    (found,) = FootnoteRetriever(retriever=library.retriever).invoke("ferry")
    assert isinstance(found, Document)
    assert found.metadata["title"] == "Ferry news"
    assert text[found.metadata["start"] : found.metadata["end"]] == found.page_content
