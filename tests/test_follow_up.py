"""A follow-up is put into words that stand alone; several questions in one text are told apart."""

import pytest

from bot.answering.question import parts, understand


@pytest.mark.parametrize(
    ("text", "before", "answer", "told"),
    [
        ("Why?", "When was the harbour closed?", "On Monday", "Why was the harbour closed?"),
        ("And what for?", "When was the harbour closed?", "On Monday", "why was the harbour closed?"),
        ("How come?", "When was the harbour closed?", "On Monday", "why was the harbour closed?"),
        (
            "When was that?",
            "Who opened the bridge?",
            "Mayor Jo Park",
            "When was the bridge opened?",
        ),
        (
            "How much did it cost?",
            "When was the new bridge opened?",
            "In May",
            "How much did the new bridge cost?",
        ),
        ("Where was he born?", "Who opened the bridge?", "Mayor Jo Park", "Where was Mayor Jo Park born?"),
        ("What is her job?", "Who won?", "Ann Lee", "What is Ann Lee's job?"),
        ("What did he say?", "Did Bo Lind attend?", "Yes. Everybody was there.", "What did Bo Lind say?"),
        ("And the French president?", "What did the mayor say?", "No.", "What did the French president say?"),
        ("What about Mr Hill?", "When did Ms Stone arrive?", "At noon", "When did Mr Hill arrive?"),
        ("When was that?", "Who won the cup?", "I could not find that.", "When was the cup won?"),
        ("When was that?", "Who chaired the budget meeting?", "Ann Lee", "When was the budget meeting?"),
        ("Where was that?", "Who won the chess final?", "Ann Lee", "Where was the chess final?"),
        (
            "How high is her bond?",
            "Who was arrested in Columbus?",
            "Eva A. Burt",
            "How high is Eva A. Burt's bond?",
        ),
        ("How old is he?", "What does Al Orr from Farwell suffer from?", "Gout", "How old is Al Orr?"),
        ("When did it open?", "Which county is Orrham Museum in?", "Dorset", "When did Orrham Museum open?"),
        ("How old is he?", "How much did Farwell FC pay for Bo Lind?", "3 €", "How old is Bo Lind?"),
        ("How do I open it?", "Which folder is it?", r"C:\Users", "How do I open it?"),
        ("When was that?", "Who held the record in the race?", "Bo", "When was the record in the race held?"),
        ("Where do I buy it?", "What does the season pass cost?", "5 €", "Where do I buy the season pass?"),
        ("Who is she?", "What did Eva Stone say?", "Nothing", "Who is Eva Stone?"),
        ("And on Sundays?", "When does the ferry leave?", "At 9", "When does the ferry leave on Sundays?"),
        ("And 2024?", "How many joined in 2023?", "12", "How many joined in 2024?"),
        (
            "Is it true that it rains?",
            "When was the new bridge opened?",
            "In May",
            "Is it true that it rains?",
        ),
        ("And tell me a joke", "When was the new bridge opened?", "In May", "And tell me a joke"),
        ("Who wrote the rules?", "When was the harbour closed?", "On Monday", "Who wrote the rules?"),
    ],
)
def test_a_follow_up_stands_alone(text: str, before: str, answer: str, told: str) -> None:
    """Pronouns, a bare question word, and "what about …"."""
    assert understand(text, [(before, answer)]).standalone == told


def test_a_follow_up_on_a_follow_up_reaches_back() -> None:
    """Through the question between."""
    history = [
        ("Who opened the bridge?", "Mayor Jo Park"),
        ("When was she elected?", "I could not find that."),
    ]
    assert understand("Why was she there?", history).standalone == "Why was Mayor Jo Park there?"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("When was it opened and how much did it cost?", ["When was it opened", "how much did it cost?"]),
        ("Who attended? What were the goals?", ["Who attended?", "What were the goals?"]),
        ("Where and when does it start?", ["Where and when does it start?"]),
        ("What did they say about trade and security?", ["What did they say about trade and security?"]),
        ("I have read the rules. When can I post?", ["I have read the rules. When can I post?"]),
    ],
)
def test_a_question_with_several_parts_is_taken_apart(text: str, told: list[str]) -> None:
    """Only where each part asks by itself."""
    assert parts(text) == told


def test_a_long_history_is_no_trouble() -> None:
    """Only the last turns are looked at."""
    history = [("When was it opened?", "In May")] * 3000
    assert understand("Why was it closed?", history).standalone


def test_a_new_question_after_and_has_its_pronoun_put_in() -> None:
    """ "And" begins it; it is not the question before of somebody else."""
    history = [("Where was Mr Luxon going?", "I could not find that in the articles.")]
    assert understand("and what did he tweet?", history).standalone == "and what did Mr Luxon tweet?"
