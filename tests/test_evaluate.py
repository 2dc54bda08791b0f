"""How answers to question files are scored, kept, and set against an earlier run."""

import json
import re
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Event

import pytest
from fakes import ScriptedModel, answer, open_fake, store_all, write
from lxml import html

from bot.answering.builtin import BuiltIn
from bot.answering.chain import Chain
from bot.answering.datatypes import Answer, Dropped, Generated
from bot.answering.generating import Generator, Prices
from bot.answering.support import CitationCheck
from bot.terminal.evaluate import AT_ONCE, Case, Result, Verdict, each_case, is_correct, judged, read_cases
from bot.terminal.reports import write_evaluation
from bot.terminal.risk import bolder, curve
from bot.terminal.runs import Run, Setting, changes, changes_as_json, find, keep, report_changes, setting
from bot.terminal.scores import Score, figures, report, report_json, report_sums
from prompts import Prompts
from vectorstore.datatypes import UserError


@pytest.mark.parametrize(
    ("case", "text", "abstained", "right"),
    [
        (Case(id="1", question="q", gold_items=("Ann", "Bob")), "bob and ANN", False, True),
        (Case(id="1", question="q", gold_items=("Ann", "Bob")), "Ann", False, False),
        (Case(id="1", question="q", gold_answers=("in May", "it's May")), "It’s May", False, True),
        (Case(id="1", question="q", gold_answers=("in May",)), "in June", False, False),
        (Case(id="1", question="q", gold_answers=("find",)), "I could not find that", True, False),
        (Case(id="1", question="q", answerable=False), "anything", False, False),
        (Case(id="1", question="q", answerable=False), "I do not know", True, True),
    ],
    ids=[
        "all-items",
        "an-item-missing",
        "typographic",
        "wrong",
        "abstained",
        "invented",
        "rightly-abstained",
    ],
)
def test_what_counts_as_correct(case: Case, text: str, abstained: bool, right: bool) -> None:
    """A rule without judgement: see the design."""
    assert is_correct(case, answer(text, abstained=abstained)) is right


def result(
    id_: str, text: str, *, kind: str = "", gold: str = "May", likelihood: float = 0.7, seconds: float = 0.1
) -> Result:
    """A question whose answer is `gold` ("" for none), answered by `text` ("" for an abstention)."""
    case = Case(
        id=id_, question=f"{id_}?", kind=kind, gold_answers=(gold,) if gold else (), answerable=bool(gold)
    )
    given = answer(text or "I do not know.", abstained=not text)
    trace = replace(given.trace, likelihood=likelihood)
    return judged(case, replace(given, trace=trace, seconds=seconds))


def by_model(plain: Result, *, note: str = "") -> Result:
    """The same from a chat model of which a sentence was dropped."""
    generated = Generated(
        model="fake:one",
        prompt="answer",
        prompt_hash="0" * 12,
        raw="It is <b>red</b>.",
        dropped=(Dropped(text="It is <b>red</b>.", reason="no citation"),),
        tokens_in=90,
        tokens_out=10,
        cost=0.25,
        first_token=0.1,
        seconds=0.2,
    )
    given = replace(plain.answer, note=note, trace=replace(plain.answer.trace, generated=generated))
    return replace(plain, answer=given)


@pytest.mark.parametrize(
    ("text", "gold", "verdict"),
    [
        ("In May.", "May", Verdict.RIGHT),
        ("In June.", "May", Verdict.WRONG),
        ("", "May", Verdict.MISSED),
        ("", "", Verdict.HELD_BACK),
        ("In May.", "", Verdict.INVENTED),
    ],
    ids=["right", "wrong", "missed", "held-back", "invented"],
)
def test_a_verdict_says_what_kind_of_mistake_it_is(text: str, gold: str, verdict: Verdict) -> None:
    """And agrees with the rule for what is correct."""
    found = result("1", text, gold=gold)
    assert found.verdict is verdict
    assert found.verdict.correct is is_correct(found.case, found.answer)


