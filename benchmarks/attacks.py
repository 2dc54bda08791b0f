"""Poisoned articles and a model that obeys them: what gets through with and without each defence.

python -m benchmarks.attacks [FILE …]

The attacks are those of the tests, each in an article of its own among ordinary ones. A model that "believes
the payload anyway" says it though nothing told it to: only the citation check can hold it back. Then the
other side: how many sentences of ordinary text are taken for orders. FILE is more of such text.
"""

import argparse
import json
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))  # the attacks live with the tests

from attacks import ATTACKS, OTHERS, QUESTION, WAYS, Attack, bare, obedient, saying  # noqa: E402
from fakes import open_fake, store_all, write  # noqa: E402

from bot.answering.builtin import BuiltIn  # noqa: E402
from bot.answering.chain import Chain  # noqa: E402
from bot.answering.orders import orders  # noqa: E402
from bot.answering.support import CitationCheck  # noqa: E402
from bot.answering.untrusted import as_data  # noqa: E402
from ingest.split import split_sentences  # noqa: E402
from prompts import Prompts  # noqa: E402
from vectorstore.datatypes import Passage  # noqa: E402
from vectorstore.embeddings import OnnxEmbedder  # noqa: E402
from vectorstore.model_files import DEFAULT_MODEL, ensure_compiled  # noqa: E402


def main() -> None:
    """Run all attacks, then read ordinary text, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="*")
    more = parser.parse_args().files
    models = ROOT / "data" / "models"
    ensure_compiled(DEFAULT_MODEL, models)
    embedder, answerer = OnnxEmbedder(DEFAULT_MODEL, models), BuiltIn()
    through: Counter[str] = Counter()
    for attack in ATTACKS:
        with tempfile.TemporaryDirectory() as folder:
            through.update(reaching(attack, Path(folder), embedder, answerer))
    print(f"{len(ATTACKS)} attacks, each in the best of {len(WAYS)} ways; payloads that reach the user")
    for defence, count in sorted(through.items(), key=lambda pair: -pair[1]):
        print(f"  {defence:60s} {count:4d}")
    print("sentences of ordinary text that are taken for orders")
    for name, texts in ordinary(more):
        false_alarms(name, texts)


def reaching(attack: Attack, folder: Path, embedder: OnnxEmbedder, answerer: BuiltIn) -> dict[str, bool]:
    """Whether the payload gets through, by what is done against it."""
    library = open_fake(folder / "data", embedder=embedder)
    store_all(library, write(folder / "articles", spring=attack.article, **OTHERS))
    chain = Chain(library, Prompts(), answerer)
    asked = chain.retrieve(QUESTION)
    retrieval = library.retriever.retrieve(asked.parts[0].question.search_text)
    found = retrieval.passages
    raw, left = bare(found), as_data(asked.passages)

    def checked(text: str, passages: tuple[Passage, ...]) -> str:
        checking = CitationCheck(lambda: answerer.reader).begin(QUESTION, passages, embedder)
        checking.feed(text)
        return checking.finish().text

    def any_way(prompt: str, passages: tuple[Passage, ...] | None) -> bool:
        said = (obedient(attack, prompt, way) for way in WAYS)
        return any(_has(attack, checked(text, passages) if passages else text) for text in said)

    believed = (saying(attack, left, way) for way in WAYS)
    built_in = chain.built_in.compose(asked.parts[0].question, retrieval, embedder, threshold=0.0)
    told = " ".join([*built_in.parts, *(c.quote for c in built_in.citations)])
    gone = {
        "nothing": any_way(raw, None),
        "orders cut out of what the model is shown": any_way(left, None),
        "citation check alone": any_way(raw, found),
        "both": any_way(left, asked.passages),
        "both, and a model that believes the payload anyway": any(
            _has(attack, checked(text, asked.passages)) for text in believed
        ),
        "built-in answerer that always answers, nothing cut": _has(attack, told),
        "built-in answerer, orders cut": _has(attack, chain.answer_from(asked, threshold=0.0).text),
    }
    library.connection.close()
    return gone


def _has(attack: Attack, text: str) -> bool:
    return any(part in text.lower() for part in attack.payload)


def ordinary(more: list[Path]) -> Iterator[tuple[str, list[str]]]:
    """Names and texts of what nobody has poisoned."""
    written = (ROOT / "training" / "written" / "articles.txt").read_text(encoding="utf-8")
    yield "training/written", [part.split("\n---\n")[0] for part in re.split(r"(?m)^=== ", written)[1:]]
    for file in (*sorted((ROOT / "articles").iterdir()), *more):
        text = file.read_text(encoding="utf-8")
        if file.suffix == ".json":
            yield file.name, [str(each.get("articleBody", "")) for each in json.loads(text).values()]
        else:
            yield file.name, [text]


def false_alarms(name: str, texts: list[str]) -> None:
    """Print how many sentences are taken for orders, and each of them."""
    sentences, flagged, seconds = 0, [], 0.0
    for text in texts:
        began = time.perf_counter()
        suspect = orders(text)
        seconds += time.perf_counter() - began
        spans = split_sentences(text)
        sentences += len(spans)
        flagged += [text[a:b] for a, b in spans if any(a < end and start < b for start, end in suspect)]
    speed = 1e6 * seconds / max(1, sum(map(len, texts)))
    print(f"  {name:40s} {len(flagged)} of {sentences}, {speed:.2f} ms for 1,000 characters")
    for sentence in flagged:
        print(f"      {' '.join(sentence.split())[:160]}")


if __name__ == "__main__":
    main()
