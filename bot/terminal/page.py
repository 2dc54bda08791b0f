"""What the HTML reports are made of: one file, nothing from elsewhere, light or dark as the reader's system.

Every text goes in through lxml's builder, which escapes it: articles and models are not trusted.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lxml import html
from lxml.html.builder import E

from bot.answering.datatypes import Answer
from bot.terminal.compare import took
from bot.terminal.differences import Runs
from bot.terminal.evaluate import Case
from bot.terminal.risk import Point
from bot.terminal.show import printable
from vectorstore.datatypes import UserError

Element = Any
"""Of lxml, which has no types."""

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 480, 300, 48, 30, 24, 46

_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --panel: #f5f7f9; --ink: #1f2a33; --soft: #5a6772;
  --line: #d8dfe5; --good: #1a7f37; --bad: #c42b35; --blue: #1f6feb; --mark: #fff0a8 }
@media (prefers-color-scheme: dark) { :root { --paper: #14181c; --panel: #1d2329; --ink: #e3e8ec;
  --soft: #9ba7b2; --line: #343d46; --good: #4cc169; --bad: #ff7b80; --blue: #6ea8ff; --mark: #5c4d00 } }
* { box-sizing: border-box }
[hidden] { display: none !important }
body { margin: 0 auto; max-width: 1120px; padding: 20px 16px 60px; background: var(--paper);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
h1 { font-size: 24px; margin: 0 } h2 { font-size: 18px; margin: 34px 0 10px }
h3 { font-size: 15px; margin: 0 }
p { margin: 4px 0 } .soft, figcaption, dt, th { color: var(--soft); font-size: 13px; font-weight: normal }
.good { color: var(--good) } .bad { color: var(--bad) } mark { background: var(--mark); color: inherit }
dl.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 10px }
dl.figures div { background: var(--panel); border-radius: 8px; padding: 8px 12px }
dd { margin: 0; font-size: 17px }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 8px 32px }
.side { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 240px), 1fr)); gap: 8px 24px }
figure { margin: 0 } svg { width: 100%; height: auto; display: block }
svg text { fill: var(--soft); font-size: 13px }
svg .grid { stroke: var(--line) } svg .curve { stroke: var(--blue); stroke-width: 2.5; fill: none }
svg .bolder { stroke-dasharray: 3 4; opacity: .75 }
svg circle { fill: var(--blue) } svg .told { fill: var(--ink); stroke: var(--paper);
  stroke-width: 4; paint-order: stroke }
.wide { overflow-x: auto } .wide th { min-width: 96px } .wide th, .wide td { padding: 4px 14px 4px 0 }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: 8px 14px 8px 0; border-top: 1px solid var(--line) }
thead th { border-top: 0 } .stack td { min-width: 110px } .stack td:nth-child(2) { min-width: 200px }
td.number { white-space: nowrap }
.kinds td { border: 0; padding: 3px 10px 3px 0; vertical-align: middle; white-space: nowrap }
.bar { background: var(--line); height: 12px; border-radius: 3px; overflow: hidden; min-width: 90px }
.bar i { display: block; height: 100%; background: var(--good) } .kinds td:nth-child(2) { width: 100% }
.text { white-space: pre-line }
blockquote { margin: 6px 0 0; padding-left: 10px; border-left: 3px solid var(--line) }
summary { color: var(--soft); font-size: 13px; cursor: pointer }
article { border-top: 1px solid var(--line); padding: 12px 0 }
nav { display: flex; flex-wrap: wrap; gap: 8px; margin: 8px 0 14px }
button { font: inherit; font-size: 14px; color: inherit; background: var(--panel);
  border: 1px solid var(--line); border-radius: 16px; padding: 3px 12px; cursor: pointer }
button[aria-pressed=true] { background: var(--blue); border-color: var(--blue); color: var(--paper) }
@media (max-width: 640px) { .stack thead { display: none }
  .stack tr { display: block; border-top: 1px solid var(--line); padding: 10px 0 }
  .stack td { display: block; border: 0; padding: 1px 0 } .stack td:nth-child(2) { font-weight: 600 }
  .stack td:last-child::before { content: "expected: " } }
"""
_SCRIPT = """
const buttons = document.querySelectorAll("button[data-show]");
for (const button of buttons) button.onclick = () => {
  const shown = button.dataset.show.split("|");
  for (const row of document.querySelectorAll("[data-is]"))
    row.hidden = button.dataset.show !== "" && !shown.includes(row.dataset.is);
  for (const other of buttons) other.setAttribute("aria-pressed", other === button);
};
"""
# nothing is ever fetched, whatever an article says
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def write_page(file: Path, title: str, body: Iterable[Element]) -> None:
    """Write a page. Raises UserError when it cannot be written."""
    head = E.head(
        E.meta(charset="utf-8"),
        E.meta({"http-equiv": "Content-Security-Policy", "content": _POLICY}),
        E.meta(name="viewport", content="width=device-width, initial-scale=1"),
        E.title(clean(title)),
        E.style(_STYLE),
    )
    page = E.html(head, E.body(*body, E.script(_SCRIPT)), lang="en")
    try:
        file.write_text(html.tostring(page, doctype="<!doctype html>", encoding="unicode"), encoding="utf-8")
    except OSError as error:
        raise UserError(f"{file} cannot be written ({(error.strerror or '').lower()})") from error


