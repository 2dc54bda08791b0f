"""The lexical index (tantivy, BM25) of one library: derived from the store, rebuildable at any time."""

import json
import logging
import math
import re
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import tantivy
from filelock import FileLock
from jellyfish import metaphone
from rapidfuzz import process
from rapidfuzz.distance import OSA

from vectorstore.store import PAGE, ArticleRow, Store, embedded_text

log = logging.getLogger(__name__)

_FORMAT = 1  # raise it when the schema or the analyzer changes: indexes of another format are rebuilt
_MAX_WORDS = 200  # of a question; the rest of a longer one is not searched
_ASKING = frozenset("who whom whose what which when where why how".split())
_SHORTEST_TYPO = 4  # shorter words have too many neighbours to be corrected
_ALTERNATIVES = 3
WORD = re.compile(r"[^\W_]+")  # what the analyzer takes for a word
_FEW = 1000  # chunks; in a smaller library a word's frequency tells little

_analyzer = (
    tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    .filter(tantivy.Filter.remove_long(40))
    .filter(tantivy.Filter.lowercase())
    .filter(tantivy.Filter.stemmer("english"))
    .build()
)  # the same steps as tantivy's own "en_stem", which cannot be called from here


def stems(text: str) -> list[str]:
    """The terms of a text as the index sees them: lower case, English stems, in order."""
    analyzed: list[str] = _analyzer.analyze(text)
    return analyzed


@lru_cache(maxsize=65536)
def stem_of(word: str) -> str:
    """The stem of a single word."""
    return next(iter(stems(word)), word.lower())


@dataclass(frozen=True, slots=True)
class Term:
    """A word of a question: the stems of the index that stand for it, and how much it tells."""

    word: str  # as written
    stem: str
    stands_for: tuple[str, ...]  # itself, or corrections of a word that the articles do not have
    idf: float  # BM25's inverse document frequency; the highest for an unknown word

    @property
    def known(self) -> bool:
        """Whether the articles have this word, or a word that it is a misspelling of."""
        return bool(self.stands_for)

    @property
    def corrected(self) -> bool:
        """Whether it is a misspelling of words that the articles have."""
        return self.known and self.stem not in self.stands_for


def _is_sought(term: Term) -> bool:
    """Whether the index is searched for a word; the WHO is."""
    return term.known and (term.word.lower() not in _ASKING or term.word.isupper())


