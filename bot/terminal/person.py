"""A person at the REPL: editing, history, completion, colours, and the line below that says what answers."""

from collections.abc import Callable, Iterator
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import FileHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import Lexer
from prompt_toolkit.styles import Style

from bot.terminal.commands import COMMANDS
from bot.terminal.lab import Lab

_STYLE = Style.from_dict(
    {
        "prompt": "bold ansicyan",
        "command": "ansicyan",
        "bottom-toolbar": "noreverse ansibrightblack",
        "bottom-toolbar.value": "ansicyan",
    }
)


class Person:
    """Who types at the terminal; the history of what was typed is kept in a file."""

    def __init__(self, lab: Lab, history: Path) -> None:
        self._lab, kept = lab, FileHistory(str(history))
        used = (line.split() for line in kept.load_history_strings() if line.startswith(":model "))
        lab.models |= dict.fromkeys(words[1] for words in used if len(words) > 1)
        self._session: PromptSession[str] = PromptSession(
            [("class:prompt", "> ")],
            style=_STYLE,
            history=kept,
            completer=Completions(lab),
            lexer=_Commands(),
            key_bindings=_keys(),
            multiline=True,  # so that pasted lines stay one question; Enter sends nevertheless
            prompt_continuation="  ",
            bottom_toolbar=self._toolbar,
            reserve_space_for_menu=6,
        )

    def lines(self) -> Iterator[tuple[int, str]]:
        """What is typed, numbered; Ctrl-C clears the line, Ctrl-D ends."""
        number = 0
        while True:
            try:
                line = self._session.prompt().strip()
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            if line:
                number += 1
                yield number, line

    @staticmethod
    def asks(question: str) -> str:
        """The answer to a question of ours; "" if it is left with Ctrl-D."""
        try:
            answer: str = PromptSession[str]([("class:prompt", question)], style=_STYLE).prompt()
        except EOFError:
            return ""
        return answer

    def _toolbar(self) -> StyleAndTextTuples:
        lab = self._lab
        pairs = {"model": lab.model, "prompt": lab.prompt, "library": lab.library, "k": str(lab.k)}
        told: StyleAndTextTuples = []
        for name, value in pairs.items():
            told += [("", f"  {name} "), ("class:bottom-toolbar.value", value)]
        return told


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter")
    def send(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.document.text_before_cursor.endswith("\\"):
            buffer.delete_before_cursor()
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def go_on(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys


class _Commands(Lexer):
    """Commands in colour."""

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        style = "class:command" if document.text.startswith(":") else ""
        return lambda line: [(style, document.lines[line])]


class Completions(Completer):
    """Completes commands, and of their arguments the last, from what there is in the lab."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def get_completions(self, document: Document, _: CompleteEvent) -> Iterator[Completion]:
        """Of what stands before the cursor."""
        text = document.text_before_cursor
        if not text.startswith(":"):
            return
        name, space, argument = text[1:].partition(" ")
        if not space:
            for command in COMMANDS.values():
                if command.name.startswith(name):
                    yield Completion(
                        f":{command.name}",
                        -len(text),
                        display=f":{command.name} {command.takes}",
                        display_meta=command.does,
                    )
        elif (found := COMMANDS.get(name)) is not None:
            word = argument.split(" ")[-1]
            for choice in found.choices(self._lab, word):
                if choice.startswith(word):
                    yield Completion(choice, -len(word))
