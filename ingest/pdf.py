"""PDF files: PDFium's text, put back into paragraphs by where its lines stand on the page."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

import pypdfium2 as pdfium
from pypdfium2 import raw as pdfium_c

from ingest.convert import Converted, Part, clean
from vectorstore.datatypes import UserError

_MOST_PAGES = 2000
_BULLET = re.compile(r"[-*•·–—‣▪●○◦■□➢✓]\s|\(?\d{1,3}[.)]\s|\(?[a-z][.)]\s")
_ENDED = re.compile(r"[.!?][”\"’')\]]*$")
_PAGE_NUMBER = re.compile(r"[-–—]?\s*(?:page\s*)?\d{1,4}(?:\s*(?:/|of)\s*\d{1,4})?\s*[-–—]?", re.IGNORECASE)
_READABLE = re.compile(r"[^\W_]")
_BULLETS = re.compile(r"^[\ue000-\uf8ff](?=\s)")  # a character of a font's own at the start of a line
_LIGATURES = {
    0xFB00: "ff",
    0xFB01: "fi",
    0xFB02: "fl",
    0xFB03: "ffi",
    0xFB04: "ffl",
    0xFB05: "st",
    0xFB06: "st",
}
_HYPHENATED = re.compile(r"(\w+)\ufffe(\w+)")  # how PDFium writes a word that a line's end divides
_EDGE = 2  # lines at the top and bottom of a page that may be its header and footer
_LARGER = 1.15  # times the height of the text: a heading
_WIDER = 0.35  # line heights more than usual between two lines: a new paragraph
_RARE = 0.15  # of all steps from line to line
_ELSEWHERE = 4  # line heights: farther down is another place on the page
_SAMPLED = 7  # characters of a line that are measured
_LONGEST_HEADING = 100


@dataclass(frozen=True, slots=True)
class _Line:
    """A line and where it stands, in points from the page's lower left corner."""

    text: str
    left: float  # of its first character, as are top and base
    top: float
    base: float
    right: float  # of its last character, which a divided word may have carried to the next line
    bottom: float
    height: float  # of the font

    def ends(self) -> bool:
        """Whether a sentence may end here."""
        return bool(_ENDED.search(self.text))

    def upright(self) -> bool:
        """Whether it does not run up or down the page."""
        short = len(self.text) < 4 or "\ufffe" in self.text
        return short or abs(self.right - self.left) > abs(self.top - self.bottom)


def read_pdf(raw: bytes) -> Converted:
    """The text of a PDF. Raises UserError when it is protected, broken, too long or only pictures of text."""
    try:
        document = pdfium.PdfDocument(raw)
        if len(document) > _MOST_PAGES:
            raise UserError(f"its {len(document):,} pages are more than {_MOST_PAGES:,}: split it")
        pages = [_lines(document[number]) for number in range(len(document))]
    except pdfium.PdfiumError as error:
        if error.err_code == pdfium_c.FPDF_ERR_PASSWORD:
            raise UserError("it is protected by a password: save it without one") from error
        raise UserError("it is broken, or no PDF file") from error
    converted = _compose(_without_margins(pages))
    if not any(_READABLE.search(part.text) for part in converted.parts):
        raise UserError("there is no text in it, only pictures: if it was scanned, run it through OCR first")
    return converted


def _lines(page: pdfium.PdfPage) -> list[_Line]:
    text_page = page.get_textpage()
    text = text_page.get_text_range()
    lines: list[_Line] = []
    for match in re.finditer(r"[^\r\n]+", text):
        body = match.group()
        if not body.strip():
            continue
        first = match.start() + len(body) - len(body.lstrip())
        line = _placed(text_page, body.strip(), first)
        line = replace(line, text=_BULLETS.sub("•", line.text).translate(_LIGATURES))
        if lines and _beside(lines[-1], line):
            lines[-1] = _merged(lines[-1], line)
        else:
            lines.append(line)
    return sorted(lines, key=lambda line: not line.upright())  # what runs up the margin comes last


