"""Who may do what is looked up in a table of yes and no, whole, or not told."""

from dataclasses import replace
from pathlib import Path

import pytest
from fakes import open_fake, store_all, table_passage

from bot.answering import grids
from bot.answering.builtin import BuiltIn
from bot.answering.chain import Chain
from bot.answering.question import understand
from bot.answering.table_rows import tables
from prompts import Prompts
from vectorstore.datatypes import Passage

CREW = (
    ("Rank", "Steer the boat", "Sound the horn", "Open hatches"),
    ("Deckhand", "no", "no", "no"),
    ("Mate", "no", "yes", "yes, in port"),
    ("Skipper", "yes", "yes", "yes"),
)
TARIFFS = (
    ("Tariff", "Price a month", "Roaming", "Help by phone"),
    ("Bare", "3 €", "–", "–"),
    ("Roomy", "7 €", "✓", "–"),
    ("Grand", "12 €", "✓", "✓"),
)
DOORS = (
    ("", "Tenant", "Guest", "Caretaker"),
    ("Bike cellar", "yes", "no", "yes"),
    ("Roof terrace", "yes", "yes", "yes"),
    ("Boiler room", "no", "no", "yes"),
)
TICKED = (("Badge", "Pool", "Court"), ("Blue", "✓", ""), ("Red", "✓", "✓"), ("Grey", "", "no"))


def answers(question: str, *passages: Passage) -> list[str]:
    """The parts of the answer."""
    return [part.text for part in grids.looked_up(understand(question), list(tables(passages)))]


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("who may sound the horn", ["Mate", "Skipper"]),
        ("Who can open hatches?", ["Mate (in port)", "Skipper"]),
        ("which ranks are allowed to steer?", ["Skipper"]),
        ("who can't sound the horn?", ["Deckhand"]),
        ("can the mate steer the boat?", ["No. Mate | Steer the boat: no"]),
        ("is a skipper allowed to open the hatches", ["Yes. Skipper | Open hatches: yes"]),
        ("may mates open hatches?", ["Yes. Mate | Open hatches: yes, in port"]),
        ("what can a mate do?", ["Sound the horn, Open hatches (in port)"]),
        ("what may a mate not do?", ["Steer the boat"]),
        ("who can steer the boat at night?", []),
        ("who can paint the boat?", []),
        ("who is the mate?", []),
        ("can the cook steer the boat?", []),
        ("can't the mate steer the boat?", []),
        ("can the mate or the skipper steer?", []),
        ("when can mates sound the horn", []),
        ("how many ranks can sound the horn", []),
        ("which boats can the skipper steer", []),
    ],
)
def test_a_rank_in_each_row(question: str, parts: list[str]) -> None:
    """All who may, or the one that is asked about; nothing where the question has more in it."""
    assert answers(question, table_passage(CREW)) == parts


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("which tariffs have roaming", ["Roomy", "Grand"]),
        ("which tariff has phone help?", ["Grand"]),
        ("does bare include roaming?", ["No. Bare | Roaming: –"]),
        ("does the grand tariff come with help by phone", ["Yes. Grand | Help by phone: ✓"]),
        ("what does grand include?", []),  # also what no tick tells
        ("which tariff has the lowest price", []),
        ("what does roomy cost", []),
    ],
)
def test_ticks_beside_other_cells(question: str, parts: list[str]) -> None:
    """Only columns of ticks are looked up."""
    assert answers(question, table_passage(TARIFFS)) == parts


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("who may use the bike cellar?", ["Tenant, Caretaker"]),
        ("who can't get into the boiler room", ["Tenant, Guest"]),
        ("can guests use the roof terrace", ["Yes. Roof terrace | Guest: yes"]),
        ("what can a tenant use", ["Bike cellar", "Roof terrace"]),
    ],
)
def test_who_may_stands_in_the_columns(question: str, parts: list[str]) -> None:
    """The same table the other way round."""
    assert answers(question, table_passage(DOORS)) == parts


