"""What a question asks for, and what it refers back to."""

import pytest

from bot.answering.question import Kind, content_words, refers_back, spelt_out, understand


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Who attended?", Kind.WHO),
        ("whose idea was it", Kind.WHO),
        ("wen does it open", Kind.WHEN),
        ("In what year was it built?", Kind.WHEN),
        ("How many people came?", Kind.NUMBER),
        ("where is the harbour", Kind.WHERE),
        ("Which city hosts it?", Kind.WHERE),
        ("Why did they leave?", Kind.WHY),
        ("how come it's closed", Kind.WHY),
        ("What is a bridge?", Kind.OTHER),
        ("Tell me about the harbour.", Kind.OTHER),
    ],
)
def test_the_kind_of_answer(text: str, kind: Kind) -> None:
    """From the question word, however it is spelt."""
    assert understand(text).kind is kind


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Who attended the meeting?", True),
        ("What were the three goals?", True),
        ("List all countries that took part", True),
        ("Which rules apply to links?", True),
        ("Who was the mayor?", False),
        ("Who opened the bridge?", False),
        ("What happens after a warning?", False),
        ("What causes rain?", False),
        ("Can you list the guests?", True),
        ("What is the news?", False),
        ("When does it open?", False),
    ],
)
def test_lists_are_told_from_single_answers(text: str, wanted: bool) -> None:
    """By the plural after the question word."""
    assert understand(text).wants_list is wanted


def test_a_follow_up_takes_the_question_before_with_it() -> None:
    """And the names of its answer; a question that stands alone takes nothing."""
    history = [("Who opened the bridge?", "Ann Lee opened it in May.")]
    assert understand("When was that?", history).context == "Who opened the bridge? Ann Lee May"
    assert understand("Who built the harbour?", history).context == ""
    assert understand("When was that?").context == ""


@pytest.mark.parametrize(
    ("text", "question", "searched"),
    [
        ("When was that?", "Who opened the bridge?", "When was the bridge opened?"),
        (
            "can u park there?",
            "What is the fee of the museum?",
            "can you park there? What is the fee of the museum?",
        ),
        (
            "Is it less for students?",
            "What is the fee of the club?",
            "Is the fee of the club less for students?",
        ),
    ],
)
def test_a_follow_up_is_searched_as_it_stands_alone(text: str, question: str, searched: str) -> None:
    """Or, where nothing could be filled in, with the question before."""
    assert understand(text, [(question, "No.")]).search_text == searched


def test_a_follow_up_on_a_follow_up_finds_the_one_who_is_meant() -> None:
    """Back to the first question that stands by itself."""
    history = [
        ("Who won?", "Bo Park won."),
        ("Who opened the bridge?", "Ann Lee."),
        ("Where was she born?", "I could not find that."),
    ]
    assert (
        understand("And what did she say?", history).context
        == "Where was she born? Who opened the bridge? Ann Lee"
    )


@pytest.mark.parametrize(
    ("text", "refers"),
    [
        ("Why?", True),
        ("And the ferry?", True),
        ("Did he agree?", True),
        ("Who is Ann Lee?", False),
        ("How do I get there by bus?", True),
        ("Who lives there?", True),
        ("Are there any lockers?", False),
        ("Who said that the pool is closed?", False),
        ("What did that cost?", True),
    ],
)
def test_what_refers_back(text: str, refers: bool) -> None:
    """Pronouns, openings such as "and", or no word of its own."""
    assert refers_back(text) is refers


def test_content_words_leave_out_what_says_nothing() -> None:
    """As written, in order."""
    assert content_words("Who did Mr Macron talk to about the Ukraine?") == [
        "Mr",
        "Macron",
        "talk",
        "Ukraine",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("wat r teh rules", "what are the rules"),
        ("whos the mayor", "who is the mayor"),
        ("Who is the U.S. president?", "Who is the U.S. president?"),
        ("Did R. Kelly sing in N. Korea?", "Did R. Kelly sing in N. Korea?"),
    ],
)
def test_chat_spellings_are_spelt_out_and_names_left_alone(text: str, told: str) -> None:
    """Only little words, only in lower case."""
    assert spelt_out(text) == told


def test_a_polite_question_is_the_question_in_it() -> None:
    """ "Can you tell me" asks for no yes or no."""
    assert understand("Can you tell me how many people came?").kind is Kind.NUMBER
    assert understand("Do you know when the bridge was opened?").standalone == "when the bridge was opened?"


def test_the_us_is_no_pronoun() -> None:
    """Capitals make the difference, unless all is shouted."""
    assert content_words("What did the US say to the WHO?") == ["US", "WHO"]
    assert content_words("WHAT DID IT SAY") == []
