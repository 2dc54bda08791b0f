"""Cases from answers: what is written, and that the score can read it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import answer
from typer.testing import CliRunner

from bot.answering.datatypes import Answer, Generated
from bot.database import Database
from bot.terminal.cases import Gold, app, as_case, write
from bot.terminal.evaluate import is_correct, read_cases
from vectorstore.datatypes import UserError

LIST = "the red ferry [1]; the blue ferry [2]"


def test_a_right_answer_becomes_a_case_that_it_passes(tmp_path: Path) -> None:
    """With its quotes as evidence."""
    file = tmp_path / "new" / "q.jsonl"
    assert write(as_case("When does  it\nopen?", answer(), (), Gold.of(answer())), file) == 1
    (case,) = read_cases(file)
    assert is_correct(case, answer())
    line = json.loads(file.read_text(encoding="utf-8"))
    assert line == {
        "id": case.id,
        "kind": "when",
        "question": "When does it open?",
        "gold_answers": ["In May."],
        "gold_items": [],
        "evidence": ["It opens in May."],
        "answerable": True,
    }
    assert case.id.startswith("when-does-it-open-")


@pytest.mark.parametrize(
    ("shown", "gold", "right", "evidence"),
    [
        (answer(LIST), Gold.of(answer(LIST)), True, ["It opens in May."]),
        (answer("In June."), Gold.told("in May"), False, ["It opens in May."]),
        (answer("In June."), Gold.told("in July"), False, []),
        (answer("In May or June."), Gold.told("May; June"), True, ["It opens in May."]),
        (answer("In June."), Gold(), False, []),
        (answer("I do not know.", abstained=True), Gold.of(answer(abstained=True)), True, []),
    ],
    ids=["list", "wrong", "nowhere", "items", "invented", "abstained"],
)
def test_what_is_right_is_kept_as_the_score_reads_it(
    tmp_path: Path, shown: Answer, gold: Gold, right: bool, evidence: list[str]
) -> None:
    """Any of the answers, all of the items, or nothing; evidence only for what is right."""
    case = as_case("When does the ferry open?", shown, (), gold)
    write(case, tmp_path / "q.jsonl")
    (read,) = read_cases(tmp_path / "q.jsonl")
    assert is_correct(read, shown) is right
    assert case["evidence"] == evidence
    assert read.answerable is bool(gold.answers or gold.items)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Is it open?", "yes-no"),
        ("Which boats are there?", "list"),
        ("Who swims?", "who"),
        ("Boats?", "other"),
    ],
)
def test_a_case_says_its_kind(question: str, kind: str) -> None:
    """As question files do."""
    assert as_case(question, answer(), (), Gold(answers=("x",)))["kind"] == kind


def test_the_conversation_is_kept_where_the_question_needs_it(tmp_path: Path) -> None:
    """With the question as it was understood."""
    turns = (("Who built the ferry?", "Ann"),)
    told = answer()
    told = replace(told, trace=replace(told.trace, read_as="When was the ferry built?"))
    gold = Gold.of(told)
    write(as_case("And when was it built?", told, turns, gold), tmp_path / "q.jsonl")
    write(as_case("Who built the harbour?", told, turns, gold), tmp_path / "q.jsonl")
    follow_up, alone = read_cases(tmp_path / "q.jsonl")
    assert (follow_up.history, follow_up.kind) == (turns, "follow-up")
    assert alone.history == ()
    first = json.loads((tmp_path / "q.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert first["standalone"] == "When was the ferry built?"


def test_the_same_question_is_refused(tmp_path: Path) -> None:
    """By its id, or, in a file that was written by hand, by its words; what is there stays as it is."""
    file = tmp_path / "q.jsonl"
    written = '{"id": "m-01", "question": "When does it open?"}'  # and no end of line
    file.write_text(written, encoding="utf-8")
    with pytest.raises(UserError, match="has this question already, as m-01"):
        write(as_case("when does it OPEN?", answer(), (), Gold()), file)
    assert file.read_text(encoding="utf-8") == written
    write(as_case("Who opens it?", answer(), (), Gold()), file)
    assert [case.question for case in read_cases(file)] == ["When does it open?", "Who opens it?"]


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    """Nothing is added to it."""
    (tmp_path / "q.jsonl").write_text("# questions\n", encoding="utf-8")
    with pytest.raises(UserError, match="line 1: not a question"):
        write(as_case("When?", answer(), (), Gold()), tmp_path / "q.jsonl")
    with pytest.raises(UserError, match="cannot be written"):
        write(as_case("When?", answer(), (), Gold()), tmp_path / "q.jsonl" / "under.jsonl")


# ---- from Discord


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of three answers, of which the first two are disliked."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FOOTNOTE_DATA", str(tmp_path))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    database = Database(f"sqlite:///{tmp_path / 'footnote.db'}")
    follow_up = replace(answer(), question="And when?")
    generated = Generated(
        model="fake:one",
        prompt="answer",
        prompt_hash="0123456789ab",
        raw="In May. [1]",
        dropped=(),
        tokens_in=1,
        tokens_out=1,
        cost=0,
        first_token=0,
        seconds=0,
    )
    trace = replace(follow_up.trace, read_as="When was the ferry built?", generated=generated)
    follow_up = replace(follow_up, answerer="fake:one", trace=trace)
    shown = [replace(answer(), question="When does the ferry open?"), follow_up, answer("In July.")]
    numbers = [database.record(each, guild_id="111", member_id="4242") for each in shown]
    database.vote(numbers[0], "4242", good=False, comment="it is June")
    database.vote(numbers[0], "4343", good=False)
    database.vote(numbers[1], "4343", good=False)
    database.vote(numbers[2], "4343", good=True, comment="thanks")
    database.close()
    return numbers


def run(*words: str) -> tuple[int, str]:
    """`python -m bot cases …`: exit code and what it prints, or the error."""
    done = CliRunner().invoke(app, list(words), catch_exceptions=True)
    return done.exit_code, done.output + (str(done.exception) if done.exit_code == 1 else "")


def test_disliked_answers_are_listed_the_newest_first(kept: list[int]) -> None:
    """With what was wrong, and without a member's id."""
    code, told = run("list")
    assert code == 0
    assert told.index(f"{kept[1]} ") < told.index(f"{kept[0]} ")
    assert "👎 it is June" in told
    assert "In July." not in told
    assert "4242" not in told
    assert "4343" not in told


