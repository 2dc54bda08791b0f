"""The pipeline that a tutorial builds, to measure ours against: LangChain's splitter, embeddings and Chroma.

python -m benchmarks.plain ingest FOLDER DATABASE     one JSON line: chunks, seconds
python -m benchmarks.plain ask DATABASE ROUNDS        questions on standard input, one JSON line
"""

import json
import statistics
import sys
import time
from pathlib import Path

from langchain_chroma import Chroma
from langchain_huggingface import HuggingFaceEmbeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter

from vectorstore.model_files import DEFAULT_MODEL, find_weights


def open_store(database: Path) -> Chroma:
    """The vector store, with the same model as ours."""
    embeddings = HuggingFaceEmbeddings(model_name=find_weights(DEFAULT_MODEL))
    return Chroma(persist_directory=str(database), embedding_function=embeddings)


def ingest(folder: Path, database: Path) -> None:
    """Split, embed and store every text file of a folder."""
    store = open_store(database)
    store.embeddings.embed_query("warm up")
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.txt"))]
    began = time.perf_counter()
    splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
    chunks = splitter.create_documents(texts)
    store.add_documents(chunks)
    seconds = time.perf_counter() - began
    length = statistics.mean(len(chunk.page_content) for chunk in chunks)
    characters = sum(map(len, texts))
    print(
        json.dumps(
            {"chunks": len(chunks), "chunk_length": length, "characters": characters, "seconds": seconds}
        )
    )


def ask(database: Path, rounds: int) -> None:
    """Retrieve for each question, k=4; report the median of the rounds after the first."""
    store = open_store(database)
    questions = [line.strip() for line in sys.stdin if line.strip()]
    print(store.similarity_search(questions[0], k=4)[0].page_content[:60], file=sys.stderr, flush=True)
    seconds = []
    for _ in range(rounds):
        for question in questions:
            began = time.perf_counter()
            store.similarity_search(question, k=4)
            seconds.append(time.perf_counter() - began)
    print(json.dumps({"median": statistics.median(seconds) if seconds else None}))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["ingest", folder, database]:
            ingest(Path(folder), Path(database))
        case ["ask", database, rounds]:
            ask(Path(database), int(rounds))
        case _:
            sys.exit(__doc__)