def clean(text: str) -> str:
    """Text without what HTML cannot hold: control characters, and halves of a character."""
    return printable(text).encode("utf-8", "replace").decode()


def tiles(figures: Mapping[str, str]) -> Element:
    """Figures, each with what it is."""
    return E.dl({"class": "figures"}, *(E.div(E.dt(what), E.dd(figure)) for what, figure in figures.items()))


def filters(shown: Mapping[str, tuple[str, int]]) -> Element:
    """Buttons: label -> which rows it leaves, by their `data-is` with | between them, and how many."""
    return E.nav(
        *(
            E.button(
                {"data-show": which, "type": "button", "aria-pressed": "false" if which else "true"},
                f"{label} ({rows})",
            )
            for label, (which, rows) in shown.items()
        )
    )


def expected(case: Case) -> str:
    """What a case asks of an answer."""
    if not case.answerable:
        return "no answer"
    return clean(", ".join(case.gold_items) or " / ".join(case.gold_answers))


def told(answer: Answer, *, is_open: bool, runs: Runs | None = None) -> list[Element]:
    """An answer with its quotes, what was dropped, and what it took; `runs` mark what differs."""
    pieces = runs or ((answer.text, False),)
    parts = [E.div({"class": "text"}, *(E.mark(clean(run)) if own else clean(run) for run, own in pieces))]
    if answer.note:
        parts.append(E.p({"class": "soft"}, clean(answer.note)))
    generated = answer.trace.generated
    for dropped in generated.dropped if generated else ():
        reason = E.span({"class": "soft"}, f" {clean(dropped.reason)}")
        parts.append(E.p(E("del", {"class": "bad"}, clean(dropped.text)), reason))
    if answer.citations:
        quotes = [
            E.blockquote(clean(c.quote), E.div({"class": "soft"}, clean(f"[{number}] {c.title}")))
            for number, c in enumerate(answer.citations, 1)
        ]
        count = f"{len(quotes)} quote{'s' if len(quotes) > 1 else ''}"
        parts.append(E.details({"open": "open"} if is_open else {}, E.summary(count), *quotes))
    parts.append(E.p({"class": "soft"}, took(answer)))
    return parts


def bars(kinds: Iterable[tuple[str, int, int]]) -> Element:
    """Correct answers of each kind of question."""
    rows = [
        E.tr(
            E.td(clean(kind)),
            E.td(E.div({"class": "bar"}, E.i(style=f"width: {100 * correct / questions:.1f}%"))),
            E.td({"class": "number"}, f"{correct} of {questions}"),
        )
        for kind, correct, questions in kinds
    ]
    return E.table({"class": "kinds"}, E.tbody(*rows))


def risk_picture(points: Sequence[Point], threshold: float | None) -> Element:
    """Coverage to the right, risk upwards; what a lower threshold would add is dotted.

    Without a threshold all that was answered is drawn, and its end is marked.
    """
    top = max(0.1, math.ceil(max(point.risk for point in points) * 10) / 10)

    def place(coverage: float, risk: float) -> tuple[float, float]:
        x = _LEFT + coverage * (_WIDTH - _LEFT - _RIGHT)
        return round(x, 1), round(_HEIGHT - _BOTTOM - risk / top * (_HEIGHT - _TOP - _BOTTOM), 1)

    x0, y0 = place(0, 0)
    parts = [_text(8, 16, "wrong, of the answers given", "start")]
    for step in range(6):
        x, y = place(step / 5, top * step / 5)
        parts += [_line(x, y0, x, _TOP), _line(x0, y, _WIDTH - _RIGHT, y)]
        parts += [
            _text(x, y0 + 17, f"{step * 20} %"),
            _text(x0 - 7, y + 4, f"{20 * step * top:.0f} %", "end"),
        ]
    parts.append(_text((x0 + _WIDTH) / 2, _HEIGHT - 8, "answered, of all questions"))
    given = [point for point in points if threshold is None or point.likelihood >= threshold]
    added = points[max(len(given) - 1, 0) :]
    for part, kind in ((given, "curve"), (added, "curve bolder")):
        where = " ".join("{},{}".format(*place(point.coverage, point.risk)) for point in part)
        parts.append(E.polyline({"points": where, "class": kind}))
    if given:
        x, y = place(given[-1].coverage, given[-1].risk)
        label = "all that was answered" if threshold is None else f"threshold {threshold:g}"
        parts += [E.circle(cx=str(x), cy=str(y), r="5")]
        parts += [_text(x, y - 12, label, "end" if x > _WIDTH / 2 else "start", "told")]
    attributes = {"viewBox": f"0 0 {_WIDTH} {_HEIGHT}", "role": "img", "aria-label": "risk and coverage"}
    return E.svg(attributes, *parts)


def _line(x1: float, y1: float, x2: float, y2: float) -> Element:
    return E.line({"class": "grid"}, x1=str(x1), y1=str(y1), x2=str(x2), y2=str(y2))


def _text(x: float, y: float, text: str, anchor: str = "middle", kind: str = "") -> Element:
    return E.text({"x": str(x), "y": str(y), "text-anchor": anchor, "class": kind}, text)