def _placed(text_page: pdfium.PdfTextPage, text: str, first: int) -> _Line:
    """A line, with where it begins and ends, and the usual height of its characters."""
    sample = range(0, len(text), max(1, len(text) // _SAMPLED))
    boxes = [_box(text_page, first + place) for place in sample if not text[place].isspace()]
    left, base, _, top = boxes[0]
    _, bottom, right, _ = _box(text_page, first + len(text) - 1)
    height = median(upper - lower for _, lower, _, upper in boxes)
    return _Line(text, left=left, top=top, base=base, right=right, bottom=bottom, height=height)


def _box(text_page: pdfium.PdfTextPage, place: int) -> tuple[float, float, float, float]:
    """Left, bottom, right and top of a character's place in its font."""
    index = pdfium_c.FPDFText_GetCharIndexFromTextIndex(text_page, place)
    box: tuple[float, float, float, float] = text_page.get_charbox(max(index, 0), loose=True)
    return box


def _beside(before: _Line, line: _Line) -> bool:
    """Whether two lines of PDFium's are one on the page: it takes raised and distant words apart."""
    shared = min(before.bottom + before.height, line.top) - max(before.bottom, line.base)
    level = shared > min(before.height, line.height) / 2
    gap = line.left - before.right
    return level and -0.3 * line.height < gap < 3 * before.height and before.upright() and line.upright()


def _merged(before: _Line, line: _Line) -> _Line:
    space = " " if line.left - before.right > 0.15 * before.height else ""
    return _Line(
        before.text + space + line.text,
        left=before.left,
        top=before.top,
        base=before.base,
        right=line.right,
        bottom=line.bottom if len(line.text) > len(before.text) else before.bottom,
        height=max(before, line, key=lambda each: len(each.text)).height,
    )


def _without_margins(pages: list[list[_Line]]) -> list[list[_Line]]:
    """Without page numbers, and without the lines that stand at the edge of many pages.

    Those may count the pages, and no more: a total is of its page, and "Day 2" in large type heads it.
    """
    seen: Counter[tuple[str, int, int]] = Counter()
    for number, page in enumerate(pages):
        seen.update({form for line in [*page[:_EDGE], *page[-_EDGE:]] for form in _forms(line.text, number)})
    often = max(3, 0.4 * len(pages))
    body = _body(pages)

    def in_margin(line: _Line, number: int) -> bool:
        same, *counting = _forms(line.text, number)
        large = line.height > body * _LARGER
        again = seen[same] >= often or (not large and any(seen[form] >= often for form in counting))
        return len(pages) > 1 and (bool(_PAGE_NUMBER.fullmatch(line.text)) or again)

    return [
        [line for i, line in enumerate(page) if _EDGE <= i < len(page) - _EDGE or not in_margin(line, number)]
        for number, page in enumerate(pages)
    ]


def _forms(text: str, page: int) -> list[tuple[str, int, int]]:
    """A line as it is; and without its numbers, for each of them with its distance to the page's number."""
    low = text.casefold()
    numbers = re.findall(r"\d+", low)
    bare = re.sub(r"\d+", "#", low)
    return [(low, -1, 0), *((bare, place, int(each) - page) for place, each in enumerate(numbers))]


def _body(pages: list[list[_Line]]) -> float:
    """The height of most of the text."""
    sizes: Counter[float] = Counter()
    for line in (line for page in pages for line in page):
        sizes[round(line.height * 2) / 2] += len(line.text)
    return max(sizes, key=lambda size: sizes[size]) if sizes else 0.0


def _compose(pages: list[list[_Line]]) -> Converted:
    lines = [line for page in pages for line in page]
    body = _body(pages)
    whole = _words_with_hyphens(lines)
    parts: list[Part] = []
    title, tallest = None, body * _LARGER
    for paragraph in _paragraphs(lines):
        text = clean(_joined(paragraph, whole))
        height = paragraph[0].height
        heading = height > body * _LARGER and len(text) <= _LONGEST_HEADING
        if text:
            parts.append(Part(text, heading))
        if heading and paragraph[0] in pages[0] and height > tallest:
            title, tallest = text, height
    return Converted(tuple(parts), title)


def _paragraphs(lines: list[_Line]) -> Iterator[list[_Line]]:
    usual = _usual_step(lines)
    gathered: list[_Line] = []
    for line in lines:
        if gathered and _begins(gathered, line, usual):
            yield gathered
            gathered = []
        gathered.append(line)
    if gathered:
        yield gathered


def _usual_step(lines: list[_Line]) -> float:
    """The smallest step from line to line that is not rare: within paragraphs, not between them."""
    steps = Counter(round(step, 1) for a, b in pairwise(lines) if 0.8 < (step := _step(a, b)) < 3)
    often = [step for step, count in steps.items() if count >= _RARE * steps.total()]
    return min(often, default=1.2)


def _step(before: _Line, line: _Line) -> float:
    """From line to line, in line heights."""
    return (before.bottom - line.base) / max(line.height, 1.0)


def _begins(paragraph: list[_Line], line: _Line, usual: float) -> bool:
    """Whether a line begins a new paragraph."""
    before, step = paragraph[-1], _step(paragraph[-1], line)
    sizes = sorted((max(before.height, 1.0), max(line.height, 1.0)))
    if _BULLET.match(line.text) or sizes[1] > sizes[0] * _LARGER or line.upright() != before.upright():
        return True
    goes_on = not before.ends() and line.text[:1].islower()
    if goes_on or not 0 < step < _ELSEWHERE:  # a sentence may go on in another column or page
        return not goes_on
    indented = line.left - before.left > 0.8 * line.height
    short = before.right < max(each.right for each in [*paragraph, line]) - 4 * line.height
    return step > usual + _WIDER or (before.ends() and (indented or short))


def _words_with_hyphens(lines: list[_Line]) -> set[str]:
    return {word for line in lines for word in re.findall(r"\w+-\w+", line.text)}


def _joined(paragraph: list[_Line], whole: set[str]) -> str:
    """One line, with the words that line ends had divided."""

    def word(match: re.Match[str]) -> str:
        first, second = match.groups()
        divided = second[:1].islower() and f"{first}-{second}" not in whole
        return first + ("" if divided else "-") + second

    return _HYPHENATED.sub(word, " ".join(line.text for line in paragraph))
