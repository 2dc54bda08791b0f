"""The citation check: what a chat model may say, what is taken out of it, and which footnotes it gets."""

import hashlib
import json
import random
from itertools import pairwise

import pytest

from bot.answering.builtin import BuiltIn
from bot.answering.claims import Claim, Cutter
from bot.answering.cloze import gaps, respelt
from bot.answering.figures import figures
from bot.answering.missing import missing_in
from bot.answering.names import names
from bot.answering.reader import MODEL
from bot.answering.support import Checked, CitationCheck
from ingest.plain import read_plain
from ingest.split import split
from vectorstore.datatypes import ArticleInfo, Chunk, Passage
from vectorstore.embeddings import OnnxEmbedder

BRIDGE = """New bridge in Farwell

March 3, 2026

The new bridge over the Orr was opened on 12 February 2026 by Mayor Jo Park. It cost 3.4 million euros because the old piers had to be removed first.
Twenty-six guests came, among them Minister Eva Stone and the architect Bo Lind. "We waited far too long for this," Ms Stone said.
The toll for lorries is 12 euros, and the toll for cars is 3 euros. Cyclists do not pay.
"""
RULES = """Server rules

Members may post links to their own work on Fridays only. A first offence is punished with a warning, a second one with a ban of seven days.

Before you post, check the following:

- The link works.
- The picture is yours.
- The title says what it is.
"""
FERRY = """The ferry to Ness

The ferry leaves at 7.05 pm from pier two. Dogs ride free.
"""


@pytest.fixture(scope="module")
def passages(embedder: OnnxEmbedder) -> list[Passage]:
    """Passage 1 is the bridge, 2 the rules, 3 the ferry."""
    made = []
    for number, text in enumerate((BRIDGE, RULES, FERRY)):
        article = read_plain(text, source=f"{number}.txt", name="article")
        (chunk,) = split(article, count_tokens=embedder.count_tokens, max_tokens=embedder.card.max_tokens)
        made.append(passage(chunk.text, info=article.info, chunk=chunk))
    return made


@pytest.fixture(scope="module")
def check(answerer: BuiltIn) -> CitationCheck:
    """The shipped models."""
    return CitationCheck(lambda: answerer.reader)


def passage(text: str, info: ArticleInfo | None = None, chunk: Chunk | None = None) -> Passage:
    """A passage of one sentence, or of a chunk."""
    return Passage(
        chunk_id="ab.1.0",
        article=info or ArticleInfo(source="a.txt", title="Notes", date="2026-03-03"),
        chunk=chunk or Chunk(text=text, start=0, end=len(text), section="", sentences=((0, len(text)),)),
        score=1.0,
        dense=0.5,
        lexical=0.5,
    )


@pytest.fixture(scope="module")
def checked(check: CitationCheck, passages: list[Passage], embedder: OnnxEmbedder) -> "Check":
    """Checks an answer as a whole."""
    return Check(check, passages, embedder)


class Check:
    """One answer after another."""

    def __init__(self, check: CitationCheck, passages: list[Passage], embedder: OnnxEmbedder) -> None:
        self._begin = lambda question: check.begin(question, passages, embedder)

    def __call__(self, answer: str, question: str = "", pieces: list[str] | None = None) -> Checked:
        """The verdict on an answer that comes in pieces."""
        checking = self._begin(question)
        for piece in pieces or [answer]:
            checking.feed(piece)
        return checking.finish()


# ---- cutting


def cut(*pieces: str) -> list[Claim]:
    """The claims of a text that comes in pieces."""
    cutter = Cutter()
    return [claim for piece in pieces for claim in cutter.feed(piece)] + cutter.finish()


