"""Whether a span is of the type that a question asks for."""

import pytest

from bot.answering.fit import counts_another, counts_nothing, fits
from bot.answering.question import Kind


@pytest.mark.parametrize(
    ("question", "sentence", "span", "another"),
    [
        (
            "How many hammers does it have?",
            "We have enough hammers for three lifetimes.",
            "three lifetimes",
            True,
        ),
        ("how many stewards are there", "It needs three stewards to agree.", "three", False),
        ("how many members voted", "Of the 28 members, 12 voted.", "12", False),  # no other thing is counted
        ("how many members has it", "The club has 28 members this year.", "28", False),
        ("how many books are there", "There are 40 books across all branches.", "40", False),
        ("How many people has it lost?", "The club has lost 12 members.", "12", False),
        (
            "how many guests was it built for",
            "The guests dance in a hall built for 300 people.",
            "300",
            False,
        ),
        ("how many people came", "About 300 residents came for two days.", "300", False),  # in other words
        ("how many books can staff have", "Who: Staff | Books: 40 | Loan: 12 weeks", "12 weeks", True),
        ("how many books can staff have", "Who: Staff | Books: 40 | Loan: 12 weeks", "40", False),
        ("how long can staff have books", "Who: Staff | Books: 40 | Loan: 12 weeks", "12 weeks", False),
    ],
)
def test_a_number_of_something_else(question: str, sentence: str, span: str, another: bool) -> None:
    """Only where the sentence has the thing that is asked for."""
    start = sentence.index(span)
    assert counts_another(question, sentence, (start, start + len(span))) is another


@pytest.mark.parametrize(
    ("question", "answer", "nothing"),
    [
        ("how many hammers do you have", "enough", True),
        ("How many movements are there?", "movements", True),
        ("how many copies will it sell", "only", True),
        ("how many hammers do you have", "three", False),
        ("how many hammers do you have", "No hammers", False),
        ("For how many hours?", "an hour", False),
        ("who do i tell how many we are", "Sister Sumayya", False),
        ("In 2010, how many came?", "enough", True),
        ("how many came", "hundreds", False),
        ("how many of them came", "almost everybody but a few", False),
        ("how much paint is left", "enough", False),  # that may be all there is to say
        ("What is left?", "enough", False),
    ],
)
def test_how_many_is_no_word_without_a_quantity(question: str, answer: str, nothing: bool) -> None:
    """Whatever the reader makes of it."""
    assert counts_nothing(question, answer) is nothing


@pytest.mark.parametrize(
    ("question", "sentence", "fitting"),
    [
        ("How many people attended?", "Ten people attended.", True),  # the word has "ten" in it
        ("How many teams played in 2010?", "In 2010, 10 teams played.", True),
        ("How many teams played in 2010?", "All teams played in 2010.", False),
    ],
)
def test_a_number_of_the_question_is_no_answer(question: str, sentence: str, fitting: bool) -> None:
    """Only as a whole word it is the same number."""
    assert fits(Kind.NUMBER, sentence, question) is fitting
