"""Draw docs/discord.svg: real answers as Discord shows them on a phone, from the very messages that are sent.

An SVG breaks no lines, so the widths of letters are estimated here; `textLength` makes every font keep to it.
"""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from xml.sax.saxutils import escape

from bot.answering.builtin import BuiltIn
from bot.answering.chain import Chain
from bot.answering.datatypes import Answer
from bot.desk import Given
from bot.reply import render
from bot.views import AnswerButton, buttons
from prompts import Prompts
from vectorstore.library import open_library
from vectorstore.settings import VectorstoreSettings

QUESTIONS = ("What were the three goals?", "Who won the football match?")
WIDTH, MARGIN, GUTTER = 400, 16, 56  # pixels; the gutter is where the pictures of those who speak are
RIGHT = WIDTH - MARGIN

_FONT = "'gg sans', 'Noto Sans', 'Helvetica Neue', Helvetica, Arial, sans-serif"
_NARROW, _WIDE = frozenset(" iIljtfr.,;:!'’‘|()[]/-"), frozenset("mwMWQ@%…")
_INLINE = re.compile(
    r"\\(?P<escaped>[^\w\s])|\[(?P<title>(?:\\.|[^\]\\])+)\]\(<[^>]*>\)"
    r"|\*\*(?P<bold>(?:\\.|[^*\\])+)\*\*|(?P<char>.)"
)


@dataclass(frozen=True, slots=True)
class Style:
    """How letters look."""

    size: int = 15
    colour: str = "#dbdee1"
    bold: bool = False


TEXT, SMALL, NAME = Style(), Style(12, "#949ba4"), Style(15, "#f2f3f5", bold=True)
LINK = "#00a8fc"


@dataclass
class Sheet:
    """The picture so far, and how far down it reaches."""

    y: float = 0
    shapes: list[str] = field(default_factory=list)

    def box(self, x: float, y: float, width: float, height: float, fill: str, round_: float = 0) -> None:
        """A filled rectangle."""
        self.shapes.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{round_}" '
            f'fill="{fill}"/>'
        )

    def text(self, x: float, y: float, text: str, style: Style) -> float:
        """Words on one line; gives where they end."""
        width = measured(text, style)
        look = f'font-size="{style.size}" font-weight="{600 if style.bold else 400}" fill="{style.colour}"'
        fit = f'textLength="{width:.1f}" lengthAdjust="spacingAndGlyphs" xml:space="preserve"'
        self.shapes.append(f'<text x="{x:.1f}" y="{y:.1f}" {look} {fit}>{escape(text)}</text>')
        return x + width

    def svg(self) -> str:
        """All of it."""
        height = self.y + MARGIN
        box = f'viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {box} font-family="{_FONT}">'
        back = f'<rect width="{WIDTH}" height="{height:.0f}" rx="12" fill="#313338"/>'
        return "\n".join([head, back, *self.shapes, "</svg>", ""])


def measured(text: str, style: Style) -> float:
    """The width of a text in pixels, about."""
    ems = sum(_ems(char) for char in text)
    return ems * style.size * (1.05 if style.bold else 1)


def _ems(char: str) -> float:
    if char in _NARROW:
        return 0.3
    if char in _WIDE:
        return 0.87
    return 1.35 if ord(char) > 0x2FFF else 0.68 if char.isupper() else 0.54


def runs(line: str, style: Style) -> Iterator[tuple[str, Style]]:
    """The characters of a line of Discord's Markdown, each with its style: as far as the bot uses it."""
    for match in _INLINE.finditer(line):
        if match["title"]:
            yield from runs(match["title"], replace(style, colour=LINK))
        elif match["bold"]:
            yield from runs(match["bold"], replace(style, bold=True))
        else:
            yield match["escaped"] or match["char"], style


