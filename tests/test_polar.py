"""Yes and no are said only when a sentence decides."""

import pytest

from bot.answering.polar import is_polar, settles_nothing, verdict


@pytest.mark.parametrize(
    ("question", "polar"),
    [
        ("Is the bridge open?", True),
        ("did the mayor come", True),
        ("Isn't it closed?", True),
        ("Is it true that the ferry runs on Sundays?", True),
        ("Is it on Monday or Tuesday?", False),
        ("Who is the mayor?", False),
        ("What can I post?", False),
        ("Is the bridge open, and when?", False),
        ("Is it known who opened it?", False),
        ("Was it Orrham's first cup when they beat Farwell?", True),
    ],
)
def test_what_asks_for_yes_or_no(question: str, polar: bool) -> None:
    """By its opening; a choice is none."""
    assert is_polar(question) is polar


def test_a_heading_settles_nothing() -> None:
    """Of what asks for yes or no; it may well name who or what is asked for."""
    assert settles_nothing("Was the cup won?", "CUP LOST")
    assert not settles_nothing("Was the cup won?", "They lost it.")
    assert not settles_nothing("Who lost the cup?", "ORRHAM LOSES")


@pytest.mark.parametrize(
    ("question", "sentence", "said"),
    [
        ("Was the bridge opened in May?", "The bridge was opened in May by the mayor.", "Yes"),
        ("Do dogs ride free?", "Dogs do not ride free on the ferry.", "No"),
        ("Is the fee 10 euros?", "The fee is 12 euros.", None),
        ("Will the ferry stop in Orrham?", "The ferry may stop in Orrham from June.", None),
        ("Was the bridge not opened in May?", "The bridge was opened in May.", None),
        ("Is Orrham paying for the roof?", "Farwell pays for the roof; Orrham pays for the rest.", None),
        ("Did Ann Lee beat Bo Park?", "Bo Park beat Ann Lee in the final.", None),
        ("Did Bo Park beat Ann Lee?", "Bo Park beat Ann Lee in the final.", "Yes"),
        ("Are the recipes still random?", "Random finds remain in ruins.", None),
        ("Is the water ok?", "Drinking water is not affected.", None),
        ("Can I post links?", "Posting links is punished with a warning.", None),
        ("Can I post links?", "Can I post links to my own work?", None),
        ("Did France invade Germany?", "France was invaded by Germany.", None),
        ("did ann beat bo", "Bo beat Ann.", None),
        ("Was the bridge opened?", "It is a myth that the bridge was opened.", None),
        ("Is the harbour closed?", "The harbour was closed for two days in 2019.", None),
        ("Is the harbour closed?", "The harbour is closed.", "Yes"),
        ("Did Ann resign?", "Ann will resign.", None),
        ("Did Ann resign?", "Ann promised to resign.", None),
        ("Is Ann the mayor?", "Ann is the former mayor.", None),
        ("Did Ann vote for the plan?", "Ann voted against the plan.", None),
        ("Do all dogs need a ticket?", "Dogs need a ticket.", None),
        ("Are pets allowed?", "Pets are allowed nowhere.", None),
        ("Is the department closed?", "The IT department is closed.", None),
        ("Is the IT department closed?", "The IT department is closed.", "Yes"),
        ("Is it true that the harbour is closed?", "The harbour was closed for two days in 2019.", None),
        ("Is it true that the harbour is closed?", "The harbour is closed.", "Yes"),
        ("Does the ferry stop in Orrham?", "The ferry stopped in Orrham.", None),
        ("Did the ferry stop in Orrham?", "The ferry stopped in Orrham.", "Yes"),
    ],
)
def test_the_verdict(question: str, sentence: str, said: str | None) -> None:
    """Every word in one clause, as it is asked; anything else leaves it open."""
    assert verdict(question, sentence) == said
