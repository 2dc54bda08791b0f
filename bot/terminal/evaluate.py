"""How many questions of a question file are answered rightly, by a rule that leaves nothing to judgement."""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.answering.datatypes import Answer, Turn
from bot.terminal.show import as_json
from vectorstore.datatypes import UserError

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
        lines = path.read_text(encoding="utf-8-sig").splitlines()
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


@dataclass(frozen=True, slots=True)
class Score:
    """Counts over a question file."""

    results: tuple[tuple[Case, Answer], ...]

    @property
    def correct(self) -> int:
        """How many answers are right."""
        return sum(is_correct(case, answer) for case, answer in self.results)

    def share(self) -> float:
        """Correct answers over questions."""
        return self.correct / len(self.results)

    def by_kind(self) -> Iterator[tuple[str, int, int]]:
        """Kind, correct, questions."""
        kinds = dict.fromkeys(case.kind for case, _ in self.results)
        for kind in kinds:
            of_kind = [is_correct(case, answer) for case, answer in self.results if case.kind == kind]
            yield kind or "(no kind)", sum(of_kind), len(of_kind)

    def abstained(self, *, answerable: bool) -> tuple[int, int]:
        """How many of the answerable, or of the unanswerable, questions got no answer."""
        flags = [answer.abstained for case, answer in self.results if case.answerable is answerable]
        return sum(flags), len(flags)


def report(score: Score) -> None:
    """Print the score for people: every question, then the sums."""
    for case, answer in score.results:
        mark = "ok  " if is_correct(case, answer) else "MISS"
        print(f"{mark} {case.id:8} {case.question}\n              {' '.join(answer.text.split())[:160]}")
    print()
    for kind, correct, questions in score.by_kind():
        print(f"{kind:14} {correct:4} of {questions}")
    told = [
        (" ".join(map(str, score.abstained(answerable=flag))).replace(" ", " of ")) for flag in (False, True)
    ]
    print(f"{'correct':14} {score.correct:4} of {len(score.results)}  ({score.share():.3f})")
    print(f"abstained: {told[0]} unanswerable questions, {told[1]} answerable ones")


def report_json(score: Score) -> None:
    """Print the score as one JSON object."""
    right, unanswerable = score.abstained(answerable=False)
    wrong, answerable = score.abstained(answerable=True)
    told = {
        "questions": len(score.results),
        "correct": score.correct,
        "share": round(score.share(), 4),
        "abstained_rightly": right,
        "unanswerable": unanswerable,
        "abstained_wrongly": wrong,
        "answerable": answerable,
        "by_kind": {kind: [correct, questions] for kind, correct, questions in score.by_kind()},
        "results": [
            {"correct": is_correct(case, answer), **json.loads(as_json(answer, case.id))}
            for case, answer in score.results
        ],
    }
    print(json.dumps(told, ensure_ascii=False))


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
