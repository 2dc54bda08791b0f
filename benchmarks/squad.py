"""SQuAD 2.0 files as a library: every paragraph a passage, every question with where its answer stands."""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

from sentencex import get_sentence_boundaries

from vectorstore.datatypes import ArticleInfo, Chunk


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of SQuAD: its paragraph, and its gold answers (none when it has no answer)."""

    text: str
    paragraph: str
    answers: tuple[str, ...]


def read(path: Path) -> tuple[dict[str, list[str]], list[Asked]]:
    """Title → paragraphs, and all questions."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        data = json.load(file)["data"]
    articles: dict[str, list[str]] = {}
    questions = []
    for article in data:
        for paragraph in article["paragraphs"]:
            articles.setdefault(article["title"].replace("_", " "), []).append(paragraph["context"])
            for qa in paragraph["qas"]:
                answers = () if qa.get("is_impossible") else tuple(answer["text"] for answer in qa["answers"])
                questions.append(Asked(qa["question"], paragraph["context"], answers))
    return articles, questions


def chunks(paragraphs: list[str]) -> list[Chunk]:
    """One chunk a paragraph, so that the gold paragraph of a question is a passage."""
    made, at = [], 0
    for text in paragraphs:
        spans = tuple(
            (at + s["start_index"], at + s["end_index"])
            for s in get_sentence_boundaries("en", text)
            if s["text"].strip()
        )
        made.append(Chunk(text=text, start=at, end=at + len(text), section="", sentences=spans))
        at += len(text) + 2
    return made


def info(title: str) -> ArticleInfo:
    """An article's identity."""
    return ArticleInfo(source=f"squad/{title}", title=title)
