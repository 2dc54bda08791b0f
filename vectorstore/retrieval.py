"""Question in, passages out: hybrid retrieval over the vector index and the lexical index."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from rapidfuzz.distance import OSA

from vectorstore.chroma import ChromaError
from vectorstore.datatypes import Chunk, Passage, no_articles
from vectorstore.embeddings import Vectors
from vectorstore.lexical import WORD, LexicalIndex, Term, stem_of
from vectorstore.store import ArticleRow, Store
from vectorstore.upkeep import check_health

_REMEMBERED = 1000  # chunks whose text is kept between questions, 2 MB or so
_SPARE = 4  # passages fetched beyond those asked for, to replace duplicates
_ALIKE = 0.5  # of the shorter passage's words: so near are 5 of 6,618 pairs of paragraphs of SQuAD articles
_SHORT = 3  # letters of a word that tells little, and words that even short passages must share
_BESIDE = 12  # passages before and after another, for the rest of a table
_CROWD = 2  # passages of one hand that may be alike

Hands = Callable[[list[str]], Mapping[str, str]]
"""Article ids -> who added each; those that are left out are not limited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieval:
    """What was found for a question, best passage first, and the state of the library it was found in."""

    question: str  # as asked, misspelt words put right
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

    def __init__(self, store: Store, index: LexicalIndex, hands: Hands | None = None) -> None:
        self.store = store
        self._index = index
        self._hands = hands
        self._settings = store.connection.settings
        self._head: tuple[str, int] | None = None
        self._rows: dict[str, ArticleRow] = {}
        self._read_before: dict[
            str, Chunk
        ] = {}  # an id never changes its text; emptied when anything changes

    def retrieve(self, question: str, k: int = 8) -> Retrieval:
        """The `k` best passages for a question. Raises NoArticlesError when the library is empty.

        The score is `cosine + weight * bm25 / max(bm25)` over the union of both candidate lists;
        reciprocal rank fusion was clearly worse (DESIGN: hit@1 .73 against .82). Where it is known who added
        what, nobody's near-duplicates take more than `_CROWD` of the `k` places.
        """
        with self.store.connection.lock:
            self._refresh()
            terms = self._index.terms(question, self.store.embedder.is_word)
            understood = self._mended(question, terms)
        vector = self.store.embedder.embed([understood])[0]
        passages, more = self._search(vector, terms, k + _SPARE)
        if more and len(passages) < k:  # a flood of copies: what it hides is farther down
            passages, _ = self._search(vector, terms, self._settings.candidates)
        head = self._head
        return Retrieval(
            question=understood,
            passages=tuple(passages[:k]),
            terms=terms,
            revision=head[1] if head else 0,
        )

    def _search(self, vector: Vectors, terms: tuple[Term, ...], count: int) -> tuple[list[Passage], bool]:
        """The passages of the `count` best hits, copies left out, and whether there may be more hits."""
        with self.store.connection.lock:  # a reopening in another thread would close the client under us
            try:
                hits = self._rank(vector, terms, count)
                passages, complete = self._read(hits)
            except ChromaError:  # a rebuild has just put another collection in the place of ours
                complete = False
            if not complete:  # something was removed this very moment
                self._refresh(force=True)
                hits = self._rank(vector, terms, count)
                passages, _ = self._read(hits)
        return self._uncrowded(passages), len(hits) == count

    def _uncrowded(self, passages: list[Passage]) -> list[Passage]:
        """Without the passages of one hand that say once more what `_CROWD` better ones of it say."""
        if self._hands is None:
            return passages
        articles = [passage.chunk_id.split(".")[0] for passage in passages]
        hands = self._hands(list(dict.fromkeys(articles)))
        kept: list[Passage] = []
        told: dict[str, list[frozenset[str]]] = {}  # by each hand
        for passage, article in zip(passages, articles, strict=True):
            if article in hands:
                theirs, words = told.setdefault(hands[article], []), _telling_words(passage.chunk.text)
                if sum(_alike(words, others) for others in theirs) >= _CROWD:
                    continue
                theirs.append(words)
            kept.append(passage)
        return kept

    def chunks(self, ids: list[str]) -> dict[str, Chunk]:
        """The chunks with these ids, without those that were replaced or removed since."""
        with self.store.connection.lock:
            self._refresh()
            return self._chunks(list(self._published(dict.fromkeys(ids, 0.0))))

    def heads(self, passages: tuple[Passage, ...]) -> tuple[Passage, ...]:
        """The first passage of each article, where title and author stand, unless it is there already."""
        first: dict[str, Passage] = {}
        for passage in passages:
            first.setdefault(".".join([*passage.chunk_id.split(".")[:2], "0"]), passage)
        there = {passage.chunk_id for passage in passages}
        chunks = self.chunks([id_ for id_ in first if id_ not in there])
        return tuple(replace(first[id_], chunk_id=id_, chunk=chunk) for id_, chunk in chunks.items())

    def beside(self, cut: tuple[Passage, ...], known: tuple[Passage, ...]) -> tuple[Passage, ...]:
        """The passages before and after some in their articles, `_BESIDE` each way, without those known."""
        there = {passage.chunk_id for passage in known}
        found: dict[str, Passage] = {}
        for passage in cut:
            version, _, position = passage.chunk_id.rpartition(".")
            for place in range(max(0, int(position) - _BESIDE), int(position) + _BESIDE + 1):
                found.setdefault(f"{version}.{place}", passage)
        chunks = self.chunks([id_ for id_ in found if id_ not in there]) if found else {}
        return tuple(replace(found[id_], chunk_id=id_, chunk=chunk) for id_, chunk in chunks.items())

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
            raise no_articles(self.store.library)
        if head == self._head and not force:
            return
        self._read_before.clear()
        if self._head is not None:
            self.store.connection.reopen()
        if self._head is None or self._head[0] != head[0]:
            check_health(self.store)
        self._index.sync(self.store)
        self._rows = {row.id: row for row in self.store.rows()}
        self._head = head
        if not self._rows:
            self._head = None
            raise no_articles(self.store.library)

    def _mended(self, question: str, terms: tuple[Term, ...]) -> str:
        """The question with each misspelt word as the articles write it, for the embedding model to read."""
        wrong = [term for term in terms if term.corrected]
        if not wrong:
            return question
        ids = list(self._published(self._index.search(wrong, _SPARE)))
        written: dict[str, dict[str, None]] = {}  # stem -> the words that have it, in order
        for chunk in self._chunks(ids).values():
            for word in WORD.findall(chunk.text):
                written.setdefault(stem_of(word), {})[word] = None
        right = {
            t.word: _nearest(t.word, next((written[s] for s in t.stands_for if s in written), {}))
            for t in wrong
        }
        return WORD.sub(lambda match: right.get(match.group(), match.group()), question)

    def _rank(self, vector: Vectors, terms: tuple[Term, ...], count: int) -> list[_Scored]:
        """The `count` best hits of both candidate lists together."""
        proposed, weight = self._settings.candidates, self._settings.lexical_weight
        lexical = self._published(self._index.search(terms, proposed))
        dense = self._published(self.store.nearest(vector, proposed))
        best = max(lexical.values(), default=1.0)
        parts = {id_: weight * score / best for id_, score in lexical.items()}
        scores = sorted((cosine + parts.get(id_, 0.0) for id_, cosine in dense.items()), reverse=True)
        # a chunk that is not among the nearest is no nearer than the last of them: most of the lexical
        # candidates cannot come in, and reading their vectors would cost more than all the rest
        limit = scores[count - 1] - min(dense.values()) if len(scores) >= count else -1.0
        outside = [id_ for id_, part in parts.items() if id_ not in dense and part >= limit]
        dense |= self.store.similarities(vector, outside)
        ranked = sorted(dense, key=lambda id_: (-dense[id_] - parts.get(id_, 0.0), id_))[:count]
        return [
            _Scored(
                id_,
                self._rows[id_.split(".")[0]],
                dense[id_] + parts.get(id_, 0.0),
                dense[id_],
                lexical.get(id_, 0.0) / best,
            )
            for id_ in ranked
        ]

    def _published(self, scores: dict[str, float]) -> dict[str, float]:
        """Without chunks of articles, or versions of them, that are not published or no longer."""
        kept = {}
        for id_, score in scores.items():
            article, version, _ = id_.split(".")
            row = self._rows.get(article)
            if row is not None and row.version == int(version):
                kept[id_] = score
        return kept

    def _read(self, ranked: list[_Scored]) -> tuple[list[Passage], bool]:
        """The passages of the ranked hits, duplicates left out, and whether every hit had its text."""
        chunks = self._chunks([hit.id for hit in ranked])
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

    def _chunks(self, ids: list[str]) -> dict[str, Chunk]:
        if len(self._read_before) > _REMEMBERED:
            self._read_before.clear()
        self._read_before |= self.store.chunks([id_ for id_ in ids if id_ not in self._read_before])
        return {id_: self._read_before[id_] for id_ in ids if id_ in self._read_before}


def _nearest(word: str, forms: Iterable[str]) -> str:
    """The form at the least edit distance ("leeder" is "leader", not "leaders"), or the word itself."""
    return min(forms, key=lambda form: OSA.distance(form.lower(), word.lower()), default=word)


def _telling_words(text: str) -> frozenset[str]:
    return frozenset(stem_of(word) for word in WORD.findall(text.lower()) if len(word) > _SHORT)


def _alike(words: frozenset[str], others: frozenset[str]) -> bool:
    """Whether the shorter text, in other words maybe, hardly says what the other does not."""
    return len(words & others) >= max(_SHORT, _ALIKE * min(len(words), len(others)))
