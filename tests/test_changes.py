"""What was is not told for what is."""

import pytest

from bot.answering.changes import is_other_side

FEE = "The fee rises from £35 to £40 from April."
SHOT = "Piercing Shot now costs 40 stamina instead of 30."
HOURS = "The library is open from 10 am to 8 pm."


@pytest.mark.parametrize(
    ("question", "sentence", "span", "other"),
    [
        ("how much is the fee from april", FEE, "£35", True),
        ("how much is the fee from april", FEE, "£40", False),
        ("what was the fee before", FEE, "£40", True),
        ("what was the old fee", FEE, "£35", False),
        ("what does piercing shot cost", SHOT, "30", True),
        ("What does Piercing Shot cost?", SHOT, "40 stamina", False),
        ("what did it cost before the update", SHOT, "40", True),
        ("how much did the fee rise", FEE, "£35", False),  # neither is asked
        ("when is it open", HOURS, "10 am", False),  # nothing changes
        (
            "where is training now",
            "The session moves from the park to the track, because it is dark.",
            "the park",
            True,
        ),
    ],
)
def test_the_side_of_a_change_that_is_not_asked_for(
    question: str, sentence: str, span: str, other: bool
) -> None:
    """Old where new is asked, new where old is."""
    start = sentence.index(span)
    assert is_other_side(question, sentence, (start, start + len(span))) is other


def test_a_long_sentence_takes_no_time() -> None:
    """However many spaces it has: this would take minutes if each could be tried in several ways."""
    assert not is_other_side("what is it now", "up " + "a " * 5000 + " " * 5000 + "from b to", (0, 2))
