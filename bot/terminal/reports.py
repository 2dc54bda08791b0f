"""The HTML reports of `eval` and `compare`."""

from collections.abc import Sequence
from pathlib import Path

from lxml.html.builder import E

from bot.terminal.comparing import Comparison, Row
from bot.terminal.differences import differences
from bot.terminal.evaluate import Result, Verdict
from bot.terminal.page import Element, bars, clean, expected, filters, risk_picture, tiles, told, write_page
from bot.terminal.risk import Point
from bot.terminal.runs import Change, Changes, Run, Setting
from bot.terminal.scores import Score, figures


def write_evaluation(file: Path, run: Run, points: Sequence[Point], found: Changes | None = None) -> None:
    """Write the report of a run, what has changed since another one first. Raises UserError."""
    score, setting = Score(run.results), run.setting
    body = [
        E.h1(clean(Path(setting.questions).name)),
        E.p({"class": "soft"}, clean(_told(setting)), E.br(), f"run {run.id}"),
        tiles(figures(score)),
    ]
    if found is not None:
        body += _changed(found)
    curve = [_risk(points, setting, score)] if points else []
    kinds = E.figure(E.h2("Correct, by kind of question"), bars(score.by_kind()))
    body += [E.div({"class": "two"}, *curve, kinds), E.h2("Questions"), _filters(score), _table(run.results)]
    write_page(file, f"{Path(setting.questions).name}: {score.correct} of {len(run.results)} correct", body)


def write_comparison(file: Path, comparison: Comparison) -> None:
    """Write the report of a comparison. Raises UserError."""
    body = [E.h1(clean(comparison.title)), E.p({"class": "soft"}, "The same passages for all.")]
    if comparison.scored:
        body.append(_figures(comparison))
    rows = comparison.rows
    if len(rows) > 1:
        body += [E.h2("Questions"), filters({
            "all": ("", len(rows)),
            "differing": ("differs|matters", sum(row.differs for row in rows)),
            "one is right, another is not": ("matters", sum(row.matters for row in rows)),
        })]  # fmt: skip
    body += [_article(row, comparison) for row in rows]
    write_page(file, f"{comparison.title}: {' | '.join(comparison.names)}", body)


# ---- inside


def _told(setting: Setting) -> str:
    prompt = f"prompt {setting.prompt} ({setting.prompts[setting.prompt]}), " if setting.prompt else ""
    code = f", code {setting.code}" if setting.code else ""
    return (
        f"{setting.model}, {prompt}library {setting.library}, revision {setting.revision}, "
        f"{setting.k} passages, threshold {setting.threshold:g}{code}"
    )


def _risk(points: Sequence[Point], setting: Setting, score: Score) -> Element:
    by_threshold = setting.model == "builtin"
    wrong = score.count(Verdict.WRONG) + score.count(Verdict.INVENTED)
    given, asked = wrong + score.count(Verdict.RIGHT), len(score.results)
    told = f"{given} of {asked} questions answered, {wrong} of these wrongly; the likeliest answers first"
    dotted = "; dotted: what a lower threshold would add" if by_threshold else ""
    return E.figure(
        E.h2("Risk and coverage"),
        risk_picture(points, setting.threshold if by_threshold else None),
        E.figcaption(f"{told}{dotted}."),
    )


def _changed(found: Changes) -> list[Element]:
    settings = clean("; ".join(found.settings) or "the same setting")
    parts = [E.h2(f"Against {found.against}"), E.p(found.counts()), E.p({"class": "soft"}, settings)]
    for title, group in (("Broken", found.broken), ("Fixed", found.fixed)):
        if group:
            parts += [E.h2(title), *map(_change, group)]
    return parts


def _change(change: Change) -> Element:
    both = (("before", change.before), ("now", change.now))
    texts = differences([result.answer.text for _, result in both])
    cells = [
        E.div(
            E.p({"class": "soft"}, f"{when}, ", _verdict(result)),
            *told(result.answer, is_open=False, runs=runs),
        )
        for (when, result), runs in zip(both, texts, strict=True)
    ]
    return E.article(*_asked(change.now), E.div({"class": "side"}, *cells))


def _asked(result: Result) -> list[Element]:
    case = result.case
    before = [E.p({"class": "soft"}, clean(f"{q} – {a}")) for q, a in case.history]
    return [
        *before,
        E.h3(clean(case.question)),
        E.p({"class": "soft"}, f"{clean(case.id)}, expected: {expected(case)}"),
    ]


def _filters(score: Score) -> Element:
    wrong = [verdict for verdict in Verdict if not verdict.correct]
    return filters(
        {
            "all": ("", len(score.results)),
            "not correct": ("|".join(wrong), len(score.results) - score.correct),
            "invented": (Verdict.INVENTED, score.count(Verdict.INVENTED)),
            "abstained wrongly": (Verdict.MISSED, score.count(Verdict.MISSED)),
        }
    )


def _table(results: Sequence[Result]) -> Element:
    rows = [
        E.tr(
            {"data-is": result.verdict},
            E.td(_verdict(result), E.div({"class": "soft"}, clean(f"{result.case.id} {result.case.kind}"))),
            E.td(
                *(E.p({"class": "soft"}, clean(f"{q} – {a}")) for q, a in result.case.history),
                clean(result.case.question),
            ),
            E.td(*told(result.answer, is_open=not result.verdict.correct)),
            E.td({"class": "soft"}, expected(result.case)),
        )
        for result in results
    ]
    head = E.thead(E.tr(*(E.th(name) for name in ("", "question", "answer", "expected"))))
    return E.table({"class": "stack"}, head, E.tbody(*rows))


def _verdict(result: Result) -> Element:
    return E.span({"class": "good" if result.verdict.correct else "bad"}, result.verdict)


def _figures(comparison: Comparison) -> Element:
    columns = comparison.figures()
    head = E.thead(E.tr(E.th(), *(E.th(clean(name)) for name in comparison.names)))
    rows = [
        E.tr(E.th(what), *(E.td({"class": "number"}, column.get(what, "–")) for column in columns))
        for what in max(columns, key=len)
    ]
    return E.div({"class": "wide"}, E.table(head, E.tbody(*rows)))


def _article(row: Row, comparison: Comparison) -> Element:
    texts = differences([result.answer.text for result in row.results])
    cells = []
    for name, result, runs in zip(comparison.names, row.results, texts, strict=True):
        verdict = [" ", _verdict(result)] if comparison.scored else []
        head = E.p(E.b(clean(name)), *verdict)
        cells.append(E.div(head, *told(result.answer, is_open=False, runs=runs)))
    state = "matters" if row.matters else "differs" if row.differs else "same"
    asked = _asked(row.results[0]) if comparison.scored else [E.h3(clean(row.results[0].case.question))]
    return E.article({"data-is": state}, *asked, E.div({"class": "side"}, *cells))
