"""Results that are kept, one file a run, and what has changed since an earlier one."""

import hashlib
import logging
import os
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from bot.answering.chain import Chain
from bot.answering.datatypes import Answer
from bot.terminal.evaluate import Result, asked_in_a_line, judged
from bot.terminal.show import printable
from vectorstore.datatypes import UserError

log = logging.getLogger(__name__)

LAST = "last"
_CODE = Path(__file__).parent.parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What answered which questions."""

    questions: str  # path of the question file
    questions_hash: str
    model: str  # provider:model or builtin
    prompt: str  # "" for the built-in answerer
    prompts: dict[str, str]  # hashes of the prompt files that were read, by name
    library: str
    revision: int
    k: int
    threshold: float
    code: str  # commit, "" if it is not known


@dataclass(frozen=True, slots=True)
class Run:
    """A setting and its results."""

    id: str
    setting: Setting
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A question of two runs: how it was answered before, and how it is now."""

    before: Result
    now: Result


@dataclass(frozen=True, slots=True)
class Changes:
    """Two runs of a question file, question by question."""

    against: str  # the earlier run
    settings: tuple[str, ...]  # what differs
    broken: tuple[Change, ...]
    fixed: tuple[Change, ...]
    still_right: int
    still_wrong: int
    new: tuple[Result, ...]
    gone: tuple[Result, ...]

    def counts(self) -> str:
        """How many of each."""
        return (
            f"{len(self.broken)} broken, {len(self.fixed)} fixed, {self.still_right} still right, "
            f"{self.still_wrong} still wrong, {len(self.new)} new, {len(self.gone)} gone"
        )


_RUN = TypeAdapter(Run)


def setting(chain: Chain, questions: Path) -> Setting:
    """What a question file is about to be answered by."""
    generator = chain.generator
    names = ["abstain"] if generator is None else ["abstain", "condense", generator.prompt]
    head = chain.library.store.head()
    threshold = chain.threshold
    return Setting(
        questions=str(questions.resolve()),
        questions_hash=_hash(questions.read_bytes()),
        model="builtin" if generator is None else generator.model.name,
        prompt="" if generator is None else generator.prompt,
        prompts={name: chain.prompts.load(name).hash for name in names},
        library=chain.library.store.library,
        revision=head[1] if head else 0,
        k=chain.k,
        threshold=chain.built_in.verifier.threshold if threshold is None else threshold,
        code=_code_version(),
    )


def keep(folder: Path, made_with: Setting, results: tuple[Result, ...]) -> Run:
    """Write a run's file, `DATE-TIME-HASH.json`, without the passages that were read.

    Where it cannot be written the log says so, and the run is given all the same.
    """
    bare = tuple(replace(result, answer=_without_passages(result.answer)) for result in results)
    content = _RUN.dump_json(Run("", made_with, bare))
    id_ = f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}-{_hash(content)[:6]}"
    run = Run(id_, made_with, results)
    unfinished = folder / f"{id_}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(_RUN.dump_json(replace(run, results=bare), indent=1))
        os.replace(unfinished, folder / f"{id_}.json")
        log.info("kept as run %s", run.id)
    except OSError as error:  # what was asked, and perhaps paid for, is shown all the same
        log.warning("the run cannot be kept in %s (%s)", folder, error.strerror)
    return run


def find(folder: Path, wanted: str, questions: Path) -> Run:
    """A kept run by its file, its id or the beginning of that; `last` is the newest of the question file.

    Raises UserError when there is none, or more than one.
    """
    if wanted == LAST:
        same = str(questions.resolve()), _hash(questions.read_bytes())
        for file in sorted(folder.glob("*.json"), reverse=True):
            run = _load(file)
            if run.setting.questions == same[0] or run.setting.questions_hash == same[1]:
                return run
        raise UserError(f"no earlier run of {questions} is kept: leave out --against this time")
    if (file := Path(wanted)).is_file():
        return _load(file)
    files = sorted(each for each in folder.glob("*.json") if each.name.startswith(wanted))
    if len(files) == 1:
        return _load(files[0])
    if not files:
        known = [each.stem for each in sorted(folder.glob("*.json"), reverse=True)[:5]]
        raise UserError(f"no run is called {wanted!r}; the newest are: {', '.join(known) or '(none)'}")
    raise UserError(f"{wanted!r} may be {' or '.join(each.stem for each in files[:5])}: write more of it")


