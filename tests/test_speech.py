"""Whose words are asked for, and whose words a sentence gives."""

import pytest

from bot.answering.speech import is_attributed, quotation_around, speaker_asked_for


@pytest.mark.parametrize(
    ("question", "speaker"),
    [
        ("What did Mr Macron say at the meeting?", {"macron"}),
        ("what did jo park tell the council", {"jo", "park"}),
        ("What does Eva Stone think about tolls?", {"eva", "stone"}),
        ("What happened, according to Bo Lind?", {"bo", "lind"}),
        ("What did they say?", set()),
        ("Who opened the bridge?", set()),
    ],
)
def test_the_speaker_who_is_asked_for(question: str, speaker: set[str]) -> None:
    """By name, not by title or pronoun."""
    assert speaker_asked_for(question) == speaker


@pytest.mark.parametrize(
    ("sentence", "before", "his"),
    [
        ("“It is late,” Mr Macron said.", "", True),
        ("“It is late,” he said.", "Mr Macron spoke to the press.", True),
        ("“It is late,” Ms Stone said.", "", False),
        ("Ms Stone said that it was late.", "Mr Macron was there.", False),
    ],
)
def test_words_belong_to_who_says_them(sentence: str, before: str, his: bool) -> None:
    """Named in the sentence, or before a pronoun."""
    assert is_attributed(frozenset({"macron"}), sentence, before) is his


def test_a_part_of_a_quotation_becomes_the_whole_of_it() -> None:
    """What somebody said is not cut in the middle."""
    sentence = "“It is late, and we are tired,” he said."
    start = sentence.index("we are")
    assert (
        sentence[slice(*quotation_around(sentence, start, start + 12))] == "“It is late, and we are tired,”"
    )
    assert quotation_around(sentence, 34, 36) == (34, 36)


@pytest.mark.parametrize(
    "sentence",
    ["“It is late,” Ms Stone told Mr Macron.", "It was late, Bo Hill said in the park with Mr Macron."],
)
def test_who_is_only_spoken_to_or_met_says_nothing(sentence: str) -> None:
    """Nor does a word that is no name there."""
    assert not is_attributed(frozenset({"macron", "park"}), sentence, "Mr Macron was there.")


def test_what_leads_over_to_a_quotation_stands_for_it() -> None:
    """ "Ann tweeted" is no answer to what she tweeted; what stands apart from a quotation is left alone."""
    sentence = "Before leaving, Ann Lee tweeted on X, “The ferry will run. I promise.”"
    start, end = quotation_around(sentence, 0, sentence.index(",", 20))
    assert sentence[start:end] == "“The ferry will run. I promise.”"
    apart = "She promised to go on and called the delay “a shame for us”."
    assert quotation_around(apart, 4, 24) == (4, 24)
