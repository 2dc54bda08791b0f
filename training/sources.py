"""The questions that the reader learns from, as the question files and `written/` have them."""

import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

Span = tuple[int, int]

WRITTEN = Path(__file__).parent / "written"
# files of `written/` with articles of our own
OURS = {
    "articles.txt": "article",
    "lists.txt": "list",
    "said.txt": "said",
    "reports.txt": "report",
    "entries.txt": "entry",
    "pages.txt": "page",
    "short.txt": "short",
    "tables.txt": "table",
    "notes.txt": "note",
    "stories.txt": "story",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of the training data, its paragraph, and the answers that people gave."""

    question: str
    passage: str
    choices: tuple[tuple[Span, ...], ...]  # different people's answers, each of one item or more
    title: str
    source: str

    def told(self) -> set[str]:
        """Every answer, in lower case."""
        return {self.passage[a:b].lower() for answer in self.choices for a, b in answer}


def squad(file: Path) -> Iterator[Asked]:
    """The questions of a file of SQuAD's form; those made from other data name them in their titles."""
    with gzip.open(file, "rt", encoding="utf-8") as opened:
        data = json.load(opened)["data"]
    for article in data:
        source = article["title"].partition("/")[0] if "/" in article["title"] else "squad20"
        for paragraph in article["paragraphs"]:
            for qa in paragraph["qas"]:
                answers = () if qa["is_impossible"] else qa["answers"]
                spans = (((a["answer_start"], a["answer_start"] + len(a["text"])),) for a in answers)
                yield Asked(qa["question"], paragraph["context"], tuple(spans), article["title"], source)


def written(known: list[Asked], folder: Path = WRITTEN) -> list[Asked]:
    """Our own questions: about paragraphs of the question files (by hash), and about our own articles."""
    by_hash = {paragraph_key(asked.passage): asked for asked in known}
    made = []
    for line in (folder / "near_misses.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        if (of := by_hash.get(row["paragraph"])) is not None:
            start = of.passage.find(row["answer"]) if row["answer"] else -1
            choices = (((start, start + len(row["answer"])),),) if start >= 0 else ()
            made.append(Asked(row["question"], of.passage, choices, of.title, "near"))
    for line in (folder / "paragraph_lists.tsv").read_text("utf-8").splitlines():
        paragraph, question, _, answer = line.split("\t")
        if (of := by_hash.get(paragraph)) is not None:
            choices = _choices(of.passage, answer)
            made.append(Asked(question, of.passage, choices, of.title, "listed"))
    for file, source in OURS.items():
        for title, text, questions in articles(folder / file):
            for question, _, answer in questions:
                made.append(Asked(question, text, _choices(text, answer), title, source))
    texts = {title: text for title, text, _ in articles(folder / "articles.txt")}
    for line in (folder / "yes_no.tsv").read_text("utf-8").splitlines():
        title, question, kind, answer = line.split("\t")
        spans = () if kind == "miss" else (place(texts[title], answer),)
        made.append(Asked(question, texts[title], (spans,) if spans else (), title, "article"))
    return made


def held_out(passage: str, source: str = "") -> bool:
    """Whether the reader is never trained on this paragraph."""
    share = 9 if source == "said" else 10  # by tenths none of those sixty articles would be
    return int(paragraph_key(passage), 16) % share == 0


def paragraph_key(text: str) -> str:
    """What a paragraph of the question files is called in `written/near_misses.jsonl`."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def articles(file: Path) -> Iterator[tuple[str, str, list[list[str]]]]:
    """Title, text and questions (question, kind, answer) of each article of our own."""
    for block in re.split(r"^=== ", file.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        head, _, rest = block.partition("\n")
        text, _, asked = rest.partition("\n---\n")
        yield head.partition(" | ")[0], text.strip(), [q.split("\t") for q in asked.splitlines() if q.strip()]


def _choices(text: str, answer: str) -> tuple[tuple[Span, ...], ...]:
    """The one answer of a question of ours, or none: items between two bars each."""
    return () if answer == "-" else (tuple(place(text, item) for item in answer.split(" || ")),)


def place(text: str, told: str) -> Span:
    """Where an item first stands, as whole words if it does; `anchor >> item`: after the anchor."""
    anchor, _, item = told.rpartition(" >> ")
    begin = text.index(anchor) + len(anchor)
    found = re.compile(rf"(?<!\w){re.escape(item)}(?!\w)").search(text, begin)
    start = text.index(item, begin) if found is None else found.start()
    return start, start + len(item)
