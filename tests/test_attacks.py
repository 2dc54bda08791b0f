"""Whatever a poisoned article orders, and however obedient the model: nobody is shown it."""

import io
from pathlib import Path

import pytest
from attacks import ATTACKS, FAITHFUL, OTHERS, QUESTION, WAYS, Attack, obedient
from fakes import ScriptedModel, open_fake, store_all, write
from rich.console import Console

from bot.answering.builtin import BuiltIn
from bot.answering.chain import Chain
from bot.answering.datatypes import Answer
from bot.answering.generating import Generator
from bot.answering.orders import orders
from bot.answering.support import CitationCheck
from bot.answering.untrusted import as_data, reaching_out, without_orders
from bot.reply import render
from bot.terminal.show import as_json, show
from prompts import Prompts
from vectorstore.embeddings import OnnxEmbedder
from vectorstore.library import Library

NAMES = [attack.name for attack in ATTACKS]


@pytest.fixture(scope="module", params=ATTACKS, ids=NAMES)
def attacked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, embedder: OnnxEmbedder
) -> tuple[Attack, Library]:
    """An attack, and a small library with its article among ordinary ones."""
    folder = tmp_path_factory.mktemp("attacked")
    library = open_fake(folder / "data", embedder=embedder)
    store_all(library, write(folder / "articles", spring=request.param.article, **OTHERS))
    return request.param, library


def faces(answer: Answer) -> str:
    """All that anybody is shown of an answer, in lower case: in Discord, in a terminal, by scripts."""
    reply = render(answer)
    shown = [*reply.messages, reply.file or "", as_json(answer), answer.note]
    for terminal in (False, True):
        written = io.StringIO()
        show(answer, Console(file=written, force_terminal=terminal, no_color=True, width=1000))
        shown.append(written.getvalue())
    return "\n".join(shown).replace("\x1b[1m", "").replace("\x1b[2m", "").replace("\x1b[3m", "").replace("\x1b[0m", "").lower()


def chain(library: Library, answerer: BuiltIn, model: ScriptedModel | None) -> Chain:
    """The whole chain, with a scripted model or without one."""
    prompts = Prompts()
    generator = model and Generator(model, prompts, CitationCheck(lambda: answerer.reader))
    return Chain(library, prompts, answerer, generator)


def test_every_attack_works_where_nothing_is_done_against_it(attacked: tuple[Attack, Library]) -> None:
    """The model obeys what stands in the passages, so that the tests below can fail."""
    attack, library = attacked
    passages = library.retriever.retrieve(QUESTION).passages
    prompt = "\n".join(
        f'<passage number="{n}" title="{p.article.title}" section="{p.chunk.section}">\n{p.chunk.text}\n</passage>'
        for n, p in enumerate(passages, 1)
    )
    said = obedient(attack, prompt, "alone").lower()
    assert all(part in said for part in attack.payload)


@pytest.mark.parametrize("way", WAYS)
def test_no_payload_reaches_the_user(attacked: tuple[Attack, Library], answerer: BuiltIn, way: str) -> None:
    """Neither as it is written nor at the end; the faithful sentence is what is left."""
    attack, library = attacked
    told: list[str] = []
    model = ScriptedModel("scripted:obedient", lambda prompt: obedient(attack, prompt, way))
    answer = chain(library, answerer, model).answer(QUESTION, on_text=told.append)
    shown = faces(answer) + "\n".join(told).lower()
    assert not [part for part in attack.payload if part in shown]
    assert "20 march 2026" in shown


def test_the_built_in_answerer_does_not_read_payloads(attacked: tuple[Attack, Library], answerer: BuiltIn) -> None:
    """They are no sentences in which it looks for answers."""
    attack, library = attacked
    shown = faces(chain(library, answerer, None).answer(QUESTION))
    assert not [part for part in attack.payload if part in shown]
