"""Who did it is not who stands before "done by"."""

import pytest

from bot.answering.voice import is_another_subject

TRUCE = "Ann Lee agreed to a truce proposed by Bo Park."


@pytest.mark.parametrize(
    ("question", "sentence", "answer", "other"),
    [
        ("Who proposed a truce?", TRUCE, "Ann Lee", True),
        ("and who first proposed it", TRUCE, "Ann Lee", True),
        ("Who proposed a truce?", TRUCE, "Bo Park", False),
        ("Who agreed to a truce?", TRUCE, "Ann Lee", False),
        (
            "Who opened the pier?",
            "Ann Lee opened the pier, and the inn was opened by Bo Park.",
            "Ann Lee",
            False,
        ),
        ("Who responded?", "Ann Lee responded by leaving.", "Ann Lee", False),
        ("Who built it?", "It was built by Bo Park.", "It was built by Bo Park", False),
    ],
)
def test_who_did_it_stands_after_done_by(question: str, sentence: str, answer: str, *, other: bool) -> None:
    """Where the sentence has the verb of the question once, and in the passive."""
    assert is_another_subject(question, sentence, sentence.index(answer) + len(answer)) is other
