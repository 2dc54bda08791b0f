"""Word files: mammoth's plain HTML of a .docx, cut into parts."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest
from typing import Any

import mammoth
from lxml import html as lxml_html

from ingest.article import ITEM
from ingest.convert import Converted, Part, clean
from ingest.tables import LONGEST_ROW, rows_of, told
from vectorstore.datatypes import UserError

_MOST_UNPACKED = 100_000_000  # bytes; 872 pages of text have 6 million
_MOST_RATIO, _HARMLESS = 100, 10_000_000  # text is packed to a tenth, a bomb to a thousandth
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # Word before 2007, and the envelope of a password
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_BLOCKS = _HEADINGS | set("p li ul ol table thead tbody tr th td div".split())
_STYLES = "p[style-name='Title'] => h1:fresh\np[style-name='Subtitle'] => p:fresh"
_LONGEST_HEADING = 100
_NOTE_LINKS = "//sup[a[starts-with(@href, '#footnote') or starts-with(@href, '#endnote')]]"
_BACK_LINKS = "//a[starts-with(@href, '#footnote-ref') or starts-with(@href, '#endnote-ref')]"


def read_word(raw: bytes) -> Converted:
    """The text of a .docx. Raises UserError when it is protected, of another kind, empty or a bomb."""
    if raw.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in raw:
            raise UserError("it is protected by a password: save it without one")
        raise UserError("it is in Word's old format: save it as .docx")
    _check_size(raw)
    # pictures are not even unpacked, and links to other files are not followed
    no_picture = mammoth.images.img_element(lambda _image: {})
    found = mammoth.convert_to_html(
        io.BytesIO(raw), style_map=_STYLES, convert_image=no_picture, include_embedded_style_map=False
    )
    parts = tuple(_parts(found.value)) if found.value.strip() else ()
    if not parts:
        raise UserError("there is no text in it")
    return Converted(parts)


def _check_size(raw: bytes) -> None:
    """Before anything is unpacked. zipfile unpacks no more of a member than the size that it declares."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as package:
            members = package.infolist()
    except zipfile.BadZipFile as error:
        raise UserError("it is broken, or no Word file") from error
    if any(member.flag_bits & 1 for member in members):
        raise UserError("it is protected by a password: save it without one")
    unpacked = sum(member.file_size for member in members)
    bomb = unpacked > _HARMLESS and unpacked > _MOST_RATIO * len(raw)
    if bomb or unpacked > _MOST_UNPACKED:
        raise UserError(f"it unpacks to {unpacked:,} bytes, which is too much")


def _parts(page: str) -> Iterator[Part]:
    tree = lxml_html.fromstring(f"<div>{page}</div>")
    for mark in [*tree.xpath(_NOTE_LINKS), *tree.xpath(_BACK_LINKS)]:
        mark.drop_tree()
    for line_break in tree.iter("br"):
        line_break.tail = f" {line_break.tail or ''}"
    for part in _blocks(tree):
        if line := clean(part.text):
            yield replace(part, text=line)


def _blocks(element: Any) -> Iterator[Part]:
    """A block and those within it, in order."""
    if element.tag == "table":
        yield from _of_table(element)
        return
    heading = element.tag in _HEADINGS or _is_bold_line(element)
    mark, gathered = ITEM if element.tag == "li" else "", element.text or ""
    for child in element:
        if child.tag in _BLOCKS:
            yield Part(f"{mark}{gathered}" if gathered.strip() else "", heading)
            mark = "" if gathered.strip() else mark
            yield from _blocks(child)
            gathered = child.tail or ""
        else:
            gathered += child.text_content() + (child.tail or "")
    yield Part(f"{mark}{gathered}" if gathered.strip() else "", heading)


def _of_table(table: Any) -> Iterator[Part]:
    """What each row tells; a row that holds a table, or so much that it is only layout, is read as text."""
    lines = told(rows_of(table))
    rows = [row for row in table.iter("tr") if next(row.iterancestors("table")) is table]
    for row, line in zip_longest(rows, lines):
        if line is None or len(line) > LONGEST_ROW:
            for cell in row:
                yield from _blocks(cell)
        else:
            yield Part(line, row=True)


def _is_bold_line(element: Any) -> bool:
    """A heading as people make one who know no styles."""
    text = clean(element.text_content()) if element.tag == "p" else ""
    bold = clean("".join(part.text_content() for part in element.findall("strong")))
    return bool(text) and text == bold and len(text) <= _LONGEST_HEADING and text[-1] not in ".,;:!"
