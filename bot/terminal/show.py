"""Answers on a terminal: the answer, then its footnotes. Plain text where standard output is no terminal."""

import json
import re

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from bot.answering.datatypes import Answer, Citation
from bot.reply import shortened

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_FAR = 400  # characters of a quote that are shown


def printable(text: str) -> str:
    """Without characters that steer a terminal or turn the writing around: article text is only text."""
    return _CONTROL.sub("", text.replace("\r\n", "\n"))


def as_json(answer: Answer, id_: object = None) -> str:
    """One line of JSON, as scripts read it. Keys: see the README."""
    citations = [
        {key: getattr(c, key) for key in ("title", "source", "quote", "start", "end")}
        | {"score": round(c.score, 4)}
        for c in answer.citations
    ]
    fields = {
        "id": id_,
        "question": answer.question,
        "text": answer.text,
        "abstained": answer.abstained,
        "citations": citations,
        "answerer": answer.answerer,
        "library": answer.library,
        "seconds": round(answer.seconds, 4),
    }
    return json.dumps(fields, ensure_ascii=False)


def show(answer: Answer, console: Console) -> None:
    """Print an answer for people."""
    if console.is_terminal:
        console.print(rendered(answer))
        return
    lines = [printable(answer.text)]
    for number, citation in enumerate(answer.citations, 1):
        lines += ["", f"[{number}] {_where(citation)}", f"    > {_quote(citation, answer)}"]
    console.out("\n".join(lines), highlight=False)


def rendered(answer: Answer) -> RenderableType:
    """An answer in colour."""
    style = "italic" if answer.abstained else "bold"
    parts: list[RenderableType] = [Text(printable(answer.text), style=style)]
    for number, citation in enumerate(answer.citations, 1):
        head = Text.assemble((f"{number} ", "cyan"), (_where(citation), "dim"))
        parts.append(Padding(head, (1, 0, 0, 0)))
        parts.append(Padding(Text(f"> {_quote(citation, answer)}", style="green"), (0, 0, 0, 2)))
    return Group(*parts)


def _where(citation: Citation) -> str:
    date = f", {citation.date}" if citation.date else ""
    return printable(f"{citation.title}{date} ({citation.source})")


def _quote(citation: Citation, answer: Answer) -> str:
    """A quote behind a mark: between marks of ours, its own would be doubled."""
    return shortened(printable(citation.quote), answer.text, _FAR)
