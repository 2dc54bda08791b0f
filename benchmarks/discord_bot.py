"""The Discord bot against a loopback Discord: acknowledgement, answers, sustained load, a blocked loop.

python -m benchmarks.discord_bot [--seconds 60]

Bot and loopback server share one process and its event loop, so every figure holds the server's own work too;
Discord's own latency is left out. The ingest that saturates the machine is a process of its own.
"""

import argparse
import asyncio
import contextlib
import gc
import itertools
import logging
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))  # the loopback Discord lives with the tests

from discord_kit import Stage, stage  # noqa: E402

from benchmarks.pipeline import QUESTIONS, write_articles  # noqa: E402
from bot.answering.builtin import BuiltIn  # noqa: E402
from bot.answering.chat_model import Messages, Patience, Usage, tokens  # noqa: E402
from bot.answering.generating import Generator  # noqa: E402
from bot.answering.support import CitationCheck  # noqa: E402
from bot.libraries import Libraries  # noqa: E402
from bot.settings import BotSettings  # noqa: E402
from prompts import Prompts  # noqa: E402
from vectorstore.library import Shelf  # noqa: E402
from vectorstore.settings import VectorstoreSettings  # noqa: E402

_members = itertools.count(10_000)


def main() -> None:
    """Run every measurement and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    seconds = parser.parse_args().seconds
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), seconds))


async def measure(folder: Path, seconds: float) -> None:
    """Build a library with the sample article, connect, measure."""
    data = folder / "data"
    data.mkdir()
    (data / "models").symlink_to(ROOT / "data" / "models", target_is_directory=True)
    ingest(data, ROOT / "articles").wait()
    write_articles(folder / "more", articles=200)
    async with stage(folder) as scene:
        scene.libraries = Libraries(Shelf(VectorstoreSettings(data=data)), Prompts(), BotSettings())
        await process_start(scene, data)
        scene.libraries.shared()
        gc.collect()
        gc.freeze()  # as bot.discord_main does
        async with scene.connected(most=10_000):
            await asyncio.gather(*(ask(scene) for _ in range(10)))  # warm up
            idle = [await ask(scene) for _ in range(60)]
            tell("acknowledged, idle", [ack for ack, _ in idle])
            tell("answered, idle", [answered for _, answered in idle])
            burst = await asyncio.gather(*(ask(scene) for _ in range(60)))
            tell("acknowledged, 60 at once", [ack for ack, _ in burst])
            tell("answered, 60 at once", [answered for _, answered in burst])
            running = ingest(data, folder / "more", "--library", "other")
            busy = []
            while running.poll() is None:
                busy.append(await ask(scene))
            tell("acknowledged, beside an ingest", [ack for ack, _ in busy])
            tell("answered, beside an ingest", [answered for _, answered in busy])
            await sustained(scene, seconds)
        await streamed(scene, data, seconds / 2)


# `python -m bot`, but for where Discord is
_PROCESS = """
import sys, yarl, discord
discord.http.Route.BASE = sys.argv[1] + "api/v10"
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(sys.argv[1].replace("http", "ws"))
from bot.discord_main import run_discord
run_discord()
"""


async def process_start(scene: Stage, data: Path, rounds: int = 3) -> None:
    """From the start of a new process to READY, imports, model and index included."""
    environment = {**os.environ, "FOOTNOTE_DATA": str(data), "DISCORD_TOKEN": "MTAwMA.x.y"}
    url = f"http://127.0.0.1:{scene.discord.port}/"
    seconds = []
    for _ in range(rounds):
        before = scene.discord.identified
        began = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _PROCESS, url, cwd=ROOT, env=environment
        )
        await scene.discord.wait_for(lambda before=before: scene.discord.identified > before, 60)
        seconds.append(time.perf_counter() - began)
        process.terminate()
        await process.wait()
    tell("process start to READY", seconds)


def ingest(data: Path, articles: Path, *more: str) -> subprocess.Popen[bytes]:
    """`python -m ingest` in a process of its own."""
    environment = {**os.environ, "FOOTNOTE_DATA": str(data)}
    command = [sys.executable, "-m", "ingest", str(articles), *more]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)


async def ask(scene: Stage) -> tuple[float, float]:
    """Seconds to the acknowledgement and to the final answer of one question, each by another member."""
    number, server = next(_members), scene.discord
    question = QUESTIONS[number % len(QUESTIONS)]
    began = time.perf_counter()
    interaction = await server.slash("ask", question=question, member=str(number))
    await server.wait_for(lambda: interaction["id"] in server.callbacks, 60)
    acknowledged = time.perf_counter() - began
    await final(scene, interaction)
    return acknowledged, time.perf_counter() - began


async def final(scene: Stage, interaction: dict[str, Any]) -> None:
    """The answer is there: neither a place in the queue nor the beginning of it, which have no buttons."""
    answers, token = scene.discord.answers, interaction["token"]
    await scene.discord.wait_for(lambda: answers.get(token, {}).get("components"), 60)


async def sustained(scene: Stage, seconds: float, asking: int = 16) -> None:
    """So many members who each ask again as soon as they have their answer."""
    began = time.perf_counter()
    until = began + seconds
    taken: list[float] = []
    worst = 0.0

    async def member() -> None:
        while time.perf_counter() < until:
            taken.append((await ask(scene))[1])

    async def watch() -> None:
        nonlocal worst
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            worst = max(worst, time.perf_counter() - before - 0.005)

    watching = asyncio.create_task(watch())
    await asyncio.gather(*(member() for _ in range(asking)))
    took = time.perf_counter() - began
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    tell(f"answered, {asking} members at a time", taken)
    rate = len(taken) / took
    print(f"sustained for {seconds:.0f} s: {rate:.1f} answers/s, loop blocked {1000 * worst:.0f} ms at worst")


class Typist:
    """A chat model that writes a sentence of the first passage, again and again, at 50 words a second."""

    name, patience = "scripted:typist", Patience()

    def stream(
        self, messages: Messages, on_text: Callable[[str], None], _patience: Patience | None = None
    ) -> Usage:
        """About four seconds of it."""
        self.began = time.perf_counter()
        shown = "\n".join(text for _, text in messages)
        told = re.search(r'<passage number="1"[^>]*>\s*(.{20,}?)[.!?]\s', shown, re.DOTALL)
        sentence = f"{' '.join(told[1].split())} [1]. " if told else "Nobody knows. "
        for word in re.findall(r"\S+ ", sentence * 40)[:200]:
            on_text(word)
            time.sleep(0.02)
        return Usage(tokens(messages), 200, 0.0, time.perf_counter() - self.began)


async def streamed(scene: Stage, data: Path, seconds: float) -> None:
    """A chat model's answer, alone and while 16 members are answered at a time."""
    built_in, prompts, model = BuiltIn(), Prompts(), Typist()
    generator = Generator(model, prompts, CitationCheck(lambda: built_in.reader))  # type: ignore[arg-type]
    shelf = Shelf(VectorstoreSettings(data=data))
    scene.libraries = Libraries(shelf, prompts, BotSettings(), built_in=built_in, generator=generator)
    async with scene.connected(most=10_000, workers=16):
        before = len(scene.discord.requests)
        interaction = await scene.discord.slash("ask", question=QUESTIONS[0], member=str(next(_members)))
        await scene.discord.answer_to(interaction, 60)
        first = time.perf_counter() - model.began
        await scene.discord.wait_for(
            lambda: scene.discord.answers[interaction["token"]].get("components"), 60
        )
        took = time.perf_counter() - model.began
        edits = sum(method == "PATCH" for method, _, _ in scene.discord.requests[before:])
        print(f"a chat model's first text after {1000 * first:.0f} ms, {edits} edits in {took:.1f} s")
        await sustained(scene, seconds)


def tell(what: str, values: list[float]) -> None:
    """One line."""
    median, p95 = np.percentile(values, [50, 95])
    print(
        f"{what:34} median {median:.3f} s, p95 {p95:.3f} s, worst {max(values):.3f} s ({len(values)})",
        flush=True,
    )


if __name__ == "__main__":
    main()