class LexicalIndex:
    """BM25 over the same texts as are embedded; typos are corrected against its own vocabulary."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._index: Any = None
        self._vocabulary: _Vocabulary | None = None

    def sync(self, store: Store) -> None:
        """Bring the index up to date with the store: only the articles that changed are fetched."""
        head = store.head()
        self._folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self._folder / "sync.lock"):
            collection, revision = self._state()
            if head is None or collection != head[0] or not self._open():
                self._start_anew()
                revision = -1
            rows = store.rows(after=revision)
            if head is not None:
                self._apply(store, rows, store.article_ids())
                state = {"format": _FORMAT, "collection": head[0], "revision": head[1]}
                _write_atomically(self._folder / "state.json", json.dumps(state))
        self._index.reload()
        self._vocabulary = None

    def search(self, terms: Iterable[Term], count: int) -> dict[str, float]:
        """Chunk id → BM25 score of the `count` best chunks that have any of the terms; asking words are none.

        In a small library "who" may be its rarest word, and a table with a column of that name the best hit.
        """
        clauses = [(tantivy.Occur.Should, self._clause(term)) for term in terms if _is_sought(term)]
        if self._index is None or not clauses:
            return {}
        searcher = self._index.searcher()
        hits = searcher.search(tantivy.Query.boolean_query(clauses), limit=count, count=False).hits
        return {searcher.doc(address)["id"][0]: float(score) for score, address in hits}

    def terms(self, question: str, is_word: Callable[[str], bool]) -> tuple[Term, ...]:
        """The distinct words of a question; what the articles do not have and is no word is corrected.

        "march" in the articles must not answer for "match" in the question: only what `is_word` does not
        know may be a slip of the fingers.
        """
        if self._index is None:
            return ()
        searcher = self._index.searcher()
        found: dict[str, Term] = {}
        for word in WORD.findall(question)[:_MAX_WORDS]:
            stem = stem_of(word)
            if stem in found:
                if word.isupper():  # "Who leads the WHO?"
                    found[stem] = replace(found[stem], word=word)
                continue
            frequency = searcher.doc_freq("body", stem)
            stands_for = (stem,) if frequency else () if is_word(word) else self._corrections(word)
            frequency = frequency or max((searcher.doc_freq("body", s) for s in stands_for), default=0)
            found[stem] = Term(word, stem, stands_for, _idf(searcher.num_docs, frequency))
        return tuple(found.values())

    def chunk_ids(self) -> set[str]:
        """The ids of all chunks in the index."""
        if self._index is None:
            return set()
        searcher = self._index.searcher()
        hits = searcher.search(tantivy.Query.all_query(), limit=max(1, searcher.num_docs)).hits
        return {searcher.doc(address)["id"][0] for _, address in hits}

    # ---- inside

    def _clause(self, term: Term) -> Any:
        schema = self._index.schema
        queries = [tantivy.Query.term_query(schema, "body", stem) for stem in term.stands_for]
        return queries[0] if len(queries) == 1 else tantivy.Query.disjunction_max_query(queries)

    def _corrections(self, word: str) -> tuple[str, ...]:
        if len(word) < _SHORTEST_TYPO or not word.isalpha():
            return ()
        if self._vocabulary is None:
            terms = self._index.searcher().terms_with_prefix("body", "")
            self._vocabulary = _Vocabulary([(term, frequency) for term, frequency in terms if term.isalpha()])
        return self._vocabulary.corrections(word.lower())

    def _state(self) -> tuple[str, int]:
        with suppress(OSError, ValueError, KeyError):
            state = json.loads((self._folder / "state.json").read_text(encoding="utf-8"))
            if state["format"] == _FORMAT:
                return str(state["collection"]), int(state["revision"])
        return "", -1

    def _open(self) -> bool:
        if self._index is None:
            try:
                self._index = tantivy.Index.open(str(self._folder / "index"))
            except (ValueError, OSError) as error:
                log.warning("the lexical index cannot be read and is built anew (%s)", type(error).__name__)
                return False
        return True

    def _start_anew(self) -> None:
        self._index = None
        # first: a state beside an empty index would say that nothing is left to fetch
        (self._folder / "state.json").unlink(missing_ok=True)
        shutil.rmtree(self._folder / "index", ignore_errors=True)
        (self._folder / "index").mkdir()
        schema = tantivy.SchemaBuilder()
        schema.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
        schema.add_text_field("article", tokenizer_name="raw", index_option="basic")
        schema.add_text_field("body", tokenizer_name="en_stem", index_option="freq")
        self._index = tantivy.Index(schema.build(), path=str(self._folder / "index"))

    def _apply(self, store: Store, changed: list[ArticleRow], published: set[str]) -> None:
        indexed = {article for article, _ in self._index.searcher().terms_with_prefix("article", "")}
        gone = indexed - published
        if not changed and not gone:
            return
        writer = self._index.writer(heap_size=64_000_000, num_threads=1)
        try:
            for article in gone | {row.id for row in changed}:
                writer.delete_documents_by_term("article", article)
            for row in changed:
                self._add(writer, store, row)
            writer.commit()
        finally:
            writer.wait_merging_threads()

    def _add(self, writer: Any, store: Store, row: ArticleRow) -> None:
        ids = row.chunk_ids()
        for first in range(0, len(ids), PAGE):
            for id_, chunk in store.chunks(ids[first : first + PAGE]).items():
                body = embedded_text(row.info, chunk.section, chunk.text)
                writer.add_document(tantivy.Document(id=id_, article=row.id, body=body))


class _Vocabulary:
    """The words of an index, to find the one that a misspelt word meant."""

    def __init__(self, terms: list[tuple[str, int]]) -> None:
        self._frequency = dict(terms)

    def corrections(self, word: str) -> tuple[str, ...]:
        """Stems at a small edit distance (optimal string alignment), or that sound alike; nearest first."""
        stem = stem_of(word)
        limit = 1 if len(stem) < 7 else 2
        pool = self._by_initial.get(stem[0], ())
        distance: dict[str, float] = {}
        # "brige" keeps the e that the stem of "bridge" has lost; of "erly" no more is left than "er"
        for form in {stem, stem.removesuffix("e"), re.sub("y$", "i", word)}:
            near = process.extract(form, pool, scorer=OSA.distance, score_cutoff=limit, limit=20)
            distance |= {term: min(far, distance.get(term, far)) for term, far, _ in near}
        sound = metaphone(stem)  # "" of what is not in Latin letters
        for term in self._by_sound.get(sound, ()) if sound else ():
            distance.setdefault(term, limit + OSA.distance(stem, term) / len(stem))
        ranked = sorted(distance, key=lambda term: (distance[term], -self._frequency[term]))
        return tuple(ranked[:_ALTERNATIVES])

    @cached_property
    def _by_initial(self) -> dict[str, list[str]]:
        words: dict[str, list[str]] = {}
        for word in self._frequency:
            words.setdefault(word[0], []).append(word)
        return words

    @cached_property
    def _by_sound(self) -> dict[str, list[str]]:
        words: dict[str, list[str]] = {}
        for word in self._frequency:
            if len(word) >= _SHORTEST_TYPO:
                words.setdefault(metaphone(word), []).append(word)
        return words


def _idf(documents: int, frequency: int) -> float:
    """Inverse document frequency as in BM25 (Robertson and Zaragoza, 2009), never negative.

    In a library of a few chunks it tells little of a word: there it is raised, for all words alike, by half
    of what is missing to a thousand chunks, so that an unknown word does not outweigh all known ones.
    """
    raised = max(0.0, math.log(_FEW / max(1, documents))) / 2
    return math.log(1 + (documents - frequency + 0.5) / (frequency + 0.5)) + raised


def _write_atomically(path: Path, text: str) -> None:
    draft = path.with_suffix(".new")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
