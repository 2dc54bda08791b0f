"""The citation check on sentences about articles that it was never fitted on.

    python -m benchmarks.citation_check [--models data/models] [--show LABEL]

Each sentence of `training/written/supported.jsonl` whose article is in the third that is kept for this is an
answer by itself. It cites, among eight passages of its article and of others, those that a careful writer
would. Printed is which share of each kind is dropped, by all of the check, by the facts alone and by the
judge alone; what becomes of faithful sentences that cite another article; and how long a sentence takes.
"""

import argparse
import random
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bot.answering.alignment import evidence_for
from bot.answering.judging import read_with
from bot.answering.reader import Reader
from bot.answering.support import CitationCheck
from training.support_examples import Labelled, cited_for, labelled, part, passages_of, short_answers
from vectorstore.datatypes import Passage
from vectorstore.embeddings import OnnxEmbedder
from vectorstore.model_files import DEFAULT_MODEL

_SHOWN = 8  # passages
_SUPPORTED = ("faithful", "answer")
_FABRICATED = ("number", "date", "name")


def main() -> None:
    """Check every sentence, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=Path("data/models"))
    parser.add_argument("--show", default="", help="print what goes wrong with the sentences of this label")
    args = parser.parse_args()
    reader = Reader()
    embedder, check = OnnxEmbedder(DEFAULT_MODEL, args.models), CitationCheck(lambda: reader)
    passages = passages_of(embedder)
    chance = random.Random(1)  # noqa: S311
    sentences = [each for each in labelled() + short_answers() if part(each.article) == "report"]
    others = [p for title, own in passages.items() if part(title) == "report" for p in own[:1]]
    dropped: dict[str, list[str]] = {}
    judged: dict[str, list[bool]] = {}
    strayed, seconds = [], []
    for each in sentences:
        cited = cited_for(each, passages[each.article], embedder)
        far = [p for p in chance.sample(others, _SHOWN) if p.article.title != each.article]
        shown = [*far[: _SHOWN - len(cited)], *cited]
        began = time.perf_counter()
        reason = dropped_for(check, each, shown, cited, embedder)
        seconds.append(time.perf_counter() - began)
        dropped.setdefault(each.label, []).append(reason)
        judged.setdefault(each.label, []).append(judge_drops(check, each, cited, embedder))
        if each.label == args.show and bool(reason) is (each.label in _SUPPORTED):
            print(f"{each.article[:30]} | {each.sentence} | {reason}")
        if each.label == "faithful":
            strayed.append(dropped_for(check, each, shown, shown[:1], embedder))
    report(dropped, judged, strayed)
    median, p95 = 1000 * np.quantile(seconds, [0.5, 0.95])
    print(f"a sentence: median {median:.1f} ms, p95 {p95:.1f} ms")


def dropped_for(
    check: CitationCheck,
    each: Labelled,
    shown: Sequence[Passage],
    cited: Sequence[Passage],
    embedder: OnnxEmbedder,
) -> str:
    """Why the sentence is dropped; "" if it is shown."""
    checking = check.begin(each.question, shown, embedder)
    checking.feed(f"{each.sentence} {''.join(f'[{shown.index(p) + 1}]' for p in cited)}")
    checked = checking.finish()
    return "; ".join(d.reason for d in checked.dropped) if not checked.text else ""


def judge_drops(
    check: CitationCheck, each: Labelled, cited: Sequence[Passage], embedder: OnnxEmbedder
) -> bool:
    """Whether the judge by itself drops the sentence."""
    evidence = evidence_for(f"{each.question} {each.sentence}", cited, embedder)
    if evidence is None:
        return True
    read = read_with(check.models(embedder), each.sentence, evidence, each.question)
    judge = check.judges.answer if each.question else check.judges.sentence
    return judge.probability(each.sentence, evidence, read) < judge.threshold


def report(dropped: dict[str, list[str]], judged: dict[str, list[bool]], strayed: list[str]) -> None:
    """Print the shares."""
    kinds = {"fabricated (number, date, name)": _FABRICATED} | {label: (label,) for label in dropped}
    print(f"{'dropped of':32} {'sentences':>9} {'all':>6} {'facts':>6} {'judge':>6}")
    for name, labels in kinds.items():
        reasons = [reason for label in labels for reason in dropped[label]]
        facts = [reason.startswith("not in the cited passages") for reason in reasons]
        alone = [each for label in labels for each in judged[label]]
        shares = [np.mean(each) for each in ([bool(r) for r in reasons], facts, alone)]
        print(f"{name:32} {len(reasons):9} " + " ".join(f"{share:6.3f}" for share in shares))
    print(
        f"{'faithful, another article cited':32} {len(strayed):9} {np.mean([bool(r) for r in strayed]):6.3f}"
    )


if __name__ == "__main__":
    main()