@pytest.mark.parametrize(
    ("answer", "claims"),
    [
        ("Ann came [1]. Bo left. [2]", [("Ann came.", (1,)), ("Bo left.", (2,))]),
        ("Ann came[1][3]. Bo left [1, 2].", [("Ann came.", (1, 3)), ("Bo left.", (1, 2))]),
        ("Ann [1] and Bo [2] came.", [("Ann and Bo came.", (1, 2))]),
        ("Ann came [passage 2]. Bo left [^1].", [("Ann came.", (2,)), ("Bo left.", (1,))]),
        ("Ann came [1-3]. Bo left【2†source】.", [("Ann came.", (1, 2, 3)), ("Bo left.", (2,))]),
        ("Ann came.\n[1]\nBo left. [2]", [("Ann came.", (1,)), ("Bo left.", (2,))]),
        ("It costs £3.50 at 7.05 p.m. on Monday. [1] Fine. [2]", [("It costs £3.50 at 7.05 p.m. on Monday.", (1,)), ("Fine.", (2,))]),
        ("Dr. J. R. Smith of Acme Inc. came, e.g. twice [1]. So.", [("Dr. J. R. Smith of Acme Inc. came, e.g. twice.", (1,)), ("So.", ())]),
        ('Ann said "No. Never. Go." [1] Bo left [2].', [('Ann said "No. Never. Go."', (1,)), ("Bo left.", (2,))]),
        ("See https://a.example/b.html?c=1. It is new [1].", [("See https://a.example/b.html?c=1.", ()), ("It is new.", (1,))]),
        ("## Facts\n\n**Ann** came [1].\n\n**Summary**\nUNKNOWN", [("Ann came.", (1,))]),
        ("Ann (she is old [1].) came [2]. Bo left.", [("Ann (she is old.) came.", (1, 2)), ("Bo left.", ())]),
        ("UNKNOWN.", []),
        ("---\n> `Ann` *really* came_by [1]", [("Ann really came_by", (1,))]),
    ],
)  # fmt: skip
def test_an_answer_is_cut_into_sentences(answer: str, claims: list[tuple[str, tuple[int, ...]]]) -> None:
    """Marks belong to the sentence that they stand in or behind; Markdown and the word UNKNOWN go."""
    assert [(claim.text, claim.marks) for claim in cut(answer)] == claims


def test_a_mark_and_a_full_stop_end_a_claim_at_once() -> None:
    """Nobody waits for the next word; in a list line or a quotation more may come."""
    cutter = Cutter()
    assert [c.text for c in cutter.feed("Ann came. [2] Bo left [1, 3].")] == ["Ann came.", "Bo left."]
    assert cutter.feed("\n\n- Ann [1]. ") == []
    assert cutter.finish() == [Claim("Ann.", (1,), "- ", "\n\n")]
    assert Cutter().feed("He said “No [1].") == Cutter().feed("Ann came. [1]") == []


def test_list_lines_are_claims() -> None:
    """With what they begin with, however many sentences they have."""
    assert cut("There are:\n- Ann. She is old [1]\n2. Bo [2]\n\nDone [1].") == [
        Claim("There are:", (), "", ""),
        Claim("Ann. She is old", (1,), "- ", "\n"),
        Claim("Bo", (2,), "2. ", "\n"),
        Claim("Done.", (1,), "", "\n\n"),
    ]


@pytest.mark.parametrize("seed", range(30))
def test_pieces_do_not_matter_to_the_cut(seed: int) -> None:
    """However a text comes in, its claims are the same."""
    text = (
        'The fee is £3.50 [1]. Dr. J. R. Smith said "No. Never." [1][2] At 7.05 p.m. (or so [1].) it began. [passage 3]\n\n'
        "There were:\n- *Ann*. And Bo [1]\n- Eve [2].\n[3]\n\n**So** he said [1, 2]. [3]\n\n“Yes [4]. No.” [passage 1]. Ann *left [2].*\n1. One [4]\nSee a.example/x. Then U.S. troops left!? [5] UNKNOWN"
    )
    chance, pieces, at = random.Random(seed), [], 0  # noqa: S311
    while at < len(text):
        size = chance.randint(1, 9)
        pieces.append(text[at : at + size])
        at += size
    assert cut(*pieces) == cut(text) == cut(*text)


# ---- facts


