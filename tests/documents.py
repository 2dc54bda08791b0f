"""PDF and Word files as a test wants them, made by hand from what the formats need at least."""

import io
import zipfile

_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = (
    f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/></Types>'
)
_RELATIONS = (
    f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>'
)
_PARTS = (
    f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r2" Type="{_OFFICE}/footnotes" Target="footnotes.xml"/>'
    f'<Relationship Id="r3" Type="{_OFFICE}/numbering" Target="numbering.xml"/></Relationships>'
)
_LISTS = (
    f'<w:numbering xmlns:w="{_WORD}">'
    + "".join(
        f'<w:abstractNum w:abstractNumId="{i}"><w:lvl w:ilvl="0"><w:numFmt w:val="{form}"/></w:lvl></w:abstractNum>'
        for i, form in enumerate(("bullet", "decimal"))
    )
    + "".join(f'<w:num w:numId="{i + 1}"><w:abstractNumId w:val="{i}"/></w:num>' for i in range(2))
    + "</w:numbering>"
)
_STYLES = "".join(
    f'<w:style w:type="paragraph" w:styleId="{name.replace(" ", "")}"><w:name w:val="{name}"/></w:style>'
    for name in ("Title", "heading 1", "heading 2")
)


def paragraph(text: str, style: str = "", *, bold: bool = False, more: str = "") -> str:
    """A paragraph of a Word file, in a style that `docx` knows: Title, heading1 or heading2."""
    how = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    face = "<w:rPr><w:b/></w:rPr>" if bold else ""
    return f'<w:p>{how}<w:r>{face}<w:t xml:space="preserve">{text}</w:t></w:r>{more}</w:p>'


def item(text: str, *, numbered: bool = False) -> str:
    """An item of a Word file's list, with a bullet or a number."""
    how = f'<w:ilvl w:val="0"/><w:numId w:val="{2 if numbered else 1}"/>'
    return f"<w:p><w:pPr><w:numPr>{how}</w:numPr></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def table(*rows: tuple[str, ...], bold: bool = False) -> str:
    """A table of a Word file, its first column bold or not."""
    cells = (
        "".join(f"<w:tc>{paragraph(cell, bold=bold and not i)}</w:tc>" for i, cell in enumerate(row))
        for row in rows
    )
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def docx(*body: str, footnote: str = "", document: str | None = None) -> bytes:
    """A Word file with these paragraphs and tables; `document` is the whole of its main part instead."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as package:
        whole = document or f'<w:document xmlns:w="{_WORD}"><w:body>{"".join(body)}</w:body></w:document>'
        package.writestr("[Content_Types].xml", _TYPES)
        package.writestr("_rels/.rels", _RELATIONS)
        package.writestr("word/document.xml", whole)
        package.writestr("word/styles.xml", f'<w:styles xmlns:w="{_WORD}">{_STYLES}</w:styles>')
        package.writestr("word/_rels/document.xml.rels", _PARTS)
        package.writestr("word/numbering.xml", _LISTS)
        note = f'<w:footnote w:id="1">{paragraph(footnote)}</w:footnote>' if footnote else ""
        package.writestr("word/footnotes.xml", f'<w:footnotes xmlns:w="{_WORD}">{note}</w:footnotes>')
    return made.getvalue()


NOTE = '<w:r><w:footnoteReference w:id="1"/></w:r>'
"""The mark that refers to the footnote of `docx`."""


def pdf(*pages: str, forms: tuple[bytes, ...] = ()) -> bytes:
    """A PDF with these pages, each a content stream; the first of the forms is /X0 there."""
    count = len(pages)
    fonts = f"/Font<</F {count * 2 + 3} 0 R>>/XObject<</X0 {count * 2 + 4} 0 R>>"
    objects = [b"<</Type/Catalog/Pages 2 0 R>>"]
    kids = " ".join(f"{3 + number * 2} 0 R" for number in range(count))
    objects.append(f"<</Type/Pages/Kids[{kids}]/Count {count}>>".encode())
    for number, content in enumerate(pages):
        described = f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents {4 + number * 2} 0 R/Resources<<{fonts}>>>>"
        objects += [described.encode(), stream(content.encode("latin-1"))]
    objects += [b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>", *forms]
    made, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table_ = b"".join(b"%010d 00000 n \n" % place for place in places)
    size, start = len(places) + 1, len(made)
    made += b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table_)
    return made + b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (size, start)


def stream(content: bytes, fields: bytes = b"") -> bytes:
    """A stream object."""
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (fields, len(content), content)


def lines(*texts: str, top: int = 700, size: int = 12, leading: int = 14) -> str:
    """A content stream that writes lines of text from `top` down; "" leaves one out."""
    shown = " ".join(f"({text}) Tj 0 -{leading} Td" for text in texts)
    return f"BT /F {size} Tf 72 {top} Td {shown} ET "


def burning_pdf(depth: int = 12) -> bytes:
    """3 kB that ask for 10 ** depth drawings: a form draws a form ten times, which draws a form ten times, …"""
    forms = []
    for level in range(depth):
        inner = f"/X{level + 1} Do " * 10 if level < depth - 1 else "BT /F 12 Tf (x) Tj ET"
        names = f"/Resources<</Font<</F 5 0 R>>/XObject<</X{level + 1} {7 + level} 0 R>>>>"
        kind = f"/Type/XObject/Subtype/Form/BBox[0 0 612 792]{names}"
        forms.append(stream(inner.encode(), kind.encode()))
    return pdf("/X0 Do", forms=tuple(forms))


def zip_bomb() -> bytes:
    """20 kB that unpack to 20 MB."""
    return docx(paragraph(" " * 20_000_000))


def heavy_docx() -> bytes:
    """A file within the size limits that takes seconds of processor time."""
    return docx(*(paragraph(f"{n * n:x}") for n in range(60_000)))
