"""Markdown: blocks as markdown-it sees them, in the text as it is but for tables, whose rows are told."""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

from ingest.article import Article, Block, clip_title
from ingest.plain import find_date
from ingest.tables import Cell, told
from vectorstore.datatypes import ArticleInfo

_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(.*?\r?\n)?(?:---|\.\.\.)[ \t]*(?:\r?\n|$)", re.DOTALL)
_KEY = re.compile(r"^[\w-]+[ \t]*:", re.MULTILINE)
_FIELD = re.compile(r"^(title|date|author)[ \t]*:[ \t]*(\S.*?)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_LEAVES = {"paragraph_open", "heading_open", "fence", "code_block", "tr_open", "html_block"}
# a mark that nothing stands apart from is none: "1.5 million", "-5 °C", "**bold**"
_PREFIX = re.compile(r"(?:[ \t]*(?:>|(?:[-*+]|\d{1,9}[.)]|#{1,6})(?=[ \t])))*[ \t]*")
_PARSER = MarkdownIt("commonmark").enable("table")
_COMMENT = re.compile(r"\s*<!--.*?-->\s*$", re.DOTALL)


def read_markdown(text: str, *, source: str, name: str) -> Article:
    """The article in a Markdown text; `name` is its title if neither front matter nor a heading gives one."""
    fields, begin = _front_matter(text)
    text = text[:begin] + _with_rows_told(text[begin:])
    # markdown-it counts the lines of what it is given: blank out the front matter, keep its lines
    blanked = re.sub(r"[^\r\n]", " ", text[:begin]) + text[begin:]
    found = list(_blocks(blanked))
    title = fields.get("title") or next((text[b.start : b.end] for b in found[:3] if b.heading), "")
    info = ArticleInfo(
        source=source,
        title=clip_title(re.sub(r"[*_`]+", "", title) or name),
        date=find_date(fields.get("date", "")),
        author=clip_title(fields["author"]) if "author" in fields else None,
    )
    blocks = tuple(_as_text(b) if b.heading and text[b.start : b.end] == title else b for b in found)
    return Article(info, text, blocks)


def _as_text(block: Block) -> Block:
    """The title is part of the text, and no section of it."""
    return Block(block.start, block.end)


def _front_matter(text: str) -> tuple[dict[str, str], int]:
    match = _FRONT_MATTER.match(text)
    if match is None or (match.group(1) and not _KEY.search(match.group(1))):  # two lines across the page
        return {}, 0
    fields = {key.lower(): value.strip("\"'") for key, value in _FIELD.findall(match.group(1) or "")}
    return fields, match.end()


def _line_starts(text: str) -> list[int]:
    return [0, *(match.end() for match in re.finditer(r"\r\n|\n|\r", text)), len(text)]


def _with_rows_told(text: str) -> str:
    """Each row of a table as a paragraph that says what its cells are."""
    starts, done, parts = _line_starts(text), 0, []
    tokens = _PARSER.parse(text) if "|" in text else []
    for place, token in enumerate(tokens):
        if token.type != "table_open" or token.map is None:
            continue
        lines = told(_rows(tokens[place:]))
        if lines is not None:
            first, last = token.map
            parts += [text[done : starts[first]], "\n", *(f"{line}\n\n" for line in lines if line)]
            done = starts[min(last, len(starts) - 1)]
    return "".join([*parts, text[done:]])


def _rows(tokens: list[Token]) -> list[list[Cell]]:
    """The rows of the table that the tokens begin with."""
    rows: list[list[Cell]] = []
    head = False
    for token in tokens:
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            rows.append([])
        elif token.type in {"th_open", "td_open"}:
            head = token.type == "th_open"
        elif token.type == "inline":
            rows[-1].append(Cell(_seen(token), head))
    return rows


def _seen(inline: Token) -> str:
    """A line of text without the marks of emphasis and links."""
    breaks = {"softbreak", "hardbreak", "html_inline"}
    parts = (" " if child.type in breaks else child.content for child in inline.children or ())
    return " ".join("".join(parts).split())


def _blocks(text: str) -> Iterator[Block]:
    starts = _line_starts(text)
    for token in _PARSER.parse(text):
        if token.type not in _LEAVES or token.map is None:
            continue
        first, last = token.map
        start, end = starts[first], starts[min(last, len(starts) - 1)]
        block = _trimmed(token, text, start, end)
        if block.start < block.end and not _COMMENT.match(text[block.start : block.end]):
            yield block


def _trimmed(token: Token, text: str, start: int, end: int) -> Block:
    """Without the marks of list, quotation, heading or fence around it."""
    body = text[start:end]
    if token.type == "fence":
        lines = body.splitlines(keepends=True)
        closed = len(lines) > 1 and lines[-1].strip() == token.markup
        start += len(lines[0])
        end -= len(lines[-1]) if closed else 0
    elif token.type in {"paragraph_open", "heading_open"}:
        prefix = _PREFIX.match(body)
        start += prefix.end() if prefix else 0
    body = text[start:end]
    if token.type == "heading_open":
        body = re.sub(r"\s+(?:#+|[=-]+)\s*$", "", body)  # closing marks, or a line below
    start += len(body) - len(body.lstrip())
    return Block(start, max(start, start + len(body.strip())), token.type == "heading_open")