def test_a_score_counts_by_kind_and_by_abstention() -> None:
    """Shares of what was asked."""
    score = Score((result("1", "May", kind="when"), result("2", "May", kind="no", gold="")))
    assert score.correct == 1
    assert score.share() == 0.5
    assert list(score.by_kind()) == [("when", 1, 1), ("no", 0, 1)]
    assert score.abstained(answerable=False) == (0, 1)


def test_figures_of_a_chat_model() -> None:
    """What it dropped, took and cost; an answer that is no answer has no citations to count."""
    results = [result(str(n), "May", seconds=n) for n in range(1, 20)]
    score = Score((*results, by_model(result("20", "", seconds=20), note="Slow.")))
    told = figures(score)
    assert told["correct"] == "19 of 20 (0.950)"
    assert told["abstained wrongly"] == "1 of 20"
    assert told["citations per answer"] == "1.0"
    assert (told["sentences dropped"], told["fell back to the built-in answerer"]) == ("1", "1")
    assert told["seconds, median / p95"] == "11.00 / 20.00"
    assert (told["tokens"], told["cost"]) == ("100", "0.2500")


def test_a_model_that_did_not_answer_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """The built-in answerer's answers are not taken for its own."""
    report_sums(Score((by_model(result("1", "May"), note="Slow."), by_model(result("2", "May")))))
    told = capsys.readouterr().out.splitlines()[-1]
    assert told.startswith(
        "chat model: 1 times the built-in answerer instead, 2 sentences dropped, 200 tokens"
    )


def test_figures_of_the_built_in_answerer_have_no_tokens() -> None:
    """Nor anything else that only a chat model has."""
    assert not {"tokens", "cost", "sentences dropped"} & figures(Score((result("1", "May"),))).keys()


def test_json_keeps_its_keys(capsys: pytest.CaptureFixture[str]) -> None:
    """Scripts rely on them; more may come."""
    report_json(Score((result("1", "May", kind="when"), result("2", "", gold=""))), {"run": "r"})
    told = json.loads(capsys.readouterr().out)
    assert {key: told[key] for key in list(told)[:8]} == {
        "questions": 2,
        "correct": 2,
        "share": 1.0,
        "abstained_rightly": 1,
        "unanswerable": 1,
        "abstained_wrongly": 0,
        "answerable": 1,
        "by_kind": {"when": [1, 1], "(no kind)": [1, 1]},
    }
    assert list(told["results"][0])[:5] == ["correct", "id", "question", "text", "abstained"]
    assert (told["run"], told["results"][1]["verdict"]) == ("r", "abstained rightly")


