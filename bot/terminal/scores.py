"""What the results of a question file add up to, for people and as JSON."""

import json
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.terminal.evaluate import Result, Verdict, asked_in_a_line
from bot.terminal.show import as_json, printable


@dataclass(frozen=True, slots=True)
class Score:
    """Counts over the results of a question file."""

    results: tuple[Result, ...]

    @property
    def correct(self) -> int:
        """How many answers are right."""
        return sum(result.verdict.correct for result in self.results)

    def share(self) -> float:
        """Correct answers over questions."""
        return self.correct / len(self.results)

    def count(self, verdict: Verdict) -> int:
        """How many answers have a verdict."""
        return sum(result.verdict is verdict for result in self.results)

    def by_kind(self) -> Iterator[tuple[str, int, int]]:
        """Kind, correct, questions."""
        asked = Counter(result.case.kind for result in self.results)
        right = Counter(result.case.kind for result in self.results if result.verdict.correct)
        for kind, questions in asked.items():
            yield kind or "(no kind)", right[kind], questions

    def abstained(self, *, answerable: bool) -> tuple[int, int]:
        """How many of the answerable, or of the unanswerable, questions got no answer."""
        flags = [r.answer.abstained for r in self.results if r.case.answerable is answerable]
        return sum(flags), len(flags)

    @property
    def citations(self) -> float:
        """Footnotes of an answer, on average."""
        counts = [len(r.answer.citations) for r in self.results if not r.answer.abstained]
        return statistics.fmean(counts) if counts else 0.0

    @property
    def by_model(self) -> bool:
        """Whether a chat model was asked."""
        return any(r.answer.trace.generated or r.answer.note for r in self.results)

    @property
    def dropped(self) -> int:
        """Sentences of a chat model that the citation check took out."""
        return sum(len(g.dropped) for r in self.results if (g := r.answer.trace.generated))

    @property
    def fell_back(self) -> int:
        """How often the built-in answerer answered in the chat model's place."""
        return sum(bool(result.answer.note) for result in self.results)

    def seconds(self, share: float) -> float:
        """How long an answer takes at most in a share of the questions: .5 for the median."""
        ordered = sorted(result.answer.seconds for result in self.results)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)]

    @property
    def tokens(self) -> int:
        """Read and written by a chat model."""
        return sum(g.tokens_in + g.tokens_out for r in self.results if (g := r.answer.trace.generated))

    @property
    def cost(self) -> float:
        """Of the tokens, by the prices that are set."""
        return sum(g.cost for r in self.results if (g := r.answer.trace.generated))


def figures(score: Score) -> dict[str, str]:
    """The figures of a table: what -> how much."""
    asked = len(score.results)
    told = {
        "correct": f"{score.correct} of {asked} ({score.share():.3f})",
        "abstained rightly": "{} of {}".format(*score.abstained(answerable=False)),
        "abstained wrongly": "{} of {}".format(*score.abstained(answerable=True)),
        "wrong": str(score.count(Verdict.WRONG)),
        "invented": str(score.count(Verdict.INVENTED)),
        "citations per answer": f"{score.citations:.1f}",
        "sentences dropped": str(score.dropped),
        "fell back to the built-in answerer": str(score.fell_back),
        "seconds, median / p95": f"{score.seconds(0.5):.2f} / {score.seconds(0.95):.2f}",
        "tokens": f"{score.tokens:,}",
        "cost": f"{score.cost:.4f}",
    }
    of_models = ("sentences dropped", "fell back to the built-in answerer", "tokens", "cost")
    if not score.by_model:
        return {what: figure for what, figure in told.items() if what not in of_models}
    return told


def report(score: Score) -> None:
    """Print the score for people: every question, then the sums."""
    for result in score.results:
        mark = "ok  " if result.verdict.correct else "MISS"
        print(f"{mark} {asked_in_a_line(result.case)}")
        print(f"              {printable(' '.join(result.answer.text.split())[:160])}")
    print()
    report_sums(score)


def report_sums(score: Score) -> None:
    """Print the sums."""
    for kind, correct, questions in score.by_kind():
        print(f"{kind:14} {correct:4} of {questions}")
    told = [" of ".join(map(str, score.abstained(answerable=flag))) for flag in (False, True)]
    print(f"{'correct':14} {score.correct:4} of {len(score.results)}  ({score.share():.3f})")
    print(f"abstained: {told[0]} unanswerable questions, {told[1]} answerable ones")
    if score.by_model:
        print(
            f"chat model: {score.fell_back} times the built-in answerer instead, {score.dropped} sentences ",
            end="",
        )
        print(f"dropped, {score.tokens:,} tokens, cost {score.cost:.4f}")


def report_json(score: Score, more: Mapping[str, object]) -> None:
    """Print the score as one JSON object."""
    print(json.dumps({**sums(score), **more, "results": results_as_json(score.results)}, ensure_ascii=False))


def sums(score: Score) -> dict[str, object]:
    """The sums as JSON has them."""
    right, unanswerable = score.abstained(answerable=False)
    wrong, answerable = score.abstained(answerable=True)
    return {
        "questions": len(score.results),
        "correct": score.correct,
        "share": round(score.share(), 4),
        "abstained_rightly": right,
        "unanswerable": unanswerable,
        "abstained_wrongly": wrong,
        "answerable": answerable,
        "by_kind": {kind: [correct, questions] for kind, correct, questions in score.by_kind()},
        "wrong": score.count(Verdict.WRONG),
        "invented": score.count(Verdict.INVENTED),
        "citations_per_answer": round(score.citations, 4),
        "dropped": score.dropped,
        "fell_back": score.fell_back,
        "seconds_median": round(score.seconds(0.5), 4),
        "seconds_p95": round(score.seconds(0.95), 4),
        "tokens": score.tokens,
        "cost": round(score.cost, 6),
    }


def results_as_json(results: Sequence[Result]) -> list[dict[str, object]]:
    """Each answer as `ask --json` has it, and whether it is correct."""
    return [
        {"correct": r.verdict.correct, **json.loads(as_json(r.answer, r.case.id)), "verdict": r.verdict}
        for r in results
    ]
