"""Markdown: blocks as markdown-it sees them, in the text as it is but for tables, whose rows are told."""

import re
from dataclasses import replace

from markdown_it import MarkdownIt
from markdown_it.token import Token

from ingest.article import Article, Block, clip_title, unmarked
from ingest.plain import find_date
from ingest.tables import Cell, told
from vectorstore.datatypes import ArticleInfo

_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(.*?\r?\n)?(?:---|\.\.\.)[ \t]*(?:\r?\n|$)", re.DOTALL)
_KEY = re.compile(r"^[\w-]+[ \t]*:", re.MULTILINE)
_FIELD = re.compile(r"^(title|date|author)[ \t]*:[ \t]*(\S.*?)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_LEAVES = {"paragraph_open", "heading_open", "fence", "code_block", "html_block"}
# a mark that nothing stands apart from is none: "1.5 million", "-5 °C", "**bold**"
_PREFIX = re.compile(r"(?:[ \t]*(?:>|(?:[-*+]|\d{1,9}[.)])(?=[ \t])))*[ \t]*(?:#{1,6}(?=[ \t]))?[ \t]*")
_PARSER = MarkdownIt("commonmark").enable("table")
_COMMENT = re.compile(r"(?:\s*<!--(?:(?!-->).)*-->)+\s*$", re.DOTALL)


def read_markdown(text: str, *, source: str, name: str) -> Article:
    """The article in a Markdown text; `name` is its title if neither front matter nor a heading gives one."""
    fields, begin = _front_matter(text)
    text, found = _read(text, begin)
    title = fields.get("title") or next((text[b.start : b.end] for b in found[:3] if b.heading), "")
    info = ArticleInfo(
        source=source,
        title=clip_title(unmarked(title) or name),
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


def _read(text: str, begin: int) -> tuple[str, list[Block]]:
    """The text with each row of a table told on a line of its own, and its blocks.

    markdown-it counts the lines of what it is given: the front matter up to `begin` is blanked out for it.
    """
    starts = [0, *(match.end() for match in re.finditer(r"\r\n|\n|\r", text)), len(text)]
    parts, size, done = [], 0, 0  # of the new text; up to where the old one is in it
    blocks, in_table = [], False
    tokens = _PARSER.parse(re.sub(r"[^\r\n]", " ", text[:begin]) + text[begin:])
    for place, token in enumerate(tokens):
        in_table = token.type != "table_close" and in_table
        if in_table or token.map is None:
            continue
        start, end = (starts[min(line, len(starts) - 1)] for line in token.map)
        if token.type == "table_open":
            in_table = True
            parts.append(text[done:start])
            size += start - done
            for line in filter(None, told(_rows(tokens[place:]))):
                blocks.append(Block(size, size + len(line)))
                parts.append(f"{line}\n\n")
                size += len(line) + 2
            done = end
        elif token.type in _LEAVES:
            block = _trimmed(token, text, start, end)
            if block.start < block.end and not _COMMENT.match(text[block.start : block.end]):
                moved = size - done
                blocks.append(replace(block, start=block.start + moved, end=block.end + moved))
    return "".join([*parts, text[done:]]), blocks


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
    children = inline.children or ()
    breaks = (c.type in {"softbreak", "hardbreak"} or c.content.startswith("<br") for c in children)
    parts = (
        " " if gap else child.content * (child.type != "html_inline")
        for child, gap in zip(children, breaks, strict=True)
    )
    return " ".join("".join(parts).split())


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