def test_an_answer_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Nor a question, in the report of all questions, and of what has changed."""
    evil = result("1\x1b[2J", "\x1b[2JIn May.")
    report(Score((evil,)))
    report_changes(changes(run("a", result("1\x1b[2J", "\x1b[2JJune")), run("b", evil)))
    assert "\x1b" not in capsys.readouterr().out


# ---- asking


def test_cases_are_answered_in_their_order_several_at_a_time() -> None:
    """Whichever is ready first."""
    together = Barrier(AT_ONCE, timeout=10)
    cases = [Case(id=str(n), question="q") for n in range(2 * AT_ONCE)]

    def work(case: Case) -> str:
        together.wait()
        return case.id

    assert each_case(cases, work) == [case.id for case in cases]


def test_a_stop_keeps_what_was_answered_before() -> None:
    """And begins nothing more."""
    begun = []
    never = Event()

    def work(case: Case) -> str:
        begun.append(case.id)
        if case.id == "3":
            raise KeyboardInterrupt
        if int(case.id) > 3:
            never.wait(0.05)
        return case.id

    cases = [Case(id=str(n), question="q") for n in range(1000)]
    assert each_case(cases, work) == ["0", "1", "2"]
    assert len(begun) < len(cases)


def test_a_case_that_cannot_be_asked_is_named() -> None:
    """One in a thousand must be found."""

    def work(_: Case) -> str:
        raise UserError("the question is empty: ask something")

    with pytest.raises(UserError, match="question m-07: the question is empty"):
        each_case([Case(id="m-07", question=" ")], work)


def test_a_line_of_a_question_file_may_hold_any_text(tmp_path: Path) -> None:
    """An article's sentence may have a line separator of another kind in it."""
    line = '{"question": "q", "gold_answers": ["one\u2028two\u0085three"]}'
    (tmp_path / "q.jsonl").write_bytes(f"{line}\r\n{line}\n".encode())
    assert [case.gold_answers for case in read_cases(tmp_path / "q.jsonl")] == [
        ("one\u2028two\u0085three",)
    ] * 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{}", "line 1: 'question' is missing"),
        ("no json", "line 1: not a question"),
        ('{"question": 3}', "line 1: not a question"),
        ('{"question": "q", "gold_items": "Ann"}', "lists of strings"),
        ('{"question": "q", "history": [["a"]]}', "history is a list of"),
        ("", "holds no question"),
    ],
    ids=["no-question", "no-json", "number", "items", "history", "empty"],
)
def test_a_bad_question_file_names_its_line(tmp_path: Path, line: str, message: str) -> None:
    """So that it can be mended."""
    (tmp_path / "q.jsonl").write_text(line, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        read_cases(tmp_path / "q.jsonl")


# ---- runs


SETTING = Setting(
    questions="/q/ferry.jsonl",
    questions_hash="1" * 12,
    model="fake:one",
    prompt="answer",
    prompts={"answer": "a" * 12, "abstain": "b" * 12},
    library="default",
    revision=3,
    k=8,
    threshold=0.25,
    code="",
)


def run(id_: str, *results: Result, **other: object) -> Run:
    """A run that was kept."""
    return Run(id_, replace(SETTING, **other), results)  # type: ignore[arg-type]


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """A question file."""
    file = tmp_path / "ferry.jsonl"
    file.write_text('{"id": "1", "question": "When?", "gold_answers": ["May"]}', encoding="utf-8")
    return file


def kept(folder: Path, questions: Path, *results: Result) -> Run:
    """A run of the question file as it is now."""
    return keep(folder, replace(SETTING, questions=str(questions.resolve())), results)


def test_a_kept_run_comes_back_whole(tmp_path: Path, questions: Path) -> None:
    """All but the passages: verdicts, texts, citations, what was dropped, tokens."""
    run_ = kept(tmp_path / "runs", questions, by_model(result("1", "In May."), note="Slow."), result("2", ""))
    back = find(tmp_path / "runs", run_.id, questions)
    assert back.setting == run_.setting
    assert [r.verdict for r in back.results] == [Verdict.RIGHT, Verdict.MISSED]
    assert back.results[0].answer.citations == run_.results[0].answer.citations
    assert back.results[0].answer.trace.generated == run_.results[0].answer.trace.generated
    assert back.results[0].answer.trace.passages == ()
    assert [file.name for file in (tmp_path / "runs").iterdir()] == [f"{run_.id}.json"]


def test_last_is_the_newest_run_of_the_same_questions(tmp_path: Path, questions: Path) -> None:
    """Of the file, though it has changed; not of another."""
    folder = tmp_path / "runs"
    kept(folder, questions)
    newest = kept(folder, questions)
    keep(folder, SETTING, ())
    questions.write_text("changed", encoding="utf-8")
    assert find(folder, "last", questions).id == newest.id


def test_a_run_is_found_by_the_beginning_of_its_id_or_by_its_file(tmp_path: Path, questions: Path) -> None:
    """Where only one begins so."""
    folder = tmp_path / "runs"
    first, second = kept(folder, questions, result("1", "May")), kept(folder, questions)
    assert find(folder, second.id[:-1], questions).id == second.id
    assert find(folder, str(folder / f"{first.id}.json"), questions).id == first.id
    with pytest.raises(UserError, match=f"{first.id} or {second.id}"):
        find(folder, first.id[:4], questions)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [("last", "no earlier run of .*ferry.jsonl"), ("2020", "no run is called '2020'; the newest are: 2019")],
)
def test_a_run_that_is_not_there_is_told(tmp_path: Path, questions: Path, wanted: str, message: str) -> None:
    """With what there is."""
    keep(tmp_path, SETTING, ())
    next(tmp_path.glob("*.json")).rename(tmp_path / "2019.json")
    with pytest.raises(UserError, match=message):
        find(tmp_path, wanted, questions)