def changes(before: Run, now: Run) -> Changes:
    """What is answered otherwise; earlier answers are judged by what is expected now."""
    known = {_question(result): result for result in before.results}
    pairs = [
        Change(judged(result.case, known[_question(result)].answer), result)
        for result in now.results
        if _question(result) in known
    ]
    asked = {_question(result) for result in now.results}

    def of(*, right_before: bool, right_now: bool) -> tuple[Change, ...]:
        wanted = (right_before, right_now)
        return tuple(c for c in pairs if (c.before.verdict.correct, c.now.verdict.correct) == wanted)

    return Changes(
        against=before.id,
        settings=tuple(_differences(before.setting, now.setting)),
        broken=of(right_before=True, right_now=False),
        fixed=of(right_before=False, right_now=True),
        still_right=len(of(right_before=True, right_now=True)),
        still_wrong=len(of(right_before=False, right_now=False)),
        new=tuple(result for result in now.results if _question(result) not in known),
        gone=tuple(result for result in before.results if _question(result) not in asked),
    )


def report_changes(found: Changes) -> None:
    """Print what has changed for people, the broken ones first."""
    print(f"against {found.against}: {'; '.join(found.settings) or 'the same setting'}")
    print(f"{found.counts()}\n")
    for mark, group in (("BROKEN", found.broken), ("fixed ", found.fixed)):
        for change in group:
            print(f"{mark} {asked_in_a_line(change.now.case)}")
            print(f"       before: {_line(change.before)}")
            print(f"       now:    {_line(change.now)}")
    for mark, results in (("new   ", found.new), ("gone  ", found.gone)):
        for result in results:
            print(f"{mark} {asked_in_a_line(result.case)} ({result.verdict})")
    print()


def changes_as_json(found: Changes) -> dict[str, object]:
    """What has changed, by the questions' ids."""
    return {
        "run": found.against,
        "settings": found.settings,
        "broken": [change.now.case.id for change in found.broken],
        "fixed": [change.now.case.id for change in found.fixed],
        "still_right": found.still_right,
        "still_wrong": found.still_wrong,
        "new": [result.case.id for result in found.new],
        "gone": [result.case.id for result in found.gone],
    }


# ---- inside


def _load(file: Path) -> Run:
    try:
        return _RUN.validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise UserError(f"{file} is no run that this version has kept: name another, or remove it") from error


def _question(result: Result) -> tuple[object, ...]:
    """What makes it the same question."""
    return result.case.id, result.case.question, result.case.history


def _differences(before: Setting, now: Setting) -> Iterator[str]:
    old, new = asdict(before), asdict(now)
    if old.pop("questions_hash") != new.pop("questions_hash"):
        yield "the question file has changed"
    for what in ("questions", "prompts"):
        del old[what], new[what]
    for what, value in new.items():
        if value != old[what]:
            yield f"{what} {old[what] or '(none)'} → {value or '(none)'}"
    for name in before.prompts.keys() & now.prompts.keys():
        if before.prompts[name] != now.prompts[name]:
            yield f"prompts/{name}.md {before.prompts[name]} → {now.prompts[name]}"


def _line(result: Result) -> str:
    return f"{printable(' '.join(result.answer.text.split()))} ({result.verdict})"


def _without_passages(answer: Answer) -> Answer:
    return replace(answer, trace=replace(answer.trace, passages=(), spans=()))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def _code_version() -> str:
    """The commit that is checked out, and whether it was changed since; "" outside a checkout."""
    if not (_CODE / ".git").exists():
        return ""
    command = ["git", "-C", str(_CODE), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
