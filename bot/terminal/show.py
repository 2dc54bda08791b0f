"""Answers on a terminal: the answer, then its footnotes. Plain text where standard output is no terminal."""

import json
import re
import unicodedata
from dataclasses import asdict

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from bot.answering.datatypes import Answer, Citation

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_FAR = 400  # characters of a quote that are shown


def printable(text: str) -> str:
    """Without characters that steer a terminal or turn the writing around: article text is only text."""
    return _CONTROL.sub("", text.replace("\r\n", "\n"))


def as_json(answer: Answer, id_: object = None) -> str:
    """One line of JSON, as scripts read it. Keys: see the README."""
    citations = [{k: v for k, v in asdict(c).items() if k != "date"} for c in answer.citations]
    for citation in citations:
        citation["score"] = round(citation["score"], 4)
    fields = {"id": id_, **asdict(answer), "citations": citations, "seconds": round(answer.seconds, 4)}
    keys = ["id", "question", "text", "abstained", "citations", "answerer", "library", "seconds"]
    return json.dumps({key: fields[key] for key in keys}, ensure_ascii=False)


def show(answer: Answer, console: Console) -> None:
    """Print an answer for people."""
    if console.is_terminal:
        console.print(rendered(answer))
        return
    lines = [printable(answer.text)]
    for number, citation in enumerate(answer.citations, 1):
        lines += ["", f"[{number}] {_where(citation)}", f"    “{_quote(citation)}”"]
    console.out("\n".join(lines), highlight=False)


def rendered(answer: Answer) -> RenderableType:
    """An answer in colour."""
    style = "italic" if answer.abstained else "bold"
    parts: list[RenderableType] = [Text(printable(answer.text), style=style)]
    for number, citation in enumerate(answer.citations, 1):
        head = Text.assemble((f"{number} ", "cyan"), (_where(citation), "dim"))
        parts.append(Padding(head, (1, 0, 0, 0)))
        parts.append(Padding(Text(f"“{_quote(citation)}”", style="green"), (0, 0, 0, 2)))
    return Group(*parts)


def _where(citation: Citation) -> str:
    date = f", {citation.date}" if citation.date else ""
    return printable(f"{citation.title}{date} ({citation.source})")


def _quote(citation: Citation) -> str:
    """A quote on one line; its own marks at both ends would be doubled."""
    line = " ".join(printable(citation.quote).split())
    if len(line) > _FAR:
        line = f"{line[: line.rfind(' ', 0, _FAR)]} …"
    if line[:1] in '“"' and line[-1:] in '”"' and not re.search('[“”"]', line[1:-1]):
        return line[1:-1]
    return unicodedata.normalize("NFC", line)
