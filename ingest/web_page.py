"""Web pages: the article without menus and advertisements, as plain text with blocks."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from lxml import etree
from lxml import html as lxml_html
from trafilatura import bare_extraction

from ingest.article import ITEM, Article, Block, clip_title
from ingest.convert import clean
from ingest.plain import find_date
from ingest.tables import CELLS, LONGEST_ROW, rows_of, told
from vectorstore.datatypes import ArticleInfo, UserError

_BLOCK_TAGS = {"p", "head", "item", "quote", "row", "code", "ab"}  # trafilatura's, after TEI
_HTML_TAGS = "p h1 h2 h3 h4 h5 h6 li blockquote pre tr dt dd td th div article section main body".split()
_UNSEEN = ("script", "style", "noscript", "template", "nav", "footer", "header", "form", "svg", "head")
_LITTLE = 200  # characters: trafilatura found no article, though the page may be a short note


class _Part(NamedTuple):
    """A block's text, what it is, and the mark that stands before it: of a list's item."""

    text: str
    heading: bool = False
    mark: str = ""


def read_web_page(page: str, *, source: str, name: str) -> Article:
    """The article of an HTML page. Raises UserError when there is no text in it."""
    page = _with_rows_told(page)
    # the original date only where the page states it: a guess from the URL or the text is worse than none
    found = bare_extraction(
        page,
        with_metadata=True,
        include_comments=False,
        date_extraction_params={"extensive_search": False, "original_date": True},
    )
    for line_break in [] if found is None else found.body.iter("lb"):
        line_break.tail = f" {line_break.tail or ''}"
    parts = [] if found is None else list(_parts(found.body, _BLOCK_TAGS))
    if sum(len(part.text) for part in parts) < _LITTLE:
        parts = max(parts, _all_text(page), key=lambda kind: sum(len(part.text) for part in kind))
    if not parts:
        raise UserError("there is no text in this page")
    title = clip_title((found.title if found is not None else None) or _title(page) or name)
    info = ArticleInfo(
        source=source,
        title=title,
        date=find_date(found.date or "") if found is not None else None,
        author=clip_title(found.author) if found is not None and found.author else None,
    )
    return _compose(info, parts)


def _compose(info: ArticleInfo, parts: list[_Part]) -> Article:
    """The article's text is its title and its blocks, a blank line between them."""
    if parts[0].text.casefold() != info.title.casefold():
        parts = [_Part(info.title), *parts]
    text, blocks = "", []
    for i, part in enumerate(parts):
        text += f"\n\n{part.mark}" if text else ""
        blocks.append(Block(len(text), len(text) + len(part.text), part.heading and i > 0))
        text += part.text
    return Article(info, text, tuple(blocks))


def _parts(tree: Any, tags: set[str]) -> Iterator[_Part]:
    """Each block; one within another is told once."""
    seen = ""
    for element in tree.iter(*tags):
        if any(parent.tag in tags for parent in element.iterancestors()):
            continue
        inner = [child for child in element.iter(*tags) if child is not element]
        texts = [_text(element)] if not inner else _split(element, tags)
        mark = ITEM if _is_item(element) else ""
        for text in texts:
            if text and text != seen:
                seen = text
                yield _Part(text, element.tag == "head", mark)
                mark = ""


def _is_item(element: Any) -> bool:
    """Of a list; trafilatura calls terms and what explains them items, too."""
    return element.tag == "item" and not element.get("rend", "").startswith(("dt", "dd"))


def _split(element: Any, tags: set[str]) -> Iterator[str]:
    """The text of a block that holds blocks: each by itself, and what stands between them."""
    gathered = element.text or ""
    for child in element:
        if isinstance(child.tag, str) and (child.tag in tags or any(c.tag in tags for c in child.iter())):
            yield _clean(gathered)
            yield from _split(child, tags)
            gathered = child.tail or ""
        else:
            gathered += ("" if not isinstance(child.tag, str) else _text(child)) + (child.tail or "")
    yield _clean(gathered)


def _text(element: Any) -> str:
    if element.tag in {"row", "tr"}:  # cells are told apart
        return CELLS.join(filter(None, (_clean("".join(cell.itertext())) for cell in element)))
    return _clean("".join(element.itertext()))


def _clean(text: str) -> str:
    return " ".join(text.split())


def _all_text(page: str) -> list[_Part]:
    """All visible text of a page in which no article was found."""
    tree = _tree(page)
    if tree is None:
        return []
    for element in list(tree.iter(*_UNSEEN)):
        element.drop_tree() if element.getparent() is not None else None
    for line_break in tree.iter("br"):
        line_break.tail = "\n" + (line_break.tail or "")
    headings = {_clean("".join(h.itertext())) for h in tree.iter("h1", "h2", "h3", "h4", "h5", "h6")}
    return [_Part(text, text in headings) for text in _split(tree, set(_HTML_TAGS)) if text]


def _with_rows_told(page: str) -> str:
    """The page with one cell in each row of a table, which says what the row's cells are."""
    tree = _tree(page) if "<table" in page.casefold() else None
    if tree is None:
        return page
    for table in list(tree.iter("table")):
        rows = list(table.iter("tr"))
        for row, line in zip(rows, told(rows_of(table)), strict=False):
            if len(line) <= LONGEST_ROW:
                row[:] = [lxml_html.fragment_fromstring("<td></td>")]
                row[0].text = clean(line)
    return str(lxml_html.tostring(tree, encoding="unicode"))


def _title(page: str) -> str | None:
    tree = _tree(page)
    if tree is None:
        return None
    return next(
        (text for tag in ("title", "h1") for el in tree.iter(tag) if (text := _clean(el.text_content()))),
        None,
    )


def _tree(page: str) -> Any:
    try:
        # bytes: lxml refuses a str that declares an encoding
        return lxml_html.fromstring(
            page.encode("utf-8", "replace"), parser=lxml_html.HTMLParser(encoding="utf-8")
        )
    except (etree.LxmlError, ValueError):
        return None