PLANS = (
    ("Plan", "Adverts", "Custom emoji", "Without limits", "Support", "Manage events"),
    ("Bare", "yes", "no", "no", "no", "no"),
    ("Mid", "no", "no", "no", "yes", "no"),
    ("Full", "no", "yes", "yes", "yes", "yes"),
)


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("which plan has no adverts?", ["Mid", "Full"]),
        ("does full have no support", []),
        ("does bare have limits?", []),  # "without limits" is another thing
        ("which plans have only support", []),
        ("can only full have support?", []),
        ("which plan has both support and custom emoji", []),
        ("who can manage other events", []),
        ("which plans can manage roles", []),
        ("which plans used to have support", []),
        ("must full have support?", []),
        ("which plans have support", ["Mid", "Full"]),
    ],
)
def test_what_turns_a_question_is_not_ignored(question: str, parts: list[str]) -> None:
    """Little words, a negation, something that has to be or was."""
    assert answers(question, table_passage(PLANS)) == parts


def test_tables_under_other_headings_are_others() -> None:
    """With the same columns; where they differ and the question does not tell which, neither is told."""
    forum, chat = table_passage(CREW), table_passage((CREW[0], ("Cook", "no", "yes", "no"), CREW[2]))
    moved = replace(
        chat.chunk,
        section="Winter",
        start=500,
        end=500 + chat.chunk.end,
        sentences=tuple((a + 500, b + 500) for a, b in chat.chunk.sentences),
    )
    both = replace(forum, chunk=replace(forum.chunk, section="Summer")), replace(chat, chunk=moved)
    assert answers("who may sound the horn?", *both) == []
    assert answers("who may sound the horn in winter?", *both) == ["Cook", "Mate"]


def test_a_row_without_a_name_spoils_the_table() -> None:
    """It goes on with the row before, so that neither is whole."""
    table = table_passage((CREW[0], ("Mate", "yes", "no", "no"), ("", "no", "yes", "no"), CREW[3]))
    assert answers("who may sound the horn?", table) == []


def test_an_empty_cell_is_not_told_as_a_no() -> None:
    """Nor are those told who have a no, beside those of whom nothing is said."""
    table = table_passage(TICKED)
    assert answers("which badges have the court", table) == ["Red"]
    assert answers("does the blue badge have the court", table) == []
    assert answers("which badge does not have the court", table) == []


def test_a_table_in_two_passages_is_one() -> None:
    """Whichever order they were found in, and rows that are in both once."""
    both = table_passage(CREW, first=1), table_passage(CREW)
    assert answers("who may sound the horn", *both) == ["Mate", "Skipper"]


def test_tables_of_two_articles_are_not_mixed() -> None:
    """The better passage's answers."""
    other = table_passage((CREW[0], ("Cook", "yes", "yes", "no"), ("Pilot", "yes", "no", "no")), source="b")
    assert answers("who may steer the boat", other, table_passage(CREW)) == ["Cook", "Pilot"]


def test_each_row_is_cited() -> None:
    """Word for word."""
    parts = grids.looked_up(understand("who may sound the horn"), list(tables([table_passage(CREW)])))
    assert [part.citation.quote for part in parts] == [
        "Rank: Mate | Steer the boat: no | Sound the horn: yes | Open hatches: yes, in port",
        "Rank: Skipper | Steer the boat: yes | Sound the horn: yes | Open hatches: yes",
    ]


def test_a_long_table_is_read_whole_and_no_row_answers_for_another(tmp_path: Path, answerer: BuiltIn) -> None:
    """Through the whole chain: rows in passages that were not found are read, too."""
    library = open_fake(tmp_path / "data")
    towns = [
        f"{name}{end}"
        for name in ("Orr", "Fen", "Wick", "Had", "Lin")
        for end in ("ham", "ford", "by", "ley")
    ]
    rows = [f"| {town} depot | {'yes' if n % 7 == 0 else 'no'} | no |" for n, town in enumerate(towns)]
    text = (
        "# Depots\n\nWhat each depot does.\n\n| Site | Repairs trams | Sells tickets |\n|---|---|---|\n"
        + "\n".join(rows)
    )
    (tmp_path / "depots.md").write_text(text, encoding="utf-8")
    store_all(library, [tmp_path / "depots.md"])
    chain = Chain(library, Prompts(), answerer, k=1)
    answer = chain.answer("Which sites have tram repairs?")
    told_of = [citation.quote.partition(" | ")[0] for citation in answer.citations]
    assert told_of == [f"Site: {town} depot" for town in towns[::7]]
    assert len(chain.retrieve("Which sites have tram repairs?").passages) == 1  # a chat model gets no more
    seen = answer.trace.passages  # of which the sources are shown
    assert all(any(p.start <= c.start < p.end for p in seen) for c in answer.citations)
    assert chain.answer("Which sites may sell ice cream?", threshold=0.0).abstained
