"""The compiled embedding model against the one it was made from."""

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from ingest.plain import read_plain
from ingest.split import split_sentences
from vectorstore.datatypes import UserError
from vectorstore.embeddings import OnnxEmbedder
from vectorstore.model_files import DEFAULT_MODEL, ensure_compiled, find_weights

ARTICLE = (Path(__file__).parent.parent / "articles" / "coalition-of-the-willing.txt").read_text(
    encoding="utf-8"
)

# a process of its own, so that no other test finds torch imported
REFERENCE = """
import sys, numpy as np
from sentence_transformers import SentenceTransformer
model = SentenceTransformer(sys.argv[1], device="cpu")
vectors = model.encode(sys.stdin.read().split("\\0"), normalize_embeddings=True, show_progress_bar=False)
np.save(sys.argv[2], vectors)
"""


def sentences() -> list[str]:
    """The sentences of the sample article, and its paragraphs."""
    blocks = read_plain(ARTICLE, source="a", name="a").blocks
    texts = [ARTICLE[b.start : b.end] for b in blocks]
    return list(dict.fromkeys([text[a:b] for text in texts for a, b in split_sentences(text)] + texts))


def test_the_served_model_is_faithful_to_sentence_transformers(
    embedder: OnnxEmbedder, tmp_path: Path
) -> None:
    """Cosine of at least .99 on real sentences, for the int8 build that answers questions."""
    assert embedder.card.build == "int8"
    texts = [text for text in sentences() if "://" not in text]
    assert len(texts) > 30
    command = [sys.executable, "-c", REFERENCE, find_weights(DEFAULT_MODEL), str(tmp_path / "v.npy")]
    subprocess.run(command, input="\0".join(texts), text=True, check=True, capture_output=True, timeout=120)
    cosines = (embedder.embed(texts) * np.load(tmp_path / "v.npy")).sum(axis=1)
    assert cosines.min() >= 0.99, texts[int(cosines.argmin())]


def test_vectors_are_of_unit_length_whatever_the_text(embedder: OnnxEmbedder) -> None:
    """Also of an empty text, and of one that is cut."""
    vectors = embedder.embed(["", "a", "word " * 2000, "🎉", "\x00"])
    assert vectors.shape == (5, embedder.card.dimension)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
    assert embedder.embed([]).size == 0


def test_a_text_has_one_vector_whatever_is_embedded_with_it(embedder: OnnxEmbedder) -> None:
    """Alone, or among longer ones on several threads."""
    texts = ["Who attended the meeting?", *sentences()[:9]]
    together = embedder.embed(texts)
    alone = np.stack([embedder.embed([text])[0] for text in texts])
    assert np.abs(together - alone).max() < 1e-4


def test_many_threads_may_embed_at_once(embedder: OnnxEmbedder) -> None:
    """The tokenizer is shared under a lock."""
    expected, failed = embedder.embed(["one text"])[0], []

    def work() -> None:
        for _ in range(20):
            if np.abs(embedder.embed(["one text"])[0] - expected).max() > 1e-4:
                failed.append("other vector")
            embedder.word_vectors(["word", "other"])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_word_vectors_tell_synonyms_from_strangers(embedder: OnnxEmbedder) -> None:
    """They are what lets "participants" stand for "attended"."""
    attended, participants, minister = embedder.word_vectors(["attended", "participants", "minister"])
    assert attended @ participants > attended @ minister + 0.1


def test_a_model_that_cannot_be_had_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line with the setting to change; nothing half-made stays behind."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"embedding model '.*empty' .*check EMBEDDING_MODEL"):
        ensure_compiled(str(tmp_path / "empty"), tmp_path / "models")
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["compile.lock"]
