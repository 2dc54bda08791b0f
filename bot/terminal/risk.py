"""Risk and coverage: the more questions are answered, the more of the answers are wrong."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from bot.answering.chain import Chain
from bot.terminal.evaluate import Result, judged


@dataclass(frozen=True, slots=True)
class Point:
    """What would be if the answers of at least a likelihood were given, and no other."""

    likelihood: float
    coverage: float  # questions answered, of all
    risk: float  # answers that are wrong, of those given


def bolder(chain: Chain, result: Result) -> Result:
    """What the built-in answerer would have said instead of abstaining, had the threshold been low enough."""
    if not result.answer.abstained or chain.generator is not None:
        return result
    case, least = result.case, result.answer.trace.likelihood
    return judged(case, chain.answer(case.question, case.history, threshold=least))


def curve(results: Iterable[Result]) -> list[Point]:
    """A point for each likelihood that an answer has, from the most cautious to the boldest."""
    every = list(results)
    given = [(r.answer.trace.likelihood, r.verdict.correct) for r in every if not r.answer.abstained]
    points, answered, wrong = [], 0, 0
    for likelihood, group in groupby(sorted(given, reverse=True), key=lambda pair: pair[0]):
        flags = [correct for _, correct in group]
        answered += len(flags)
        wrong += flags.count(False)
        points.append(Point(likelihood, answered / len(every), wrong / answered))
    return points
