"""How often the right paragraph is found: the plain LangChain pipeline, and ours dense, lexical and hybrid.

python -m benchmarks.retrieval ASKED.json.gz [OTHER.json.gz …] [--weights]

The files are SQuAD 2.0's. The library holds the paragraphs of all files, one passage each; asked are the
answerable questions of the first. --weights also prints hit@1 and hit@5 for other weights of BM25.
"""

import argparse
import logging
import tempfile
from collections.abc import Callable
from pathlib import Path

from langchain_chroma import Chroma
from langchain_huggingface import HuggingFaceEmbeddings

from benchmarks import squad
from vectorstore.chroma import Connection
from vectorstore.embeddings import OnnxEmbedder
from vectorstore.lexical import LexicalIndex
from vectorstore.model_files import DEFAULT_MODEL, find_weights
from vectorstore.retrieval import Retriever
from vectorstore.settings import VectorstoreSettings
from vectorstore.store import Store

ROOT = Path(__file__).parent.parent
WEIGHTS = (0.2, 0.3, 0.5, 0.7, 1.0)

Search = Callable[[str], list[str]]  # question in, the five best paragraphs out


def main() -> None:
    """Build the library, ask every question, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--models", type=Path, default=ROOT / "data" / "models")
    parser.add_argument("--weights", action="store_true")
    args = parser.parse_args()
    # SQuAD's paragraphs are passages as they are, and some are longer than the model reads
    logging.disable(logging.WARNING)
    articles: dict[str, list[str]] = {}
    for file in args.files:
        articles |= squad.read(file)[0]
    asked = [question for question in squad.read(args.files[0])[1] if question.answers]
    paragraphs = [text for texts in articles.values() for text in texts]
    print(f"{len(asked)} answerable questions, {len(paragraphs)} paragraphs of {len(articles)} articles")
    print(f"{'':26} hit@1  hit@5")
    measure("plain LangChain pipeline", plain(paragraphs), asked)
    with tempfile.TemporaryDirectory() as folder:
        settings = VectorstoreSettings(data=Path(folder))
        embedder = OnnxEmbedder(settings.embedding_model, args.models)
        connection = Connection(settings)
        retriever = build(articles, Store(connection, "squad", embedder), Path(folder))
        store, index = retriever.store, LexicalIndex(Path(folder) / "lexical")
        index.sync(store)
        text_of = {id_: c.text for row in store.rows() for id_, c in store.chunks(row.chunk_ids()).items()}

        def dense(question: str) -> list[str]:
            return _best(store.nearest(embedder.embed([question])[0], 5), text_of)

        def lexical(question: str) -> list[str]:
            return _best(index.search(index.terms(question, embedder.is_word), 5), text_of)

        def hybrid(question: str) -> list[str]:
            return [passage.chunk.text for passage in retriever.retrieve(question, 5).passages]

        measure("dense (int8)", dense, asked)
        measure("BM25 (tantivy)", lexical, asked)
        measure("hybrid", hybrid, asked)
        for weight in WEIGHTS if args.weights else ():
            settings.lexical_weight = weight
            measure(f"hybrid, weight {weight}", hybrid, asked)
        connection.close()


def measure(name: str, search: Search, asked: list[squad.Asked]) -> None:
    """Print the shares of questions whose paragraph is the first, and among the first five."""
    ranks = [_rank(question.paragraph, search(question.text)) for question in asked]
    hits = (sum(rank < k for rank in ranks) / len(ranks) for k in (1, 5))
    print(f"{name:26} {next(hits):.3f}  {next(hits):.3f}", flush=True)


def plain(paragraphs: list[str]) -> Search:
    """What a tutorial builds, over the same passages."""
    store = Chroma(embedding_function=HuggingFaceEmbeddings(model_name=find_weights(DEFAULT_MODEL)))
    store.add_texts(paragraphs)
    return lambda question: [found.page_content for found in store.similarity_search(question, k=5)]


def build(articles: dict[str, list[str]], store: Store, folder: Path) -> Retriever:
    """A library of one passage a paragraph."""
    with store.connection.writing():
        for title, paragraphs in articles.items():
            made = squad.chunks(paragraphs)
            store.replace(squad.info(title), "", made, store.embed(squad.info(title), made))
    return Retriever(store, LexicalIndex(folder / "lexical"))


def _best(scores: dict[str, float], text_of: dict[str, str]) -> list[str]:
    return [text_of[id_] for id_ in sorted(scores, key=lambda id_: -scores[id_])]


_MISSED = 5  # behind all that are looked at


def _rank(paragraph: str, found: list[str]) -> int:
    return found.index(paragraph) if paragraph in found else _MISSED


if __name__ == "__main__":
    main()
