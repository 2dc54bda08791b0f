"""Draw docs/answer.svg: two real answers, as `python -m bot ask` shows them on a terminal."""

import io
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bot.answering.builtin import BuiltIn
from bot.answering.chain import Chain
from bot.terminal.show import rendered
from prompts import Prompts
from vectorstore.library import open_library
from vectorstore.settings import VectorstoreSettings

QUESTIONS = ("Who attended the meeting?", "What were the three goals?", "Who won the football match?")


def main() -> None:
    """Ask and draw; `make demo` has ingested the sample article."""
    chain = Chain(open_library(VectorstoreSettings(), "default", must_exist=True), Prompts(), BuiltIn())
    console = Console(record=True, width=100, file=io.StringIO(), force_terminal=True)
    for question in QUESTIONS:
        console.print(Text(f'$ python -m bot ask "{question}"', style="dim"))
        console.print(rendered(chain.answer(question)))
        console.print()
    console.save_svg(str(Path(__file__).parent / "answer.svg"), title="Footnote")


if __name__ == "__main__":
    main()