@pytest.mark.parametrize(
    ("told", "claim", "missing"),
    [
        ("Twenty-six came.", "26 came.", []),
        ("Twenty-six came.", "27 came.", ["27"]),
        ("It cost 3.4 million euros.", "It cost €3,400,000.", []),
        ("It cost 3.4 million euros.", "It cost $3.4m.", ["$3.4m"]),
        ("Some 1.200 people, or 26 %.", "Some 1,200 people, 26 per cent.", []),
        ("A dozen, half of them old.", "There were 12, 50 % of them old.", []),
        ("The second team came third.", "The 2nd team took 3rd place.", []),
        ("It opens at 7.05 pm.", "It opens at 19:05.", []),
        ("It opens at 7.05 pm.", "It opens at 7:05 a.m. then.", ["7:05 a.m."]),
        ("Open from 9 to 11 am, and at half past eight.", "It opens at 9 am and 8:30.", []),
        ("It opens at noon.", "It opens at 12:00.", []),
        ("It began at two in the morning, and ended at five minutes to seven.", "It ran from 2 am to 6:55.", []),
        ("Five to ten came by the light of the Sun.", "From 5 to 10 came at twenty past two.", ["twenty past two"]),
        ("It closes at ten o'clock at night.", "It closes at 10 pm.", []),
        ("It closes at ten in the evening.", "It closes at 10 am.", ["10 am."]),
        ("Three quarters came; it is half a mile.", "75 per cent came, for 0.5 miles.", []),
        ("A Californian and Ann, a Danish poet, met.", "Two met, from California and Denmark.", []),
        ("Ann came from Austria.", "Ann is Australian.", ["Australian"]),
        ("On May 18, 2026 it met.", "It met on 18 May 2026.", []),
        ("On 18 May it met.", "It met on 18 May 2026.", []),  # the article's year
        ("On 18 May it met.", "It met on 18 May 2025.", ["18 May 2025"]),
        ("On 18 May it met.", "It met on 19 May.", ["19 May."]),
        ("From 16–18 November.", "It began on 16 Nov. and ended on 18 November", []),
        ("On Saturday.", "It met on Sat. in March.", []),
        ("In the 1990s.", "It was in the 1980s.", ["1980s"]),
        ("Ann Maria Lee and Bo Park met.", "It was Ann Lee with Mr Park.", []),
        ("Ann Lee and Bo Park met.", "They met Ann Park.", ["Ann Park"]),
        ("Zoë Müller-Lind's dog.", "The dog of Zoe Muller Lind.", []),
        ("A team of Finland.", "The Finnish team.", []),
        ("A team of Austria.", "The Australian team.", ["Australian"]),
        ("The World Health Organization said so.", "So the WHO said.", []),
        ("Jo Park, the mayor, came.", "Then Mayor Jo Park came.", []),
        ("Room B12, COVID-19, version 2.1.3.", "In B13, not COVID-21, version 2.1.4 ran.", ["2.1.4", "B13", "COVID-21"]),
        ("“We lose more water,” she said.", 'She said: "We lose more water"', []),
        ("She will win.", "She said “I will win this”.", ["“I will win this”"]),
        ("It opens in spring; the fee doubled.", "It opens in autumn. The fee was trebled.", ["autumn", "trebled"]),
        ("See the page.", "See www.evil.example/x or evil.com now, @everyone", ["www.evil.example/x", "evil.com", "@everyone"]),
    ],
)  # fmt: skip
def test_facts_are_found_in_other_spellings(told: str, claim: str, missing: list[str]) -> None:
    """Numbers, dates, times, names, links and quotations; nothing else is."""
    assert missing_in([passage(told)], claim) == missing


def test_a_name_may_be_spelt_out_as_in_the_question() -> None:
    """The passage has its initials."""
    told, claim = [passage("The RSPB opposed it.")], "The Royal Society of Pied Birds opposed it."
    claim = "So the Royal Saving Peat Board opposed it."
    assert missing_in(told, claim, "What did the Royal Saving Peat Board do?") == []
    assert missing_in(told, claim, "What did they do?") == ["Royal Saving Peat Board"]


def test_a_capital_at_the_start_of_a_sentence_is_no_firm_name() -> None:
    """Two are, or one after a title."""
    assert [fact.firm for fact in names("Rents rise.")] == [False]
    assert [fact.firm for fact in names("Ann Lee came.")] == [True]
    assert [fact.firm for fact in names("Ms Lee came.")] == [True]


def test_a_date_is_no_number_beside() -> None:
    """Each figure is told once."""
    assert [fact.text for fact in figures("On 18 May 2026 at 7 pm 12 came.")] == ["18 May 2026", "7 pm", "12"]


@pytest.mark.parametrize(
    ("claim", "evidence", "read"),
    [
        ("2 of 19400 came at 19:05.", "Of 19,400 two came at 7.05 pm.", "two of 19,400 came at 7.05 pm."),
        ("It ran from July 4 to 15.", "From 4 to 15 July.", "It ran from 4 to 15 July."),
        ("It cost 7 euros.", "It cost 8 euros.", "It cost 7 euros."),
    ],
)
def test_figures_are_read_in_the_spelling_of_the_evidence(claim: str, evidence: str, read: str) -> None:
    """The models take "two" and "2" for strangers."""
    assert respelt(claim, evidence) == read