def test_the_list_as_json(kept: list[int]) -> None:
    """For scripts."""
    newest, first = json.loads(run("list", "--json")[1])
    assert (newest["number"], first["number"]) == (kept[1], kept[0])
    assert (first["question"], first["comments"]) == ("When does the ferry open?", ["it is June"])
    assert (first["answerer"], first["prompt"]) == ("builtin", "")
    assert (newest["answerer"], newest["prompt"], newest["prompt_hash"]) == (
        "fake:one",
        "answer",
        "0123456789ab",
    )
    assert not {"member_id", "guild_id"} & first.keys()


def test_only_the_newest_are_listed_unless_all_are_asked_for(kept: list[int], tmp_path: Path) -> None:
    """Twenty fit a terminal."""
    database = Database(f"sqlite:///{tmp_path / 'footnote.db'}")
    for _ in range(20):
        database.vote(database.record(answer(), guild_id="1", member_id="2"), "2", good=False)
    database.close()
    assert len(json.loads(run("list", "--json")[1])) == 20
    assert len(json.loads(run("list", "--json", "--all")[1])) == 22


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--right"], ((("In May."),), (), True)),
        (["--gold", "in June", "--gold", "June"], (("in June", "June"), (), True)),
        (["--item", "June", "--item", "6th"], ((), ("June", "6th"), True)),
        (["--none"], ((), (), False)),
    ],
    ids=["right", "gold", "items", "none"],
)
def test_a_disliked_answer_becomes_a_case(
    kept: list[int], options: list[str], told: tuple[tuple[str, ...], tuple[str, ...], bool]
) -> None:
    """With what would have been right."""
    code, said = run("add", str(kept[0]), "q.jsonl", *options)
    assert (code, "in q.jsonl (1 case)" in said) == (0, True)
    (case,) = read_cases(Path("q.jsonl"))
    assert case.question == "When does the ferry open?"
    assert (case.gold_answers, case.gold_items, case.answerable) == told
    assert "has this question already" in run("add", str(kept[0]), "q.jsonl", "--none")[1]


def test_a_follow_up_is_kept_as_it_was_understood(kept: list[int]) -> None:
    """The turns before it are not kept."""
    run("add", str(kept[1]), "q.jsonl", "--none")
    assert read_cases(Path("q.jsonl"))[0].question == "When was the ferry built?"


def test_adding_needs_one_verdict_and_a_disliked_answer(kept: list[int]) -> None:
    """Nothing is written otherwise."""
    assert run("add", str(kept[0]), "q.jsonl")[0] == 2
    assert run("add", str(kept[0]), "q.jsonl", "--right", "--none")[0] == 2
    assert "no answer 99 has a 👎" in run("add", "99", "q.jsonl", "--none")[1]
    assert f"no answer {kept[2]} has a 👎" in run("add", str(kept[2]), "q.jsonl", "--none")[1]
    assert not Path("q.jsonl").exists()


def test_without_a_database_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And makes none."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FOOTNOTE_DATA", str(tmp_path))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert "nothing was answered in Discord yet" in run("list")[1]
    assert list(tmp_path.iterdir()) == []
