"""What is made of the reader's logits, and that the shipped model is the one that its files speak of."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from bot.answering.bullets import under_heading, with_items
from bot.answering.composing import composed
from bot.answering.lists import after_name, enumerates, is_beside_asked, marked, stretches
from bot.answering.picking import FEATURES as OF_SENTENCE
from bot.answering.picking import Candidate
from bot.answering.question import understand
from bot.answering.reader import LONGEST, MODEL, Logits, Reader
from bot.answering.spans import Found, find, says_nothing
from bot.answering.speech import asks_who_said
from bot.answering.verifier import Verifier
from bot.answering.wording import trimmed
from vectorstore.datatypes import ArticleInfo, Chunk, Passage, Span


def reading(start: list[float], end: list[float], marks: str = "") -> Logits:
    """A reading of words of one letter; a mark is o(utside), b(egins) or i(nside)."""
    n = len(start)
    items = np.array([[4.0 * (mark == m) for m in "obi"] for mark in marks.ljust(n, "o")], np.float32)
    offsets = tuple((2 * i, 2 * i + 1) for i in range(n))
    return Logits(
        0, offsets, tuple(range(n)), np.array(start, np.float32), np.array(end, np.float32), items, 1.0
    )


def test_the_best_spans_do_not_overlap() -> None:
    """The best first; the next shares no token with it."""
    found = reading([0, 5, 0, 3], [0, 1, 6, 2]).spans(2)
    assert [span for _, span in found] == [(2, 5), (6, 7)]
    assert found[0][0] == pytest.approx(11)


def test_a_span_has_the_score_that_it_was_found_with() -> None:
    """Where the reading has all its characters."""
    read = reading([0, 5, 0, 3], [0, 1, 6, 2])
    assert [read.score(span) for _, span in read.spans(2)] == [score for score, _ in read.spans(2)]
    assert read.score((2, 99)) == read.score((90, 99)) == -np.inf


@pytest.mark.parametrize(
    ("first", "last", "sure", "again"),
    [
        (0, 8, np.inf, (2, 6)),  # two before and one after
        (3, 6, np.inf, None),  # that is all of the passage
        (0, 8, 6.0, None),  # the reader is sure
    ],
)
def test_the_best_spans_are_read_once_more_with_the_sentences_around_them(
    first: int, last: int, sure: float, again: tuple[int, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless that would tell nothing new."""
    told = [f"On day {i} the choir of Ashby sang in hall {i}." for i in range(4)]
    told += ["The pump was paid for by Ann Lee.", "It is green.", "It leaks.", "Nobody minds."]
    text = " ".join(told[first:last])
    spans = tuple((text.index(each), text.index(each) + len(each)) for each in told[first:last])
    chunk = Chunk(text=text, start=0, end=len(text), section="", sentences=spans)
    article = ArticleInfo(source="pump.txt", title="Pump")
    passage = Passage(chunk_id="1", article=article, chunk=chunk, score=1.0, dense=1.0, lexical=1.0)
    sentences = [Candidate(passage, (a, b), text[a:b], np.zeros(0, np.float32), 1.0) for a, b in spans]
    read: list[str] = []

    class Recording(Reader):
        def read(self, question: str, texts: Sequence[str]) -> list[Logits]:
            read.extend(texts)
            return super().read(question, texts)

    monkeypatch.setattr("bot.answering.spans._SURE", sure)
    best = find(understand("Who paid for the pump?"), [passage], sentences, Recording())[0]
    assert best.text == "Ann Lee"
    assert read[1:2] == ([f"Pump\n{' '.join(told[slice(*again)])}"] if again else [])
    assert (best.close == best.score) is (again is None)


def test_an_answer_has_whole_words() -> None:
    """However the tokenizer cuts them."""
    (read,) = Reader().read(
        "Who arranged the call?", ["The call was arranged by Volodymyr Zelenskyy in Orrhamshire."]
    )
    text = "The call was arranged by Volodymyr Zelenskyy in Orrhamshire."
    borders = {0, len(text)} | {i for i, letter in enumerate(text) if letter in " ."}
    borders |= {i + 1 for i in borders}
    found = [span for _, span in read.spans(5)] + read.listed()
    assert found
    assert all(start in borders and end in borders for start, end in found)