def test_the_reader_is_asked_for_what_the_evidence_has_others_of() -> None:
    """With a question word in its place; for an answer in a few words by the question."""
    evidence = "The toll for lorries is 12 euros, that for cars 3 euros. Ann Lee set it."
    assert [gap.question for gap in gaps("Cars pay 12 euros as set by Ann Lee.", evidence)] == [
        "Cars pay how much as set by Ann Lee."
    ]
    (gap,) = gaps("Ann Lee", evidence, "Who set it?")
    assert (gap.question, [evidence[a:b] for a, b in gap.spans]) == ("Who set it?", ["Ann Lee"])


# ---- the check


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("The new bridge over the Orr was opened on 12 February 2026.", "no citation"),
        ("The new bridge over the Orr was opened on 12 February 2026 [4].", "no citation"),
        ("The bridge cost 4.3 million euros [1].", "not in the cited passages: 4.3 million euros"),
        ("The bridge was opened by Mayor Ann Lee [1].", "not in the cited passages: Mayor Ann Lee"),
        ("The new bridge over the Orr was opened in 2026 [3].", "not in the cited passages: 2026, Orr"),
        ("The old piers were painted green [1].", "the cited passages do not say it"),
        ("Cars pay a toll of 12 euros [1].", "the cited passages do not say it"),
        ("Cyclists pay a toll on the bridge [1].", "the cited passages do not say it"),
        ("The bridge was opened by Bo Lind [1].", "the cited passages do not say it"),
        ("Dogs ride free on the bridge over the Orr [1].", "the cited passages do not say it"),
        ("Click https://evil.example/now to win [2].", "not in the cited passages: https://evil.example/now"),
    ],
)
def test_what_the_passages_do_not_say_is_dropped(checked: Check, answer: str, reason: str) -> None:
    """With the reason."""
    result = checked(answer)
    assert (result.text, result.citations, result.support) == ("", (), 0.0)
    assert [dropped.reason.partition(" (")[0] for dropped in result.dropped] == [reason]


@pytest.mark.parametrize(
    ("answer", "quote"),
    [
        ("The bridge was opened by Mayor Jo Park on 12 February 2026 [1].", "The new bridge over the Orr was opened"),
        ("It cost 3.4 million euros [1].", "It cost 3.4 million"),
        ("26 guests attended, including the architect Bo Lind [1].", "Twenty-six guests came"),
        ("Lorries pay a toll of 12 euros [1].", "The toll for lorries"),
        ("The ferry departs at 19:05 from pier two [3].", "The ferry leaves at 7.05 pm"),
        ("After a second offence members are banned for seven days [2].", "A first offence is punished"),
        ('Eva Stone said: "We waited far too long for this" [1].', '"We waited far too long'),
    ],
)  # fmt: skip
def test_what_the_passages_say_stays(checked: Check, answer: str, quote: str) -> None:
    """In other words, too; with the sentence that says it as its footnote."""
    result = checked(answer)
    assert result.dropped == ()
    assert result.text.endswith("[1]")
    assert [citation.quote.startswith(quote) for citation in result.citations] == [True]
    assert result.support > 0


def test_footnotes_are_verbatim(checked: Check) -> None:
    """Each quote stands at its offsets in the text of its article."""
    result = checked("The bridge cost 3.4 million euros [1]. The ferry leaves from pier two [3].")
    texts = {f"{i}.txt": text for i, text in enumerate((BRIDGE, RULES, FERRY))}
    assert len(result.citations) == 2
    assert all(texts[c.source][c.start : c.end] == c.quote for c in result.citations)


def test_footnotes_are_numbered_anew(checked: Check) -> None:
    """In the order of the text; a sentence that is quoted twice keeps its number, and dropped ones leave no gap."""
    result = checked(
        "The ferry leaves from pier two [3]. The bridge cost 9 euros [1]. The bridge cost 3.4 million euros [1]. "
        "The ferry leaves at 7.05 pm [3]."
    )
    assert result.text == (
        "The ferry leaves from pier two. [1] The bridge cost 3.4 million euros. [2] The ferry leaves at 7.05 pm. [1]"
    )
    assert [citation.source for citation in result.citations] == ["2.txt", "0.txt"]


