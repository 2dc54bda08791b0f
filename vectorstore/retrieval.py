"""Question in, passages out: hybrid retrieval over the vector index and the lexical index."""

from dataclasses import dataclass

from vectorstore.datatypes import Passage, UserError
from vectorstore.embeddings import Vectors
from vectorstore.lexical import LexicalIndex, Term
from vectorstore.store import ArticleRow, Store
from vectorstore.upkeep import check_health

_SPARE = 8  # passages fetched beyond those asked for, to replace duplicates


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieval:
    """What was found for a question, best passage first, and the state of the library it was found in."""

    passages: tuple[Passage, ...]
    terms: tuple[Term, ...]  # the question's words as the lexical index understood them
    revision: int


@dataclass(frozen=True, slots=True)
class _Scored:
    id: str
    row: ArticleRow
    score: float
    dense: float
    lexical: float


class Retriever:
    """Searches one library, and sees at the next question what another process published or removed."""

    def __init__(self, store: Store, index: LexicalIndex) -> None:
        self.store = store
        self._index = index
        self._settings = store.connection.settings
        self._head: tuple[str, int] | None = None
        self._rows: dict[str, ArticleRow] = {}

    def retrieve(self, question: str, k: int = 8) -> Retrieval:
        """The `k` best passages for a question. Raises UserError when the library has no articles.

        The score is `cosine + weight * bm25 / max(bm25)` over the union of both candidate lists;
        reciprocal rank fusion was clearly worse (DESIGN: hit@1 .73 against .82).
        """
        with self.store.connection.lock:
            self._refresh()
        vector = self.store.embedder.embed([question])[0]
        with self.store.connection.lock:  # a reopening in another thread would close the client under us
            for attempt in range(2):
                terms = self._index.terms(question)
                ranked = self._rank(vector, terms)
                passages, complete = self._read(ranked[: k + _SPARE])
                if complete or attempt:
                    break
                self._refresh(force=True)  # something was removed this very moment
            revision = self._head[1] if self._head else 0
        return Retrieval(passages=tuple(passages[:k]), terms=terms, revision=revision)

    def articles(self) -> list[ArticleRow]:
        """The catalogue as of now."""
        with self.store.connection.lock:
            self._refresh()
            return list(self._rows.values())

    def _refresh(self, *, force: bool = False) -> None:
        """Reopen what another process changed; one read of a few hundred microseconds if nothing did."""
        head = self.store.head()
        if head is None:
            self._head = None
            raise UserError(f"library {self.store.library!r} has no articles: run python -m ingest PATH")
        if head == self._head and not force:
            return
        if self._head is not None:
            self.store.connection.reopen()
        if self._head is None or self._head[0] != head[0]:
            check_health(self.store)
        self._index.sync(self.store)
        self._rows = {row.id: row for row in self.store.rows()}
        self._head = head
        if not self._rows:
            self._head = None
            raise UserError(f"library {self.store.library!r} has no articles: run python -m ingest PATH")

    def _rank(self, vector: Vectors, terms: tuple[Term, ...]) -> list[_Scored]:
        count = self._settings.candidates
        lexical = self._index.search(terms, count)
        dense = self.store.nearest(vector, count)
        dense |= self.store.similarities(vector, [id_ for id_ in lexical if id_ not in dense])
        best = max(lexical.values(), default=1.0)
        scored = []
        for id_, cosine in dense.items():
            article, version, _ = id_.split(".")
            row = self._rows.get(article)
            if row is None or row.version != int(version):
                continue  # not published, or no longer
            part = lexical.get(id_, 0.0) / best
            scored.append(_Scored(id_, row, cosine + self._settings.lexical_weight * part, cosine, part))
        return sorted(scored, key=lambda hit: (-hit.score, hit.id))

    def _read(self, ranked: list[_Scored]) -> tuple[list[Passage], bool]:
        """The passages of the ranked hits, duplicates left out, and whether every hit had its text."""
        chunks = self.store.chunks([hit.id for hit in ranked])
        passages: dict[str, Passage] = {}
        for hit in ranked:
            chunk = chunks.get(hit.id)
            if chunk is None:
                continue
            passage = Passage(
                chunk_id=hit.id,
                article=hit.row.info,
                chunk=chunk,
                score=hit.score,
                dense=hit.dense,
                lexical=hit.lexical,
            )
            passages.setdefault(chunk.text, passage)
        return list(passages.values()), len(chunks) == len(ranked)
