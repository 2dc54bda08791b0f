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
        ("and the brass one?", "Who leads the string section?", "Jo", "Who leads the brass section?"),
        (
            "the green one?",
            "Where is the key of the grey shed?",
            "Here",
            "Where is the key of the green shed?",
        ),
        (
            "and for visitors?",
            "what does parking cost for members",
            "3 €",
            "what does parking cost for visitors",
        ),
        ("and for broken ones", "who pays for lost keys?", "You", "who pays for broken keys?"),
        ("about buses?", "What did the mayor say about trams?", "No.", "What did the mayor say about buses?"),
        ("per year?", "What does the plan cost?", "5 €", "What does the plan cost per year?"),
        ("and the one on 9 May?", "Was the vote on 3 May close?", "Yes", "Was the vote on 9 May close?"),
        ("and in 2022?", "Who won the 2021 cup?", "Ann Lee", "Who won the 2022 cup?"),
        ("and beginners?", "When do experts meet?", "At 7", "When do beginners meet?"),
        ("what about ferrets", "Are dogs allowed in the hut?", "No", "Are ferrets allowed in the hut?"),
        ("and images?", "who is allowed to post links?", "Members", "who is allowed to post images?"),
        ("and drummers?", "How many pipers are there?", "12", "How many drummers are there?"),
        ("and full members?", "What may a trial member do?", "Read", "What may full members do?"),
        ("and rule 5?", "what is rule 4 about", "Spam", "what is rule 5 about"),
        ("same for the back door", "Who locks the front door?", "Jo", "Who locks the back door?"),
        ("and his brother?", "What does Bo Lind play?", "Bass", "What does Bo Lind's brother play?"),
        ("by how much?", "Who won the cup?", "Orr FC [1]", "by how much Orr FC won the cup?"),
        ("who did they beat?", "who won the cup", "Orr FC [1]", "who did Orr FC beat?"),
        ("what do they want?", "Who spoke?", "Ann Lee and Bo Orr", "what do Ann Lee and Bo Orr want?"),
        ("Who drew them?", "Which maps were added?", "Two of them", "Who drew the maps?"),
        ("and which ones were dropped?", "Which maps were added?", "Two", "and which maps were dropped?"),
        ("when was she elected", "who is ann lee?", "the treasurer", "when was ann lee elected"),
        ("How long does that take?", "How do I get a key?", "Ask", "How long does it take to get a key?"),
        ("Who speaks there?", "When is the spring summit?", "In May", "Who speaks at the spring summit?"),
        ("Which one is it?", "When is the next raid?", "Friday", "Which one is the next raid?"),
        ("How long does it take?", r"How do I open C:\1?", "So", r"How long does it take to open C:\1?"),
        ("and Eve?", "What did Bo  Lind say?", "No", "and Eve?"),
        ("and if it rains?", "Where do we meet if it is dry?", "Here", "Where do we meet if it rains?"),
        ("and if it tears", "Who pays if a rope wears out?", "We", "Who pays if a rope tears?"),
        ("Where do they sleep?", "Do goats like rain?", "No", "Where do goats sleep?"),
        ("until when?", "Since which month do I pay dues?", "May", "until when do I pay dues?"),
        ("and novices?", "How long can a guide stay?", "A day", "How long can novices stay?"),
        ("why do they pay?", "What does the hut charge the club?", "5 €", "why do the club pay?"),
        (
            "do they lose their seats?",
            "How many clubs haven't paid?",
            "2",
            "do the clubs lose the clubs's seats?",
        ),
        ("What do clubs do when they win?", "How long is a ban?", "A day", "What do clubs do when they win?"),
        ("can I bring my son if he sits?", "Who is Bo Lind?", "A", "can I bring my son if he sits?"),
        (
            "and if I came without it, what then?",
            "Can I bring tea?",
            "Yes",
            "and if I came without it, what then?",
        ),
        ("Is it cheap?", "How big is the bond for the hall?", "80 €", "Is the bond for the hall cheap?"),
        (
            "Who cleans the hut before that?",
            "When is the feast?",
            "May",
            "Who cleans the hut before the feast?",
        ),
        ("Is it long?", "Who built the new pier near the mill?", "Jo", "Is the new pier near the mill long?"),
        ("and shields", "what does a sword cost?", "5", "what does shields cost?"),
        ("and close it?", "how do i open a ticket", "Ask", "and close a ticket?"),
        ("and my cat?", "Can I bring my dog to the club?", "Yes", "Can I bring my cat to the club?"),
        ("and tomorrow?", "Who is on duty?", "Jo", "Who is on duty tomorrow?"),
        ("and in the fire cave?", "What drops in the ice cave?", "Ore", "What drops in the fire cave?"),
        ("and thanks", "Who is the coach?", "Jo", "and thanks"),
        ("by the way", "Who is the coach?", "Jo", "by the way"),
        ("and has he won?", "Who is the coach?", "Jo Park", "and has Jo Park won?"),
        ("Why did Orr recall its vans?", "Is Fenn down?", "No", "Why did Orr recall its vans?"),
        (
            "Where is my bike and is it safe?",
            "When does the bar open?",
            "6",
            "Where is my bike and is it safe?",
        ),
        ("Is he hurt?", "Who scored against Wick on Sunday?", "Ross", "Is Ross hurt?"),
        ("Why did he leave?", "What did the mayor say?", "“In May.”", "Why did the mayor leave?"),
        (
            "Does it reset on Sundays?",
            "When does the server reset?",
            "At 6",
            "Does the server reset on Sundays?",
        ),
        ("What did she tell him?", "Did Al Orr meet Bo Lind?", "Yes", "What did Bo Lind tell him?"),
        ("Can I do it anyway?", "Is fishing banned in the lake?", "Yes", "Can I do it anyway?"),
        ("What day is it?", "When does the bar open?", "At 6", "What day is it?"),
        ("How many are there?", "When is the next match?", "May", "How many are there?"),
        ("for what?", "Who paid Bo Lind?", "The club", "for what paid Bo Lind?"),
        ("And 2024?", "How many joined in 2023?", "12", "How many joined in 2024?"),
        (
            "And 2024?",
            "How much did the top 5 schools get in 2023?",
            "12",
            "How much did the top 5 schools get in 2024?",
        ),
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
