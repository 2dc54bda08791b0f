"""Hybrid retrieval: what is found, in which order, and what is never shown."""

from pathlib import Path

import pytest
from fakes import open_fake, store_all, write

from ingest.pipeline import place_of
from vectorstore.lexical import LexicalIndex
from vectorstore.library import Library
from vectorstore.retrieval import Hands, Retriever
from vectorstore.store import article_id
from vectorstore.upkeep import rebuild

ARTICLES = {
    "peace": "Peace talks\n\nThe leaders agreed on sanctions against the aggressor. Peacekeepers will be sent in spring.",
    "bread": "Bread prices\n\nFlour became dearer last year. Bakers raised the price of bread twice.",
    "chess": "Chess cup\n\nAnn Lee won the cup in Farwell. The final took six hours.",
}


@pytest.fixture
def filled(tmp_path: Path, library: Library) -> Library:
    """Three small articles."""
    store_all(library, write(tmp_path / "a", **ARTICLES))
    return library


def best(library: Library, question: str) -> str:
    """The title of the best passage."""
    return library.retriever.retrieve(question).passages[0].article.title


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("who won the chess cup", "Chess cup"),
        ("will peecekeepers be sent", "Peace talks"),
        ("sancshuns", "Peace talks"),
        ("breadd prises", "Bread prices"),
        ("BAKERS", "Bread prices"),
    ],
    ids=["plain", "typo", "by-ear", "two-typos", "case"],
)
def test_the_right_passage_comes_first(filled: Library, question: str, title: str) -> None:
    """Also for words that are misspelt, which only the articles' own vocabulary can mend."""
    assert best(filled, question) == title


def test_a_misspelt_word_is_read_as_the_form_that_is_nearest(tmp_path: Path, library: Library) -> None:
    """The reader is asked about one leader, though the articles speak of leaders first."""
    store_all(library, write(tmp_path / "a", t="Talks\n\nThe leaders met. One leader left early."))
    assert library.retriever.retrieve("wich leeder left erly?").question == "wich leader left early?"


def test_words_without_latin_letters_do_not_sound_alike(tmp_path: Path, library: Library) -> None:
    """They would all be the same to an algorithm for English."""
    store_all(library, write(tmp_path / "a", t="Дорога\n\nДорога открыта. Река глубокая."))
    assert library.retriever.retrieve("футбол").question == "футбол"


@pytest.mark.parametrize(
    ("question", "title"),
    [("who runs", "Club"), ("Who leads the WHO?", "Health"), ("What does the WHO do?", "Health")],
)
def test_words_that_only_ask_find_nothing(
    tmp_path: Path, library: Library, question: str, title: str
) -> None:
    """ "Who" is the name of a column in one article, and the rarest word of all; the WHO is sought."""
    texts = {
        "t": "Fees\n\nWho: Staff, Fee: none. Who: Guests, Fee: two.",
        "h": "Health\n\nThe WHO warns of heat. Its seat is Geneva.",
        "c": "Club\n\nAnn Lee runs the club. She runs it well.",
        "d": "Other club\n\nBo Park helps. He runs the other club.",
    }
    store_all(library, write(tmp_path / "a", **texts))
    found = library.retriever.retrieve(question)
    assert max(found.passages, key=lambda passage: passage.lexical).article.title == title


def test_scores_say_how_each_passage_was_found(filled: Library) -> None:
    """The fused score is the cosine and a share of BM25; the best lexical hit has 1."""
    found = filled.retriever.retrieve("price of bread", k=3)
    weight = filled.connection.settings.lexical_weight
    assert [p.score for p in found.passages] == sorted((p.score for p in found.passages), reverse=True)
    for passage in found.passages:
        assert passage.score == pytest.approx(passage.dense + weight * passage.lexical, abs=1e-5)
    assert found.passages[0].lexical == 1.0


def test_a_question_of_unknown_words_still_gets_the_nearest(filled: Library) -> None:
    """Without any lexical hit the order is that of the vectors."""
    assert len(filled.retriever.retrieve("zzzzqqqq xxyyzz").passages) == 3


@pytest.mark.parametrize(
    "question", ["?!", "'\"()[]{}:*~^\\ AND OR NOT +-", "a" * 2000, "“", "\x00", "名前は？"]
)
def test_odd_questions_do_no_harm(filled: Library, question: str) -> None:
    """Query syntax is just text."""
    assert filled.retriever.retrieve(question).passages


