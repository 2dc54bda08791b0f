"""Several prompts or models on the same passages, side by side; the built-in answerer counts as one."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.answering.chain import Asked, Chain
from bot.answering.datatypes import Answer
from bot.answering.generating import Generator
from bot.answering.opening import open_generator, open_model
from bot.reply import shortened
from bot.settings import ChatSettings
from bot.terminal.differences import Runs, differences
from bot.terminal.show import printable
from prompts import PromptError
from vectorstore.datatypes import UserError

BUILT_IN = "builtin"
_FAR_TITLE, _FAR_QUOTE = 30, 110  # characters of a footnote beside others
_NARROWEST = 30  # characters of a column; below that the answers stand below one another


def opener(settings: ChatSettings, chain: Chain) -> Callable[[str], Generator | None]:
    """What opens an answerer by its name: `builtin`, a prompt, `provider:model` or `provider:model@prompt`.

    What a name leaves out is as in the chain, or else as in the settings. The function raises UserError for
    a name that cannot be opened; a model is set up once.
    """

    @cache
    def model_called(name: str) -> Generator:
        if chain.generator is not None:
            if name in {"", chain.generator.model.name}:
                return chain.generator
            return replace(chain.generator, model=open_model(settings, name))
        if not name:
            raise UserError("a prompt needs a chat model: set LLM, or write provider:model@prompt")
        opened = open_generator(settings.model_copy(update={"model": name}), chain.prompts, chain.built_in)
        assert opened is not None  # noqa: S101  (a model is named)
        return opened

    def open_(name: str) -> Generator | None:
        if name == BUILT_IN:
            return None
        model, _, prompt = name.rpartition("@")
        if not model and ":" in prompt:
            model, prompt = prompt, ""
        try:
            opened = model_called(model)
            return replace(opened, prompt=prompt) if prompt else opened
        except PromptError as error:  # written for prompt authors, who see the terminal
            raise UserError(str(error)) from error

    return open_


def answers_by(
    names: Sequence[str], chain: Chain, asked: Asked, open_: Callable[[str], Generator | None]
) -> list[tuple[str, Answer]]:
    """What each answerer makes of the same passages. Raises UserError as `open_` does."""
    answerers = [(name, replace(chain, generator=open_(name))) for name in names]
    return [(name, answerer.answer_from(asked)) for name, answerer in answerers]


def side_by_side(answers: Sequence[tuple[str, Answer]], console: Console) -> None:
    """Print answers in columns, or below one another where there is no room; what differs stands out."""
    texts = differences([printable(answer.text) for _, answer in answers])
    cells = [(name, _cell(a, runs, console)) for (name, a), runs in zip(answers, texts, strict=True)]
    if console.width // len(cells) < _NARROWEST:
        for name, cell in cells:
            console.print(Text(name, style="bold cyan"), cell, "", sep="\n", highlight=False)
        return
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold cyan", expand=True)
    for name, _ in cells:
        table.add_column(Text(name), ratio=1, overflow="fold")
    table.add_row(*(cell for _, cell in cells))
    console.print(table)


def _cell(answer: Answer, runs: Runs, console: Console) -> Text:
    """An answer, its footnotes, what was dropped of it, and what it took."""
    text = _marked(runs, coloured=console.is_terminal and not console.no_color)
    for number, citation in enumerate(answer.citations, 1):
        quote = shortened(printable(citation.quote), answer.text, _FAR_QUOTE)
        title = shortened(printable(citation.title), "", _FAR_TITLE)
        text.append(f"\n[{number}] {title}", "dim").append(f"\n> {quote}", "green")
    generated = answer.trace.generated
    for dropped in generated.dropped if generated else ():
        text.append(f"\ndropped: {printable(dropped.text)} ({printable(dropped.reason)})", "red")
    if answer.note:
        text.append(f"\n{answer.note}", "yellow")
    return text.append(f"\n{took(answer)}", "dim")


def _marked(runs: Runs, *, coloured: bool) -> Text:
    """What differs in colour, or between asterisks where there is none."""
    text = Text()
    for run, own in runs:
        bare = run.rstrip()
        if own and coloured:
            text.append(bare, "black on yellow")
        else:
            text.append(f"*{bare}*" if own else bare)
        text.append(run[len(bare) :])
    return text


def took(answer: Answer) -> str:
    """Seconds, and what a chat model used."""
    told = [f"{answer.seconds:.2f} s"]
    if (generated := answer.trace.generated) is not None:
        told.append(f"{generated.tokens_in} + {generated.tokens_out} tokens")
        if generated.cost:
            told.append(f"cost {generated.cost:.4f}")
    return ", ".join(told)
