"""An Answer as Discord messages: short answer first, numbered footnotes below. Pure: text in, text out.

Article text is untrusted: its markup is escaped, invisible characters are taken out, and no link of it stays
a link. The only links are those of the cited articles themselves.
"""

import re
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote as percent

from bot.answering.datatypes import Answer, Citation
from bot.answering.untrusted import visible

LIMIT = 2000  # characters of a message, counted in code points as Discord does for bots
LOOKED_UP = "looked up in a table or a byline: no span was weighed"  # in both Why views
_MOST_MESSAGES = 3  # beyond it the rest is a file
_FAR = 300  # characters of a quote
_MORE = " …"  # below it there will be more
_NEAR = 120  # characters that are shown around the answer in a longer one

_MARKUP = re.compile(r"([\\*_~`|\[\]<@]|^\s*(?=[#>-]))", re.MULTILINE)
_LINKED = re.compile(r"(?<=\w)(?=://)|(?<=\.gg)(?=/)|(?<=\.com)(?=/)")  # addresses, invitations
_TOKEN = re.compile(r"\[[^\]\n]*\]\(<[^>\n]*>\)|\S+|\s+")
_FENCE = re.compile(r"^```[\w+#-]{0,20}$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent: messages, and the full text as a file where it is too long for them."""

    messages: tuple[str, ...]
    file: str | None = None


def render(answer: Answer, *, question: str = "", closest: tuple[str, ...] = (), origin: str = "") -> Reply:
    """The messages for an answer; for an abstention, with the titles of the closest articles.

    `question` is shown above where Discord does not show it: it never says what a slash command asked.
    `origin` says in small print whose articles the answer comes from, where that could be doubted.
    """
    parts = [_above(question) + plain(answer.text)]
    if answer.abstained and closest:
        parts.append("-# closest articles: " + "; ".join(plain(title) for title in closest))
    parts += [_footnote(number, citation, answer) for number, citation in enumerate(answer.citations, 1)]
    if origin:
        parts.append(f"-# from {origin}")
    if answer.note:
        parts.append(f"-# {plain(answer.note)}")
    text = "\n\n".join(parts)
    messages = split(text)
    if len(messages) <= _MOST_MESSAGES:
        return Reply(tuple(messages))
    notice = "…\n-# the whole answer is in the file"
    first = split(text, LIMIT - len(notice) - 1)[0]
    return Reply((f"{first}\n{notice}",), text)


def unfinished(text: str, *, question: str = "") -> str:
    """What there is of an answer that is still being written, in one message."""
    return split(_above(question) + plain(text), LIMIT - len(_MORE))[0] + _MORE


def plain(text: str) -> str:
    """Untrusted text, so that Discord shows it as it is: no markup, no link, nothing invisible."""
    escaped = _MARKUP.sub(lambda match: _escape(match.group()), visible(text))
    return _LINKED.sub(r"\\", escaped)


def _above(question: str) -> str:
    return f"> {plain(' '.join(question.split()))}\n" if question else ""


def _escape(found: str) -> str:
    """A backslash before a mark, or after the space in front of one at the start of a line."""
    return f"{found}\\" if not found.strip() else f"\\{found}"


def split(text: str, limit: int = LIMIT) -> list[str]:
    """Parts of at most `limit` characters, cut between paragraphs, else lines, else words, else anywhere.

    A code fence that is cut is closed and opened again; a block quote goes on as one; links stay whole.
    """
    parts: list[str] = []
    part = ""
    for piece in _pieces(text.strip(), limit):
        if part and len(part) + len(piece) > limit:
            parts.append(part)
            part = ""
        part += piece if part else piece.lstrip("\n")
    parts.append(part)
    return [kept for each in parts if (kept := each.rstrip())]


def _pieces(text: str, limit: int) -> list[str]:
    """Text in pieces that fit: paragraphs with the blank lines before them, cut further where they do not."""
    pieces: list[str] = []
    for block in _blocks(text):
        if len(block) <= limit:
            pieces.append(block)
        elif block.lstrip("\n").startswith("```"):
            pieces += _fences(block, limit)
        else:
            pieces += [piece for line in _lines(block) for piece in _words(line, limit)]
    return pieces


def _blocks(text: str) -> list[str]:
    """Paragraphs and whole code fences, each with the line ends before it."""
    blocks: list[str] = []
    at = 0
    while at < len(text):
        opening = _FENCE.search(text, at)
        until = opening.start() if opening else len(text)
        blocks += [match.group() for match in re.finditer(r"\n*(?:[^\n]+\n?)+|\n+", text[at:until])]
        if opening is None:
            break
        closing = re.compile(r"^```$", re.MULTILINE).search(text, opening.end())
        end = closing.end() if closing else len(text)
        blocks.append(text[opening.start() : end])
        at = end
    return blocks


def _lines(block: str) -> list[str]:
    return re.findall(r"\n*[^\n]+\n?|\n+", block)


def _fences(block: str, limit: int) -> list[str]:
    """A long code fence as several whole ones."""
    opening, _, rest = block.lstrip("\n").partition("\n")
    body = rest.removesuffix("```").rstrip("\n")
    room = limit - len(opening) - len("\n\n```\n")
    pieces, held = [], ""
    for line in body.split("\n"):
        for start in range(0, max(1, len(line)), room):
            part = line[start : start + room]
            if held and len(held) + 1 + len(part) > room:
                pieces.append(f"{opening}\n{held}\n```\n")
                held = part
            else:
                held = f"{held}\n{part}" if held else part
    return [*pieces, f"{opening}\n{held}\n```\n"]


def _words(line: str, limit: int) -> list[str]:
    """A long line in pieces; what follows a cut in a block quote is quoted as well."""
    if len(line) <= limit:
        return [line]
    mark = "> " if line.lstrip("\n").startswith("> ") else ""
    pieces, held = [], ""
    for token in _TOKEN.findall(line):
        while len(held) + len(token) > limit:
            if held.strip() and held.strip() != mark.strip():
                pieces.append(held)
                held = mark
                token = token.lstrip()  # noqa: PLW2901
            else:
                room = limit - len(held)
                pieces.append(held + token[:room])
                held, token = mark, token[room:]  # noqa: PLW2901
        held += token
    return [*pieces, held] if held.strip() and held != mark else pieces


def _footnote(number: int, citation: Citation, answer: Answer) -> str:
    """Title, date and link, and the quote below unless the answer itself is that very sentence."""
    head = f"-# [{number}] {_title(citation)}"
    if citation.date:
        head += f", {_day(citation.date)}"
    told = " ".join(citation.quote.split()) in " ".join(answer.text.split())
    return head if told else f"{head}\n> {plain(shortened(citation.quote, answer.text))}"


def _title(citation: Citation) -> str:
    title = plain(" ".join(citation.title.split())) or "article"
    link = link_to(citation)
    return f"[{title}](<{link}>)" if link else title


def link_to(citation: Citation) -> str | None:
    """The cited web article's address, with a text fragment that jumps to the sentence; None for a file."""
    if not re.match(r"https?://[^\s<>\"]+$", citation.source):
        return None
    words = citation.quote.split()
    ends = (" ".join(words),) if len(words) <= 10 else (" ".join(words[:5]), " ".join(words[-5:]))
    # a hyphen at a term's side has a meaning of its own in a text fragment
    fragment = ",".join(percent(end, safe="").replace("-", "%2D") for end in ends)
    return f"{citation.source.split('#')[0].replace(')', '%29')}#:~:text={fragment}"


def shortened(quote: str, answer: str, far: int = _FAR) -> str:
    """A quote on one line; a long one cut at word borders, with the answer kept if it stands in it."""
    line = " ".join(quote.split())
    if len(line) <= far:
        return line
    place = line.find(" ".join(answer.split())) if answer else -1
    if place < 0 or place + len(answer) <= far - 2:
        return f"{line[: line.rfind(' ', 0, far)]} …"
    start = line.rfind(" ", 0, max(1, place - _NEAR)) + 1
    end = line.find(" ", min(len(line), place + len(answer) + _NEAR))
    return f"{'… ' if start else ''}{line[start : end if end > 0 else len(line)]}{' …' if end > 0 else ''}"


def _day(iso: str) -> str:
    try:
        day = date.fromisoformat(iso)
    except ValueError:
        return plain(iso)
    return f"{day.day} {day:%B %Y}"
