"""Several answerers on a question file: figures, and the questions that they answer differently."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.answering.chain import Chain
from bot.answering.generating import Generator
from bot.terminal.compare import answers_by, side_by_side
from bot.terminal.evaluate import Case, Result, asked_in_a_line, judged
from bot.terminal.scores import Score, figures, results_as_json, sums
from bot.terminal.show import as_json


@dataclass(frozen=True, slots=True)
class Row:
    """A question, and what each answerer made of the same passages."""

    results: tuple[Result, ...]

    @property
    def differs(self) -> bool:
        """Whether the texts are not all the same."""
        return len({result.answer.text for result in self.results}) > 1

    @property
    def matters(self) -> bool:
        """Whether one is right and another is not."""
        return len({result.verdict.correct for result in self.results}) > 1


@dataclass(frozen=True, slots=True)
class Comparison:
    """Answerers, and a row for each question."""

    title: str
    names: tuple[str, ...]
    rows: tuple[Row, ...]
    scored: bool  # whether it is known what is right

    def scores(self) -> list[Score]:
        """Of each answerer."""
        return [Score(column) for column in zip(*(row.results for row in self.rows), strict=True)]

    def figures(self) -> list[dict[str, str]]:
        """Of each answerer, for a table."""
        return [figures(score) for score in self.scores()]


def row(names: Sequence[str], chain: Chain, case: Case, open_: Callable[[str], Generator | None]) -> Row:
    """A question answered by all; a follow-up is put into words the built-in way, the same for all."""
    asked = chain.retrieve(case.question, case.history)
    return Row(tuple(judged(case, answer) for _, answer in answers_by(names, chain, asked, open_)))


def report_comparison(comparison: Comparison, console: Console) -> None:
    """Print the figures, and side by side what is answered differently, what matters first."""
    if comparison.scored:
        console.print(_table(comparison))
    differing = sorted((row for row in comparison.rows if row.differs), key=lambda row: not row.matters)
    for each in differing if comparison.scored else comparison.rows:
        case = each.results[0].case
        console.print()
        console.rule(Text(asked_in_a_line(case)), align="left", style="dim")
        labels = [
            f"{name}: {result.verdict}" if comparison.scored else name
            for name, result in zip(comparison.names, each.results, strict=True)
        ]
        side_by_side(list(zip(labels, (r.answer for r in each.results), strict=True)), console)
    if comparison.scored and not differing:
        console.print("\nall answer the same")


def comparison_as_json(comparison: Comparison) -> str:
    """The figures and the answers of each answerer; only the answers of a question without a case."""
    told = []
    for name, score in zip(comparison.names, comparison.scores(), strict=True):
        if comparison.scored:
            told.append({"name": name, **sums(score), "results": results_as_json(score.results)})
        else:
            told.append({"name": name, "results": [json.loads(as_json(r.answer)) for r in score.results]})
    return json.dumps(told, ensure_ascii=False)


def _table(comparison: Comparison) -> Table:
    columns = comparison.figures()
    table = Table(box=None, pad_edge=False, header_style="bold cyan")
    table.add_column("")
    for name in comparison.names:
        table.add_column(Text(name), overflow="fold")
    for what in max(columns, key=len):
        table.add_row(what, *(column.get(what, "–") for column in columns))
    return table