def test_a_mark_of_a_passage_that_supports_nothing_is_left_out(checked: Check) -> None:
    """The one that does is kept."""
    result = checked("The ferry leaves at 7.05 pm from pier two [2][3][9].")
    assert [citation.source for citation in result.citations] == ["2.txt"]
    assert result.text.endswith("[1]")


def test_a_list_keeps_its_lines_and_what_leads_over_to_it(checked: Check) -> None:
    """A line that is not supported goes."""
    result = checked(
        "Before you post, check that:\n- the link works [2]\n- the picture is yours [2]\n- the server is in Norway [2]\n\n"
        "The ferry leaves from pier two [3]."
    )
    assert result.text == (
        "Before you post, check that:\n- the link works [1]\n- the picture is yours [1]\n\n"
        "The ferry leaves from pier two. [2]"
    )
    assert [dropped.text for dropped in result.dropped] == ["the server is in Norway"]


def test_what_leads_over_to_a_list_goes_with_it(checked: Check) -> None:
    """Where nothing of the list is left."""
    result = checked("The guests were:\n- Ann Lee [1]\n- Tom Hill [1]")
    assert result.text == ""
    assert [dropped.text for dropped in result.dropped] == ["Ann Lee", "Tom Hill", "The guests were:"]


def test_a_colon_without_a_list_is_a_sentence(checked: Check) -> None:
    """Like any other."""
    assert (
        checked("The bridge cost 3.4 million euros [1]:\nSo [1].").text
        == "The bridge cost 3.4 million euros: [1]"
    )


def test_a_list_of_the_article_is_quoted_whole(checked: Check) -> None:
    """The sentence with the colon, and the lines below it."""
    result = checked("Check that the link works, the picture is yours and the title says what it is [2].")
    assert any("The title says what it is." in citation.quote for citation in result.citations)


def test_a_few_words_are_read_with_the_question(checked: Check) -> None:
    """They say nothing by themselves."""
    assert checked("3 euros [1].", "How much is the toll for cars?").text == "3 euros. [1]"
    assert checked("12 euros [1].", "How much is the toll for cars?").text == ""


def test_a_question_of_the_passage_says_nothing(check: CitationCheck, embedder: OnnxEmbedder) -> None:
    """It is no evidence."""
    checking = check.begin("", [passage("Did Ann Lee open the bridge?")], embedder)
    checking.feed("Ann Lee did open the bridge [1].")
    assert checking.finish().text == ""


def test_text_grows_as_it_is_written(
    check: CitationCheck, passages: list[Passage], embedder: OnnxEmbedder
) -> None:
    """A sentence is told at once if its mark and a full stop end it, or else with the next word; it never changes."""
    answer = "The ferry leaves at 7.05 pm [3]. It costs a lot [3]. The bridge cost 3.4 million euros. [1] So"
    checking = check.begin("", passages, embedder)
    told = [checking.feed(letter) for letter in answer]
    assert all(later.startswith(sooner) for sooner, later in pairwise(told))
    assert told[answer.index(" It") - 1] == "The ferry leaves at 7.05 pm. [1]"
    assert told[-1] == "The ferry leaves at 7.05 pm. [1]"
    assert checking.finish().text == "The ferry leaves at 7.05 pm. [1] The bridge cost 3.4 million euros. [2]"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 30])
def test_pieces_do_not_matter(checked: Check, size: int) -> None:
    """The verdict is that on the whole text."""
    answer = (
        "The ferry leaves at 7.05 p.m. [3] **It** cost 3.4 million euros [1]. The guests were:\n- Eva Stone [1]\n"
        "- Ann Lee [1]\n\nCyclists pay 3 euros [1]. UNKNOWN"
    )
    pieces = [answer[at : at + size] for at in range(0, len(answer), size)]
    assert checked(answer, "What is new?", pieces) == checked(answer, "What is new?")


def test_the_judge_belongs_to_the_model_beside_it() -> None:
    """Its weights were fitted on the logits of that very file."""
    fitted = json.loads((MODEL / "support.json").read_text(encoding="utf-8"))
    assert fitted["entailment"] == hashlib.sha256((MODEL / "support.onnx").read_bytes()).hexdigest()
    assert fitted["entailment"] in (MODEL / "README.md").read_text(encoding="utf-8")
    assert (MODEL / "support.onnx").stat().st_size < 25_000_000
