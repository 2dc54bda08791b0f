"""What travels between the rooms: chunks go in, passages come out."""

from dataclasses import dataclass
from pathlib import Path

Span = tuple[int, int]
"""Start and end offset in characters into an article's text, end exclusive."""


def ingest_command(library: str, what: str = "PATH") -> str:
    """How articles are read into a library, as it is typed."""
    return f"python -m ingest {what}" + ("" if library == "default" else f" --library {library}")


class UserError(Exception):
    """The one exception whose text is written for users: it says what to do, and holds no secret."""


def unwritable(folder: Path, error: OSError) -> UserError:
    """What to say where the data folder, or a folder in it, cannot be written."""
    return UserError(f"data folder {folder} cannot be written ({error.strerror}): set FOOTNOTE_DATA")


class NoArticlesError(UserError):
    """A library that does not exist yet, or from which everything was removed."""


def no_articles(library: str) -> NoArticlesError:
    """What to say where a library has none."""
    return NoArticlesError(f"library {library!r} has no articles: run {ingest_command(library)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleInfo:
    """What a library knows of an article beside its text. `source` is its identity."""

    source: str
    title: str
    date: str | None = None  # ISO 8601
    author: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A run of whole sentences of one article: `article_text[start:end] == text`."""

    text: str
    start: int
    end: int
    section: str  # the heading it stands under, or ""
    sentences: tuple[Span, ...]  # offsets into the article's text, in order, without surrounding space

    def part(self, span: Span) -> str:
        """The text between two offsets into the article's text."""
        return self.text[span[0] - self.start : span[1] - self.start]


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A chunk that was retrieved, with its article and its scores (higher is better)."""

    chunk_id: str
    article: ArticleInfo
    chunk: Chunk
    score: float  # dense + weight * lexical
    dense: float  # cosine similarity to the question, -1 to 1
    lexical: float  # BM25 over the best BM25 of the question, 0 to 1


def header(article: ArticleInfo, section: str) -> str:
    """The context line that is embedded and indexed with a chunk, but never quoted."""
    return f"{article.title} — {section}" if section else article.title