def test_a_running_reader_sees_what_another_writer_published(tmp_path: Path, filled: Library) -> None:
    """Added, changed and removed articles, at the next question."""
    assert best(filled, "cup") == "Chess cup"
    writer = open_fake(tmp_path / "data")
    store_all(writer, write(tmp_path / "b", moon="Moon landing\n\nThe probe Luna landed on Friday."))
    assert best(filled, "when did the probe Luna land") == "Moon landing"
    store_all(writer, write(tmp_path / "b", moon="Moon landing\n\nThe probe Luna crashed on Sunday."))
    found = filled.retriever.retrieve("when did the probe Luna land").passages
    assert "crashed on Sunday" in found[0].chunk.text
    assert not any("Friday" in passage.chunk.text for passage in found)
    with writer.connection.writing():
        writer.store.remove(found[0].article.source)
    assert all("Luna" not in p.chunk.text for p in filled.retriever.retrieve("the probe Luna").passages)


def test_two_readers_keep_one_lexical_index_in_step(tmp_path: Path, filled: Library) -> None:
    """Both sync the same folder; neither loses what the other wrote."""
    other = open_fake(tmp_path / "data")
    assert best(other, "cup") == "Chess cup"
    store_all(filled, write(tmp_path / "b", moon="Moon landing\n\nThe probe Luna landed on Friday."))
    assert best(other, "Luna") == best(filled, "Luna") == "Moon landing"
    assert LexicalIndex(tmp_path / "data" / "lexical" / "default").chunk_ids() == set()  # not opened yet
    assert filled.index.chunk_ids() == {i for row in filled.store.rows() for i in row.chunk_ids()}


def test_the_same_text_in_two_articles_is_shown_once(tmp_path: Path, library: Library) -> None:
    """Editors ingest copies; readers should not see them twice."""
    text = "Same news\n\nThe harbour opens on Monday."
    store_all(library, write(tmp_path / "a", one=text, two=text))
    assert len(library.retriever.retrieve("harbour").passages) == 1


def flooded(tmp_path: Path, hands: Hands | None, copies: int = 20) -> list[str]:
    """The articles whose passages are read for a question about the harbour, most of whose articles say the same."""
    library = open_fake(tmp_path / "data")
    lies = {
        f"lie{n}": f"Harbour {n}\n\nThe harbour opens at midnight, says witness {n} again."
        for n in range(copies)
    }
    others = {
        f"other{n}": f"News {n}\n\nThe harbour has a {word}."
        for n, word in enumerate("crane pier fence light dock".split())
    }
    truth = {"truth": "Harbour\n\nThe harbour opens in the morning at nine."}
    store_all(library, write(tmp_path / "a", **lies, **others, **truth))
    retriever = Retriever(library.store, library.index, hands)
    found = retriever.retrieve("when does the harbour open at midnight, says witness", k=8).passages
    return [Path(passage.article.source).stem for passage in found]


def test_near_duplicates_of_one_hand_do_not_fill_what_is_read(tmp_path: Path) -> None:
    """Two of them are enough, however many there are; what they would hide is read."""
    lies = {article_id(place_of(tmp_path / "a" / f"lie{n}.txt").source) for n in range(20)}
    read = flooded(tmp_path, lambda ids: {id_: "mallory" for id_ in ids if id_ in lies})
    assert sum(name.startswith("lie") for name in read) == 2
    assert len(read) == 8
    assert "truth" in read


def test_near_duplicates_of_different_hands_are_all_read(tmp_path: Path) -> None:
    """Also where nobody keeps who added what: they may be versions that matter."""
    assert sum(name.startswith("lie") for name in flooded(tmp_path / "1", None)) == 8
    assert (
        sum(name.startswith("lie") for name in flooded(tmp_path / "2", lambda ids: {i: i for i in ids})) == 8
    )


def test_copies_of_one_text_do_not_hide_another(tmp_path: Path, library: Library) -> None:
    """However many there are."""
    copies = {f"copy{n}": "Harbour\n\nThe harbour opens at midnight." for n in range(30)}
    store_all(library, write(tmp_path / "a", **copies, **ARTICLES))
    found = library.retriever.retrieve("when does the harbour open", k=4).passages
    assert len(found) == 4


def test_a_rebuild_under_a_running_reader_is_survived(tmp_path: Path, filled: Library) -> None:
    """The reader's collection is replaced between two questions, or within one."""
    assert best(filled, "cup") == "Chess cup"
    writer = open_fake(tmp_path / "data")
    with writer.connection.writing():
        rebuild(writer.store)
    assert best(filled, "cup") == "Chess cup"
    head = filled.store.head
    calls = []

    def stale() -> tuple[str, int] | None:
        """The head as it was before the rebuild that happens right after it was read."""
        found = head()
        if not calls:
            calls.append(1)
            with writer.connection.writing():
                rebuild(writer.store)
        return found

    filled.store.head = stale  # type: ignore[method-assign]
    assert best(filled, "bread") == "Bread prices"
    assert calls