def wrapped(line: str, style: Style, width: float) -> list[list[tuple[str, Style]]]:
    """A line broken between words; each part in pieces of one style."""
    lines: list[list[tuple[str, Style]]] = [[]]
    room = width
    for word in _words(list(runs(line, style))):
        needed = sum(measured(char, look) for char, look in word)
        if needed > room and lines[-1]:
            lines.append([])
            room = width
        room -= needed
        for char, look in word:
            joins = bool(lines[-1]) and lines[-1][-1][1] == look
            before = lines[-1].pop()[0] if joins else ""
            lines[-1].append((before + char, look))
    return lines


def _words(chars: list[tuple[str, Style]]) -> Iterator[list[tuple[str, Style]]]:
    """Runs of characters that end after a space."""
    word: list[tuple[str, Style]] = []
    for char in chars:
        word.append(char)
        if char[0] == " ":
            yield word
            word = []
    if word:
        yield word


def draw_line(sheet: Sheet, line: str) -> None:
    """One line of a message: quoted, small or plain."""
    quoted, small = line.startswith("> "), line.startswith("-# ")
    style, left = SMALL if small else TEXT, GUTTER + (12 if quoted else 0)
    height, top = style.size * 1.4, sheet.y
    for part in wrapped(line[2:].strip() if quoted else line[3:] if small else line, style, RIGHT - left):
        x: float = left
        for text, look in part:
            x = sheet.text(x, sheet.y + style.size * 1.05, text, look)
        sheet.y += height
    if quoted:
        sheet.box(GUTTER, top + 1, 4, sheet.y - top - 2, "#4e5058", 2)


def draw_message(sheet: Sheet, content: str) -> None:
    """What the bot says, under its name."""
    sheet.shapes.append(f'<circle cx="{MARGIN + 16}" cy="{sheet.y + 18:.1f}" r="16" fill="#5865f2"/>')
    sheet.text(MARGIN + 8.5, sheet.y + 22, "[1]", Style(12, "#ffffff", bold=True))
    end = sheet.text(GUTTER, sheet.y + 16, "Footnote", NAME)
    sheet.box(end + 6, sheet.y + 4, 29, 15, "#5865f2", 4)
    sheet.text(end + 10, sheet.y + 15, "APP", Style(10, "#ffffff", bold=True))
    sheet.y += 24
    for line in content.split("\n"):
        if line.strip():
            draw_line(sheet, line)
        else:
            sheet.y += 8


def draw_buttons(sheet: Sheet, labels: list[str]) -> None:
    """The row below, broken where the phone ends."""
    sheet.y += 8
    x: float = GUTTER
    for label in labels:
        width = measured(label, TEXT) + 24
        if x + width > RIGHT:
            x, sheet.y = GUTTER, sheet.y + 38
        sheet.box(x, sheet.y, width, 32, "#4e5058", 8)
        sheet.text(x + 12, sheet.y + 21, label, Style(15, "#ffffff"))
        x += width + 8
    sheet.y += 32


async def _labels(answer: Answer) -> list[str]:
    """What stands on the buttons; a view wants a running event loop."""
    items = [item.item for item in buttons(1, answer).children if isinstance(item, AnswerButton)]
    return [item.label or str(item.emoji) for item in items]


def draw(sheet: Sheet, answer: Answer) -> None:
    """The answer to /ask with all that belongs to it."""
    sheet.y += MARGIN
    x, y = float(GUTTER), sheet.y + 10
    for told, colour in (("ann", NAME.colour), (" used ", SMALL.colour), ("/ask", LINK)):
        x = sheet.text(x, y, told, replace(SMALL, colour=colour))
    sheet.y += 20
    closest = Given(1, answer, "").closest if answer.abstained else ()
    for content in render(answer, question=answer.question, closest=closest).messages:
        draw_message(sheet, content)
    draw_buttons(sheet, asyncio.run(_labels(answer)))


def main() -> None:
    """Ask and draw; `make demo` has ingested the sample article."""
    chain = Chain(open_library(VectorstoreSettings(), "default", must_exist=True), Prompts(), BuiltIn())
    sheet = Sheet()
    for question in QUESTIONS:
        draw(sheet, chain.answer(question))
    (Path(__file__).parent / "discord.svg").write_text(sheet.svg(), encoding="utf-8")


if __name__ == "__main__":
    main()