def test_a_span_is_not_longer_than_an_answer() -> None:
    """Forty tokens by default."""
    start, end = [0.0] * 60, [0.0] * 60
    start[0], end[59], end[10] = 5, 9, 4
    assert reading(start, end).spans(1)[0][1] == (0, 21)


def test_items_of_a_list_are_told_apart() -> None:
    """A new one begins at a begin, or after something else."""
    found = reading([-9] * 7, [0] * 7, "bibo" + "ib").listed()
    assert found == [(0, 3), (4, 5), (8, 9), (10, 11)]


def test_where_no_list_is_asked_for_only_sure_marks_are_items() -> None:
    """A good span beside them is a second guess, not a second item."""
    start, end = [2, -9, -9, -9, 6, -9, 1], [6, -9, -9, -9, 1, -9, -1]
    assert reading(start, end, "oobbo" + "oo").listed(asked=False) == [(4, 5), (6, 7)]


def test_a_span_about_as_good_as_the_best_is_an_item() -> None:
    """Though it is not marked as one; one that is clearly worse is none."""
    start, end = [2, -9, -9, -9, 6, -9, 1], [6, -9, -9, -9, 1, -9, -1]
    assert reading(start, end, "oobbo" + "oo").listed() == [(0, 1), (4, 5), (6, 7), (8, 9)]
    assert reading([-9, -3], [0, -3], "oo").listed() == []


def test_of_two_spans_the_one_that_is_marked_is_the_answer() -> None:
    """Where start and end leave it open; its score is that of start and end alone."""
    assert reading([5, -9, 4.9], [5, -9, 4.9], "oob").spans(1) == [(pytest.approx(9.8), (4, 5))]


def test_a_text_that_is_too_long_is_read_in_windows() -> None:
    """The answer is found wherever it stands, and no token is left out."""
    text = "The sky was grey. " * 120 + "Ann Lee opened the bridge in May. " + "Rain fell. " * 120
    readings = Reader().read("Who opened the bridge?", [text, "Ann Lee opened the bridge."])
    of_long = [r for r in readings if r.text == 0]
    assert len(of_long) > 2
    assert all(len(r.offsets) < LONGEST for r in of_long)
    covered = {offset for r in of_long for offset in r.offsets}
    assert max(end for _, end in covered) == len(text.rstrip())
    best = max(of_long, key=lambda r: r.spans(1)[0][0])
    start, end = best.spans(1)[0][1]
    assert text[start:end] == "Ann Lee"


def test_a_text_reads_the_same_beside_any_other() -> None:
    """A window is a batch of its own."""
    reader, text = Reader(), "The ferry leaves at noon from pier two."
    (alone,) = reader.read("When does the ferry leave?", [text])
    beside = reader.read("When does the ferry leave?", [text * 20, text])[-1]
    assert np.array_equal(alone.start, beside.start)


def test_the_verifier_belongs_to_the_reader_beside_it() -> None:
    """Its weights were fitted on the scores of that very file."""
    fitted = json.loads((MODEL / "verifier.json").read_text(encoding="utf-8"))
    assert fitted["reader"] == hashlib.sha256((MODEL / "reader.onnx").read_bytes()).hexdigest()
    assert fitted["reader"] in (MODEL / "README.md").read_text(encoding="utf-8")
    assert (MODEL / "reader.onnx").stat().st_size < 25_000_000


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("in May,", "in May"),
        ("“the guns", "the guns"),
        ("“all of it”", "“all of it”"),
        ("Orrham (north", "Orrham (north"),
        ("9 a.m.", "9 a.m."),
        ("the U.S.", "the U.S."),
        ("Acme Inc.", "Acme Inc."),
    ],
)
def test_a_part_of_a_sentence_is_trimmed(part: str, told: str) -> None:
    """Of punctuation and of marks without a partner at its ends."""
    assert trimmed(part) == told


@pytest.mark.parametrize(
    ("sentence", "several"),
    [
        ("Present were Ann Lee, Bo Park and Eva Stone.", True),
        ("Ann Lee, the mayor, was late.", False),
        ("Present: Ann Lee, Bo Park", True),
        ("Balance: 3,412 euros.", False),
        ("Date: Friday, May 3", False),
        ("Note: Bring a pen, it is cold.", False),
    ],
)
def test_an_enumeration_is_seen(sentence: str, several: bool) -> None:
    """Names with commas and an "and" before the last."""
    assert enumerates(sentence) is several


