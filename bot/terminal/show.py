"""Answers on a terminal: the answer, then its footnotes. Plain text where standard output is no terminal."""

import json

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bot.answering.datatypes import Answer, Citation, Generated
from bot.answering.untrusted import visible
from bot.reply import LOOKED_UP, shortened

_FAR = 400  # characters of a quote that are shown
_FAR_SPAN = 90  # of a span in the Why view


def printable(text: str) -> str:
    """Without characters that steer a terminal, turn the writing around or are not seen: it is only text."""
    return visible(text.replace("\r\n", "\n"))


def as_json(answer: Answer, id_: object = None) -> str:
    """One line of JSON, as scripts read it. Keys: see the README."""
    citations = [
        {key: getattr(c, key) for key in ("title", "source", "quote", "start", "end")}
        | {"score": round(c.score, 4)}
        for c in answer.citations
    ]
    dropped = answer.trace.generated.dropped if answer.trace.generated else ()
    fields = {
        "id": id_,
        "question": answer.question,
        "text": answer.text,
        "abstained": answer.abstained,
        "citations": citations,
        "answerer": answer.answerer,
        "library": answer.library,
        "seconds": round(answer.seconds, 4),
        "note": answer.note,
        "dropped": [{"text": each.text, "reason": each.reason} for each in dropped],
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
    if answer.note:
        lines += ["", f"({answer.note})"]
    console.out("\n".join(lines), highlight=False)


def show_why(answer: Answer, console: Console) -> None:
    """Print what was read for an answer, the spans that may answer, and what decided."""
    trace, generated = answer.trace, answer.trace.generated
    decided = "abstained" if answer.abstained else "answered"
    if generated is not None and answer.answerer == generated.model:
        sure = f"{generated.model}, support {trace.likelihood:.2f}"
    else:
        sure = f"probability {trace.likelihood:.2f}, threshold {trace.threshold:.2f}"
    console.print(
        f"{decided}: {sure}, revision {trace.revision}", style="bold", markup=False, highlight=False
    )
    if trace.read_as != answer.question:
        console.print(f"read as: {printable(trace.read_as)}", markup=False, highlight=False)
    if generated is not None:
        _show_generated(generated, answer.note, console)
    columns = "probability", "reader", "close", "has answer", "span"
    spans = Table(*columns, box=None, pad_edge=False, header_style="dim")
    for span in trace.spans:
        scores = (
            f"{span.reader:+.1f}",
            "" if span.close is None else f"{span.close:+.1f}",
            f"{span.answers:+.1f}",
        )
        text = printable(shortened(span.text, "", _FAR_SPAN))
        spans.add_row(f"{span.probability:.2f}", *scores, Text(text))
    passages = Table("score", "meaning", "words", "passage", box=None, pad_edge=False, header_style="dim")
    for seen in trace.passages:
        where = Text(printable(f"{seen.title}, {seen.start}-{seen.end}"))
        passages.add_row(f"{seen.score:.2f}", f"{seen.dense:.2f}", f"{seen.lexical:.2f}", where)
    if trace.spans:
        console.print(spans)
    elif trace.is_looked_up:
        plain(LOOKED_UP, console, "dim")
    console.print(passages)


def _show_generated(generated: Generated, note: str, console: Console) -> None:
    """What a chat model was asked with and wrote, what that took, and what of it nobody is shown."""
    facts = [
        f"{generated.model} with {generated.prompt} ({generated.prompt_hash})",
        f"{generated.tokens_in} tokens in, {generated.tokens_out} out" if generated.tokens_in else "",
        f"cost {generated.cost:.6f}" if generated.cost else "",
        f"first token {generated.first_token:.2f} s, all {generated.seconds:.2f} s"
        if generated.seconds
        else "",
    ]
    plain(", ".join(filter(None, facts)), console, "dim")
    if note:
        plain(note, console, "yellow")
    plain("wrote:", console, "dim")
    plain(printable(generated.raw.strip()) or "(nothing)", console)
    for dropped in generated.dropped:
        told = Text.assemble(("dropped: ", "red"), printable(dropped.text), (f" ({dropped.reason})", "dim"))
        plain(told, console)
    console.print()


def plain(text: str | Text, console: Console, style: str = "") -> None:
    """Print text as it is; only a terminal gets its lines wrapped."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=not console.is_terminal)


def rendered(answer: Answer) -> RenderableType:
    """An answer in colour."""
    style = "italic" if answer.abstained else "bold"
    parts: list[RenderableType] = [Text(printable(answer.text), style=style)]
    for number, citation in enumerate(answer.citations, 1):
        head = Text.assemble((f"{number} ", "cyan"), (_where(citation), "dim"))
        parts.append(Padding(head, (1, 0, 0, 0)))
        parts.append(Padding(Text(f"> {_quote(citation, answer)}", style="green"), (0, 0, 0, 2)))
    if answer.note:
        parts.append(Padding(Text(answer.note, style="dim"), (1, 0, 0, 0)))
    return Group(*parts)


def _where(citation: Citation) -> str:
    date = f", {citation.date}" if citation.date else ""
    return printable(f"{citation.title}{date} ({citation.source})")


def _quote(citation: Citation, answer: Answer) -> str:
    """A quote behind a mark: between marks of ours, its own would be doubled."""
    return shortened(printable(citation.quote), answer.text, _FAR)
