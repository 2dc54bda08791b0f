"""How many questions of a question file are answered rightly, by a rule that leaves nothing to judgement."""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import track

from bot.answering.datatypes import Answer, Turn
from bot.terminal.show import printable
from vectorstore.datatypes import UserError

AT_ONCE = 2  # questions: 1.4 times as fast as one on two cores, three are slower: benchmarks.eval_speed
_FOLD = str.maketrans(
    {"’": "'", "‘": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-", "\u00a0": " "}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A line of a question file."""

    id: str
    question: str
    kind: str = ""
    gold_answers: tuple[str, ...] = ()
    gold_items: tuple[str, ...] = ()
    answerable: bool = True
    history: tuple[Turn, ...] = ()


def read_cases(path: Path) -> list[Case]:
    """The cases of a file. Raises UserError naming the line that cannot be used."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split(
            "\n"
        )  # an article's sentence may hold other line ends
    except OSError as error:
        raise UserError(f"{path} cannot be read ({(error.strerror or '').lower()})") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text") from error
    cases = [_case(line, f"{path}, line {n}", n) for n, line in enumerate(lines, 1) if line.strip()]
    if not cases:
        raise UserError(f"{path} holds no question")
    return cases


def is_correct(case: Case, answer: Answer) -> bool:
    """Every gold item in the answer, or without items any gold answer; an abstention where there is none.

    Upper and lower case and typographic quotation marks are alike.
    """
    if not case.answerable or answer.abstained:
        return answer.abstained and not case.answerable
    text = fold(answer.text)
    if case.gold_items:
        return all(fold(item) in text for item in case.gold_items)
    return any(fold(gold) in text for gold in case.gold_answers)


def fold(text: str) -> str:
    """Text as it is compared."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text).translate(_FOLD)).casefold().strip()


def asked_in_a_line(case: Case) -> str:
    """Id and question for a terminal: a case may be what a stranger asked."""
    return printable(f"{case.id:8} {' '.join(case.question.split())}").strip()


class Verdict(StrEnum):
    """What an answer is worth."""

    RIGHT = "right"
    HELD_BACK = "abstained rightly"
    WRONG = "wrong"
    INVENTED = "invented"  # answered though nothing answers
    MISSED = "abstained wrongly"

    @property
    def correct(self) -> bool:
        """Whether it counts as a correct answer."""
        return self in {Verdict.RIGHT, Verdict.HELD_BACK}


@dataclass(frozen=True, slots=True)
class Result:
    """A case, how it was answered, and what that is worth."""

    case: Case
    answer: Answer
    verdict: Verdict


def judged(case: Case, answer: Answer) -> Result:
    """An answer with its verdict."""
    if answer.abstained:
        verdict = Verdict.MISSED if case.answerable else Verdict.HELD_BACK
    elif not case.answerable:
        verdict = Verdict.INVENTED
    else:
        verdict = Verdict.RIGHT if is_correct(case, answer) else Verdict.WRONG
    return Result(case, answer, verdict)


T = TypeVar("T")


def each_case(cases: Sequence[Case], work: Callable[[Case], T]) -> list[T]:
    """What `work` makes of each case, in their order, two at a time: one computes while the other waits.

    Ctrl-C ends it with the cases before. Raises UserError naming a case that cannot be answered.
    """

    def one(case: Case) -> T:
        try:
            return work(case)
        except UserError as error:
            raise UserError(f"question {case.id}: {error}" if case.id else str(error)) from error

    done: list[T] = []
    console = Console(stderr=True)
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="case")
    try:
        for result in track(
            pool.map(one, cases),
            "asking",
            total=len(cases),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        ):
            done.append(result)  # noqa: PERF402  (a list would be lost when it is stopped)
    except KeyboardInterrupt:
        if not done:
            raise
    finally:
        pool.shutdown(cancel_futures=True)
    return done


def _case(line: str, where: str, number: int) -> Case:
    try:
        fields = json.loads(line)
        return Case(
            id=str(fields.get("id", number)),
            question=fields["question"].strip(),
            kind=str(fields.get("kind", "")),
            gold_answers=_strings(fields.get("gold_answers")),
            gold_items=_strings(fields.get("gold_items")),
            answerable=bool(fields.get("answerable", True)),
            history=history(fields.get("history")),
        )
    except KeyError as error:
        raise UserError(f"{where}: {error} is missing") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{where}: not a question ({error})") from error


def _strings(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise TypeError("gold_answers and gold_items are lists of strings")
    return tuple(value)


def history(value: object) -> tuple[Turn, ...]:
    """Pairs of question and answer. Raises TypeError for anything else."""
    if value is None:
        return ()
    if not isinstance(value, Iterable) or isinstance(value, str | dict):
        raise TypeError("history is a list of [question, answer] pairs")
    turns = []
    for turn in value:
        if not isinstance(turn, list) or len(turn) != 2 or not all(isinstance(each, str) for each in turn):
            raise TypeError("history is a list of [question, answer] pairs")
        turns.append((turn[0], turn[1]))
    return tuple(turns)