def test_a_sentence_with_a_colon_goes_on_to_its_bullets() -> None:
    """Up to the last of them."""
    text = "Check this:\n- The link works.\n- The title is true.\nThen post it."
    sentences = [(0, 11), (12, 29), (30, 50), (51, 64)]
    chunk = Chunk(text=text, start=0, end=len(text), section="", sentences=tuple(sentences))
    assert with_items(chunk, (0, 11)) == (0, 50)
    assert with_items(chunk, (51, 64)) == (51, 64)


RECORD = "Ann Lee held the record first. It was wet that year. Bo Park broke it, and so did Eva Stone."


CALL = "The call was arranged by Ann Lee, and attended by, among others, Bo Park, Cy Lund and Di Orr."


def record(best: str, *items: str, text: str = RECORD, sentences: tuple[Span, ...] = ()) -> Found:
    """The best span in a text, and what is marked as items there."""
    sentences = sentences or (((0, 30), (31, 52), (53, 92)) if text is RECORD else ((0, len(text)),))
    article = ArticleInfo(source="x.txt", title="Record")
    chunk = Chunk(text=text, start=0, end=len(text), section="", sentences=sentences)
    passage = Passage(chunk_id="1", article=article, chunk=chunk, score=1.0, dense=1.0, lexical=1.0)
    first, *places = [(text.index(part), text.index(part) + len(part)) for part in (best, *items)]
    of = next(span for span in sentences if span[0] <= first[0] < span[1])
    sentence = Candidate(passage, of, text[of[0] : of[1]], np.zeros(0, np.float32), 1.0)
    return Found(passage, first, best, sentence, 5.0, 2.0, 5.0, 2.0, tuple(places))


@pytest.mark.parametrize(
    "best", ["Bo Park", "Ann Lee, and attended by, among others, Bo Park, Cy Lund and Di Orr"]
)
def test_an_enumeration_is_told_whole_and_without_what_stands_before_it(best: str) -> None:
    """Who arranged the call is no item of it, however the reader marks."""
    (found,) = marked(record(best, "Ann Lee", "Bo Park", "Cy Lund", text=CALL))
    assert found.text == "Bo Park, Cy Lund and Di Orr"


def test_a_list_may_stand_in_a_sentence_with_a_link() -> None:
    """Only the sentences beside it are left out for that."""
    text = "Bring pens, paper and glue (see https://a.example/rules)."
    found = record("pens, paper and glue", text=text)
    (told,) = stretches(found, [found.passage])
    assert told.text == "pens, paper and glue"


def test_what_stands_before_and_or_belongs_to_the_enumeration() -> None:
    """Who came may have been the leader."""
    text = "Among them were Leaders and/or Ministers of Norway, Chad and Peru."
    (found,) = marked(
        record("Ministers of Norway, Chad and Peru", "Ministers of Norway", "Chad", "Peru", text=text)
    )
    assert found.text == "Leaders and/or Ministers of Norway, Chad and Peru"


def test_what_stands_after_a_name_is_told_whole() -> None:
    """Of four who were there two are marked."""
    text = "Present: Ann Lee (chair), Bo Park, Eva Stone (guests), Cy Dun"
    (found,) = marked(record("Ann Lee", "Ann Lee", "Bo Park", text=text))
    assert found.text == "Ann Lee (chair), Bo Park, Eva Stone (guests), Cy Dun"


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("who was at the meeting", ["Ann Lee (chair), Bo Park (treasurer), Cy Dun"]),
        ("who is the chair", []),  # one of them
        ("who came with Bo Park", []),
    ],
)
def test_all_who_were_there_are_told(question: str, told: list[str]) -> None:
    """Though the reader points at one."""
    found = record("Ann Lee", text="Present: Ann Lee (chair), Bo Park (treasurer), Cy Dun")
    assert [stretch.text for stretch in after_name(found, question)] == told


BULLETS = "free entry to all nights.\n- the magazine Perigee\n- a key to the dome"