def test_a_file_that_is_no_run_is_refused(tmp_path: Path, questions: Path) -> None:
    """Not taken for one without questions."""
    (tmp_path / "2026.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UserError, match=r"2026\.json is no run"):
        find(tmp_path, "2026", questions)


def test_a_run_that_cannot_be_kept_is_not_lost(
    tmp_path: Path, questions: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It may have been paid for: its results are there, and the log says why there is no file."""
    (tmp_path / "runs").write_text("a file", encoding="utf-8")
    run_ = kept(tmp_path / "runs", questions, result("1", "In May."))
    assert [each.case.id for each in run_.results] == ["1"]
    assert "cannot be kept" in caplog.text


def test_two_runs_are_compared_question_by_question(capsys: pytest.CaptureFixture[str]) -> None:
    """The broken ones are printed first, with both texts."""
    before = run(
        "a", result("1", "May"), result("2", "June"), result("3", "May"), result("4", "June"), result("5", "")
    )
    now = run(
        "b",
        result("1", "June"),
        result("2", "May"),
        result("3", "In May"),
        result("4", ""),
        result("6", "May"),
    )
    found = changes(before, now)
    assert changes_as_json(found) == {
        "run": "a",
        "settings": (),
        "broken": ["1"],
        "fixed": ["2"],
        "still_right": 1,
        "still_wrong": 1,
        "new": ["6"],
        "gone": ["5"],
    }
    report_changes(found)
    text = capsys.readouterr().out
    assert text.startswith(
        "against a: the same setting\n1 broken, 1 fixed, 1 still right, 1 still wrong, 1 new, 1 gone"
    )
    broken = text[text.index("BROKEN") : text.index("fixed  2")]
    assert re.search(r"before: May \(right\)\s+now: +June \(wrong\)", broken)


def test_an_earlier_answer_is_judged_by_what_is_expected_now() -> None:
    """Who mends a case does not break or fix an answer."""
    assert changes(run("a", result("1", "May", gold="June")), run("b", result("1", "May"))).still_right == 1


def test_another_question_of_the_same_id_is_a_new_one() -> None:
    """Its answers have nothing to do with each other."""
    now = result("1", "May")
    other = replace(now, case=replace(now.case, question="Where?"))
    found = changes(run("a", other), run("b", now))
    assert (found.new, found.gone) == ((now,), (other,))


def test_what_differs_in_the_setting_is_told() -> None:
    """A prompt that was changed under its name, another model, a library with other articles, other cases."""
    other = {
        "model": "fake:two",
        "revision": 5,
        "questions_hash": "2" * 12,
        "prompts": {"answer": "c" * 12, "abstain": "b" * 12},
    }
    assert changes(run("a"), run("b", **other)).settings == (
        "the question file has changed",
        "model fake:one → fake:two",
        "revision 3 → 5",
        "prompts/answer.md aaaaaaaaaaaa → cccccccccccc",
    )


# ---- with a real chain


@pytest.fixture
def chain(tmp_path: Path, answerer: BuiltIn) -> Chain:
    """The built-in answerer over one article."""
    library = open_fake(tmp_path / "data")
    ferry = "The new ferry opens in May. It was built by Anna Berg in Hamburg. Tickets cost five euros."
    store_all(library, write(tmp_path / "articles", ferry=ferry))
    return Chain(library, Prompts(), answerer)


def ask_all(chain: Chain, cases: list[Case]) -> tuple[Result, ...]:
    """As `eval` does."""
    return tuple(each_case(cases, lambda case: judged(case, chain.answer(case.question, case.history))))


CASES = [
    Case(id="1", question="When does the ferry open?", gold_answers=("May",)),
    Case(id="2", question="Who built the ferry?", gold_answers=("Anna Berg",)),
    Case(id="3", question="Who won the football match?", answerable=False),
    Case(id="4", question="Where was the ferry built?", gold_answers=("Hamburg",)),
]


def test_several_at_a_time_are_answered_as_one_after_another(chain: Chain) -> None:
    """The same texts, quotes and likelihoods."""
    cases = CASES * 5

    def told(answer: Answer) -> tuple[object, ...]:
        return answer.text, answer.citations, answer.trace.likelihood

    alone = [told(chain.answer(case.question)) for case in cases]
    assert [told(result.answer) for result in ask_all(chain, cases)] == alone


def test_the_setting_names_what_answers(chain: Chain, questions: Path) -> None:
    """Every prompt that is read by its hash; the threshold in force; nothing of a chat model without one."""
    plain = setting(chain, questions)
    assert (plain.model, plain.prompt, plain.prompts.keys()) == ("builtin", "", {"abstain"})
    assert (plain.revision, plain.threshold) == (1, chain.built_in.verifier.threshold)
    check = CitationCheck(lambda: chain.built_in.reader)
    generator = Generator(
        ScriptedModel("fake:one", lambda _: "UNKNOWN"), chain.prompts, check, prices=Prices(1, 1)
    )
    with_model = setting(replace(chain, generator=generator, threshold=0.5), questions)
    assert (with_model.model, with_model.prompt, with_model.threshold) == ("fake:one", "answer", 0.5)
    assert with_model.prompts["answer"] == chain.prompts.load("answer").hash
    assert with_model.prompts.keys() == {"abstain", "answer", "condense"}


def test_what_a_lower_threshold_would_say_is_asked_for_the_picture(chain: Chain) -> None:
    """Of an answer that was held back; one that was given stays."""
    careful = replace(chain, threshold=0.999)
    held_back = ask_all(careful, CASES[:1])[0]
    assert held_back.verdict is Verdict.MISSED
    assert bolder(careful, held_back).verdict is Verdict.RIGHT
    given = ask_all(chain, CASES[:1])[0]
    assert bolder(chain, given) is given


def test_risk_rises_with_coverage() -> None:
    """Answers in the order of their likelihood; those alike are one step; an abstention covers nothing."""
    results = [
        result("1", "May", likelihood=0.9),
        result("2", "June", likelihood=0.5),
        result("3", "May", likelihood=0.5),
        result("4", "", likelihood=0.4),
    ]
    assert [(p.likelihood, p.coverage, p.risk) for p in curve(results)] == [
        (0.9, 0.25, 0.0),
        (0.5, 0.75, 1 / 3),
    ]


# ---- the HTML report


EVIL = "<script>alert(1)</script><img src=http://a.example/x>\x00\x1b\ud800 &amp; \u202e In May."


def page(tmp_path: Path, *results: Result, before: Run | None = None) -> tuple[str, html.HtmlElement]:
    """The report of these results, as text and parsed."""
    now = run("now", *results, model="builtin", prompt="")
    file = tmp_path / "report.html"
    write_evaluation(file, now, curve(results), changes(before, now) if before else None)
    text = file.read_text(encoding="utf-8")
    return text, html.fromstring(text)


def words(element: html.HtmlElement) -> str:
    """Its text on one line."""
    return " ".join(element.text_content().split())


def test_the_report_fetches_nothing(tmp_path: Path) -> None:
    """No address anywhere but in text, and a policy that forbids it."""
    _, tree = page(tmp_path, by_model(result("1", EVIL)), result("2", ""))
    elements = list(tree.iter())
    assert not {"link", "img", "iframe", "object", "base"} & {e.tag for e in elements}
    assert not [e.attrib for e in elements if {"src", "href", "onclick", "action"} & set(e.attrib)]
    assert "url(" not in tree.findtext(".//style")
    assert "default-src 'none'" in tree.xpath("//meta[@http-equiv]/@content")[0]


def test_the_report_escapes_what_others_wrote(tmp_path: Path) -> None:
    """Answer, question, quote, title, dropped sentence; characters that HTML cannot hold are left out."""
    evil = by_model(result("1", EVIL))
    case = replace(evil.case, question=EVIL, kind=EVIL, gold_answers=(EVIL, "May"), history=((EVIL, EVIL),))
    quote = replace(evil.answer.citations[0], quote=EVIL, title=EVIL)
    evil = judged(case, replace(evil.answer, citations=(quote,), note=EVIL))
    _, tree = page(
        tmp_path, evil, before=run("before", replace(evil, answer=replace(evil.answer, abstained=True)))
    )
    assert len(tree.findall(".//script")) == 1
    assert tree.find(".//img") is None
    assert tree.find(".//b") is None
    assert tree.text_content().count("<script>alert(1)</script>") > 8


def test_the_numbers_of_the_report_are_those_of_the_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tiles, bars, filters and rows."""
    results = (
        result("1", "May", kind="when"),
        result("2", "June", kind="when"),
        result("3", "", kind="who"),
        result("4", "May", kind="no", gold=""),
        result("5", "", kind="no", gold=""),
    )
    _, tree = page(tmp_path, *results)
    report_json(Score(results), {})
    told = json.loads(capsys.readouterr().out)
    tiles = {words(div[0]): words(div[1]) for div in tree.xpath("//dl/div")}
    assert tiles["correct"] == f"{told['correct']} of {told['questions']} ({told['share']:.3f})"
    assert tiles["invented"] == str(told["invented"]) == "1"
    assert tiles["abstained wrongly"] == f"{told['abstained_wrongly']} of {told['answerable']}"
    kinds = {words(row[0]): words(row[2]) for row in tree.xpath("//table[@class='kinds']//tr")}
    assert kinds == {kind: f"{c} of {n}" for kind, (c, n) in told["by_kind"].items()}
    rows = tree.xpath("//tr[@data-is]/@data-is")
    assert rows == [each["verdict"] for each in told["results"]]
    for button in tree.findall(".//button"):
        shown = button.get("data-show").split("|")
        count = len(rows) if shown == [""] else sum(row in shown for row in rows)
        assert words(button).endswith(f"({count})")


def test_the_picture_marks_the_threshold(tmp_path: Path) -> None:
    """Solid up to it, dotted beyond, and the same numbers in words."""
    results = [result("1", "May", likelihood=0.9), result("2", "June", likelihood=0.5)]
    _, tree = page(tmp_path, *results, result("3", "", likelihood=0.1))
    solid, dotted = tree.xpath("//polyline")
    assert (len(solid.get("points").split()), solid.get("class")) == (2, "curve")
    assert (len(dotted.get("points").split()), dotted.get("class")) == (1, "curve bolder")
    assert solid.get("points").split()[-1] == "{},{}".format(*tree.xpath("//circle/@cx | //circle/@cy"))
    assert "threshold 0.25" in words(tree.find(".//svg"))
    assert words(tree.find(".//figcaption")).startswith("2 of 3 questions answered, 1 of these wrongly")


def test_a_report_of_abstentions_has_no_curve(tmp_path: Path) -> None:
    """There is nothing to draw."""
    _, tree = page(tmp_path, result("1", ""))
    assert tree.find(".//svg") is None


def test_what_was_broken_comes_before_all_else(tmp_path: Path) -> None:
    """With both texts, and what differs marked."""
    before = run("before", result("1", "It opens in May."), result("2", "It opens in June."))
    _, tree = page(tmp_path, result("1", "It opens in June."), result("2", "It opens in May."), before=before)
    assert [words(h) for h in tree.findall(".//h2")][:3] == ["Against before", "Broken", "Fixed"]
    broken = tree.find(".//article")
    assert [words(mark) for mark in broken.findall(".//mark")] == ["May.", "June."]


def test_a_report_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """In one line."""
    with pytest.raises(UserError, match="cannot be written"):
        page(tmp_path / "nowhere", result("1", "May"))
