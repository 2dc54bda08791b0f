"""What several tests need: the real embedding model, compiled once, and environments for processes."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_llm import FakeLLM
from fakes import open_fake

from bot.answering.builtin import BuiltIn
from vectorstore.embeddings import OnnxEmbedder
from vectorstore.library import Library
from vectorstore.model_files import DEFAULT_MODEL, ensure_compiled

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def models() -> Path:
    """The folder with the compiled default model: a build product, shared with `make demo`."""
    folder = ROOT / "data" / "models"
    ensure_compiled(DEFAULT_MODEL, folder)
    return folder


@pytest.fixture(scope="session")
def embedder(models: Path) -> OnnxEmbedder:
    """The model that is served."""
    return OnnxEmbedder(DEFAULT_MODEL, models)


@pytest.fixture(scope="session")
def answerer() -> BuiltIn:
    """The shipped reader and verifier."""
    return BuiltIn()


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """An empty library with the fake embedding model."""
    return open_fake(tmp_path / "data")


@pytest.fixture
def llm() -> Iterator[FakeLLM]:
    """A chat model server on the loopback."""
    with FakeLLM() as server:
        yield server


@pytest.fixture
def environment(models: Path, tmp_path: Path) -> dict[str, str]:
    """The environment of a real process: a fresh data folder that borrows the compiled model."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "models").symlink_to(models, target_is_directory=True)
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("BOT_", "INGEST_", "PROMPTS_", "VECTORSTORE_")) and key != "LLM"
    }
    return {
        **kept,
        "FOOTNOTE_DATA": str(data),
        "PYTHONPATH": str(ROOT),
        "HF_HUB_OFFLINE": "1",
        "COLUMNS": "100",
    }