@pytest.mark.parametrize(
    ("question", "text", "told"),
    [
        (
            "what do members get",
            BULLETS,
            ["free entry to all nights; the magazine Perigee; a key to the dome"],
        ),
        (
            "What do members of the Stargazers get?",
            BULLETS,
            ["free entry to all nights; the magazine Perigee; a key to the dome"],
        ),
        ("what do members pay", BULLETS, []),  # the heading does not say that
        ("what do members get", BULLETS.replace("\n- ", "\n"), []),  # no bullets
        (
            "what do members get",
            BULLETS.replace("\n- the", "\nIt is old.\n- the"),
            [],
        ),  # a gap: not all known
        (
            "what do members get",
            BULLETS.replace("Perigee", "Perigee. It is old") + "\nAnn Lee wrote this.",
            ["free entry to all nights; the magazine Perigee. It is old; a key to the dome"],
        ),
    ],
)
def test_bullets_below_a_heading_are_told_whole(question: str, text: str, told: list[str]) -> None:
    """Where the heading has the words of the question."""
    lines = [line.removeprefix("- ") for line in text.split("\n")]
    parts = [part for line in lines for part in re.split(r"(?<=Perigee\.) ", line)]
    sentences = tuple((text.index(part), text.index(part) + len(part)) for part in parts)
    found = record("free entry", text=text, sentences=sentences)
    article = ArticleInfo(source="x.md", title="The Stargazers")
    passage = replace(
        found.passage, article=article, chunk=replace(found.passage.chunk, section="What members get")
    )
    found = replace(found, passage=passage)
    assert [stretch.text for stretch in under_heading(found, question)] == told


def test_items_in_several_sentences_are_told_sentence_by_sentence() -> None:
    """Each sentence is a footnote of its own; one without an item is none."""
    found = marked(record("Ann Lee", "Ann Lee", "Bo Park", "Eva Stone"))
    assert [stretch.text for stretch in found] == ["Ann Lee", "Bo Park; Eva Stone"]
    assert [stretch.sentence for stretch in found] == [(0, 30), (53, 92)]


def test_a_single_item_is_no_list_nor_are_others_than_the_answer() -> None:
    """The best span must be one of several."""
    assert marked(record("Ann Lee", "Ann Lee")) == []
    assert marked(record("wet", "Bo Park", "Eva Stone")) == []


@pytest.mark.parametrize(
    ("question", "span", "beside"),
    [
        ("What is the capital of Portugal?", "Ireland", True),
        ("what is the capital of portugal", "Finland", True),
        ("Who came besides Portugal?", "Ireland", False),
        ("Who was absent, Spain or Portugal?", "Portugal", False),
        ("Where is Portugal?", "Portugal", False),
        ("Who invited Portugal?", "Ann", False),
        ("Which countries came?", "Ireland", False),
        ("When was Greece invited?", "1993", False),
    ],
)
def test_what_stands_beside_the_one_asked_for_is_no_answer(question: str, span: str, beside: bool) -> None:
    """Items of one enumeration say nothing of each other, unless that is the question."""
    sentence = "In 1993, Ann invited Finland, Ireland, Portugal and Greece."
    start = sentence.index(span)
    assert is_beside_asked(question, sentence, (start, start + len(span))) is beside


def test_an_address_is_one_word() -> None:
    """ "@tidewater.example" is nobody's."""
    text = "Appeals go to appeals@tidewater.example; Marlo or Quill answers within three days."
    address = text.index("appeals@"), text.index(";")
    (read,) = Reader().read("where do I send an appeal", [text])
    found = [span for _, span in read.spans(5) if span[0] < address[1] and address[0] < span[1]]
    assert found
    assert all(start <= address[0] and address[1] <= end for start, end in found)


def test_the_sentence_that_fits_the_question_is_cited() -> None:
    """Of two places of the same words, though the other one scores a little higher."""
    text = "Present: Ann Lee and Jo. Jo was against it."
    listed = record("Jo", text=text, sentences=((0, 24), (25, 43)))
    against = replace(
        listed,
        span=(25, 27),
        sentence=replace(listed.sentence, span=(25, 43), text="Jo was against it.", probability=0.9),
    )
    listed = replace(listed, sentence=replace(listed.sentence, probability=0.1))
    question = understand("Who was against it?")
    (part,) = composed(question, [listed.passage], [(0.6, listed), (0.5, against)], 0.25)
    assert part.citation.quote == "Jo was against it."
    (part,) = composed(question, [listed.passage], [(0.6, listed), (0.2, against)], 0.25)
    assert part.citation.quote == "Present: Ann Lee and Jo."


@pytest.mark.parametrize(
    ("chances", "told"),
    [
        ((0.62, 0.58, 0.52), "Ann Stone"),
        ((0.62, 0.58, 0.2), "Mr Reed"),  # not near enough to count
        ((0.9, 0.58, 0.52), "Mr Reed"),
    ],
)
def test_who_is_named_twice_is_likelier_than_who_is_named_once(
    chances: tuple[float, float, float], told: str
) -> None:
    """Where either may be the answer."""
    text = "Mr Reed came late. Ann Stone said that it rains. It was Stone who said it."
    sentences = ((0, 18), (19, 48), (49, 74))
    found = [record(name, text=text, sentences=sentences) for name in ("Mr Reed", "Ann Stone")]
    start = text.rindex("Stone")
    again = replace(
        record("It was Stone", text=text, sentences=sentences),
        span=(start, start + 5),
        text="Stone",
        items=(),
    )
    ranked = list(zip(chances, [*found, again], strict=True))
    (part,) = composed(understand("who said that it rains"), [again.passage], ranked, 0.25)
    assert part.text == told


@pytest.mark.parametrize(
    ("question", "one"),
    [
        ("who said that prices fell", True),
        ("And who warned of a strike?", True),
        ("which leader said it is too early", True),
        ("Which deputy prime minister warned of a strike?", True),
        ("Which leaders said it is too early?", False),
        ("Which minister called a meeting?", False),
        ("Who said yes to the raid?", False),
        ("Who called in sick?", False),
        ("Who signed the letter?", False),
        ("What did she say?", False),
    ],
)
def test_words_have_one_speaker(question: str, *, one: bool) -> None:
    """Whoever else is marked as one."""
    assert asks_who_said(question) is one


def test_who_is_absent_is_no_item_of_those_present() -> None:
    """Nor the other way round, however the reader marks."""
    text = "Present: Ann Lee and Bo Park. Absent: Eva Stone."
    sentences = ((0, 29), (30, 48))
    for best, told in (("Ann Lee", ["Ann Lee and Bo Park"]), ("Eva Stone", ["Eva Stone"])):
        (found,) = marked(record(best, "Ann Lee", "Bo Park", "Eva Stone", text=text, sentences=sentences))
        assert [found.text] == told


@pytest.mark.parametrize("price", ["60,000₩", "$1.25", "19:30", "v3.2.1", "v8.1.3"])
def test_no_answer_is_part_of_a_number(price: str) -> None:
    """Whatever the scores say: "60" is another price than "60,000"."""
    text = f"Gala: VIP : {price} R : 50,000₩ S : 40,000₩"
    (read,) = Reader().read("how much is a VIP seat for the gala", [text])
    start = text.index(price)
    end = start + len(price)
    for _, (a, b) in read.spans(8):
        assert b <= start or a >= end or (a <= start and b >= end), text[a:b]


def test_little_words_are_no_answer() -> None:
    """What is left beside the best span comes next by its score, and would be read as another answer."""
    assert all(map(says_nothing, ["by", "the", ".", "”.", "to the"]))
    assert not any(map(says_nothing, ["✅", "no", "On", "C", "by bus", "三"]))


def likely(question: str, best: str, *lines: str) -> float:
    """How likely a span in the first of several lines is held to be the answer, all read in one passage."""
    text = "\n".join(lines)
    sentences = tuple((text.index(line), text.index(line) + len(line)) for line in lines)
    found = record(best, text=text, sentences=sentences)
    scored = replace(found, sentence=replace(found.sentence, features=np.zeros(len(OF_SENTENCE), np.float32)))
    return Verifier().probabilities(understand(question), [scored])[0]


@pytest.mark.parametrize(
    ("question", "other_row", "less"),
    [
        ("what's the fine for staff", "Who: Staff | Fine: none", True),
        ("what's the fine for students", "Who: Staff | Fine: none", False),  # this row is asked for
        ("what's the fine for guests", "Who: Staff | Fine: none", False),  # neither is
        ("what's the fine for staff", "Staff pay no fine.", False),  # no row
        ("list the fines for staff", "Who: Staff | Fine: none", False),
    ],
)
def test_what_stands_in_another_row_is_less_likely(question: str, other_row: str, less: bool) -> None:
    """Where that one has more of the question's words."""
    row = "Who: Students | Fine: 20p"
    alone, beside = likely(question, "20p", row, "It is open."), likely(question, "20p", row, other_row)
    assert (beside < alone / 5) is less
    assert less or beside == pytest.approx(alone)
