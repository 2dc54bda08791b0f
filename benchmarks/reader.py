"""The reader by itself, the passage given: SQuAD 2.0, and the lists of MultiSpanQA.

    python -m benchmarks.reader SQUAD.json.gz MULTISPANQA.jsonl [--model FOLDER] [--limit N]

SQuAD 2.0: F1 of all questions (at the best threshold, as on the leaderboard) and of the answerable ones
alone (an answer forced), AUC of "has an answer". MultiSpanQA: partial-match and exact-match F1
of the items. Both by the definitions of the data sets' own scripts.
"""

import argparse
import collections
import difflib
import json
import re
import string
from pathlib import Path

import numpy as np

from benchmarks import squad
from bot.answering import lists
from bot.answering.reader import MODEL, Reader


def main() -> None:
    """Read both files' questions, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("squad", type=Path)
    parser.add_argument("lists", type=Path)
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--limit", type=int, default=10**9)
    args = parser.parse_args()
    reader = Reader(args.model)
    on_squad(reader, args.squad, args.limit)
    on_lists(reader, args.lists, args.limit)


def on_squad(reader: Reader, file: Path, limit: int) -> None:
    """SQuAD 2.0 with the gold paragraph given."""
    _, questions = squad.read(file)
    asked = questions[:: max(1, len(questions) // limit)]
    scores, f1s, exacts = [], [], []
    for question in asked:
        title_free = reader.read(question.text, [question.paragraph])
        best = max(
            ((*reading.spans(1)[0], reading.answers) for reading in title_free), key=lambda each: each[0]
        )
        score, (start, end), answers = best
        scores.append(score / 2 + answers)
        text = question.paragraph[start:end]
        f1s.append(max((f1(text, gold) for gold in question.answers), default=0.0))
        exacts.append(max((normalised(text) == normalised(gold) for gold in question.answers), default=False))
    has = np.array([bool(question.answers) for question in asked])
    told, right = np.array(scores), np.array(f1s)
    print(f"SQuAD 2.0, {len(asked)} questions, {(~has).sum()} unanswerable, gold paragraph given")
    print(
        f"  answerable only: EM {100 * np.mean(np.array(exacts)[has]):.1f}  F1 {100 * right[has].mean():.1f}"
    )
    print(f"  has an answer: AUC {auc(told, has):.3f}")
    best, threshold = best_f1(told, right, has)
    print(f"  all: F1 {100 * best:.1f} at threshold {threshold:.2f}", flush=True)


def on_lists(reader: Reader, file: Path, limit: int) -> None:
    """MultiSpanQA."""
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()][:limit]
    found, gold = [], []
    for row in rows:
        spans = lists.items(row["context"], reader.read(row["question"], [row["context"]]))
        found.append({" ".join(row["context"][a:b].split()) for a, b in spans})
        gold.append({" ".join(item.split()) for item in row["gold_items"]})
    partial, exact = list_scores(gold, found)
    print(
        f"MultiSpanQA, {len(rows)} questions: F1 partial {100 * partial:.1f}, exact match {100 * exact:.1f}"
    )


def list_scores(gold: list[set[str]], found: list[set[str]]) -> tuple[float, float]:
    """Partial-match and exact-match F1, micro-averaged over items (Li et al. 2022)."""
    predicted, wanted = sum(max(len(f), 1) for f in found), sum(max(len(g), 1) for g in gold)
    exact = sum(len({_norm(i) for i in g} & {_norm(i) for i in f}) for g, f in zip(gold, found, strict=True))
    precise = recalled = 0.0
    for g, f in zip(gold, found, strict=True):
        common = {(a, b): _common(a, b) for a in g for b in f}
        precise += sum(max((common[a, b] / len(b) for a in g), default=0.0) for b in f if b)
        recalled += sum(max((common[a, b] / len(a) for b in f), default=0.0) for a in g if a)
    return _f1(precise / predicted, recalled / wanted), _f1(exact / predicted, exact / wanted)


def _norm(item: str) -> str:
    return item.lower().strip()


def _common(a: str, b: str) -> int:
    return difflib.SequenceMatcher(None, a, b, autojunk=False).find_longest_match().size


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def normalised(text: str) -> str:
    """Lower case, without punctuation, articles and doubled spaces: SQuAD's own rule."""
    bare = "".join(letter for letter in text.lower() if letter not in set(string.punctuation))
    return " ".join(re.sub(r"\b(?:a|an|the)\b", " ", bare).split())


def f1(text: str, gold: str) -> float:
    """F1 of the words of an answer: SQuAD's own rule."""
    ours, theirs = normalised(text).split(), normalised(gold).split()
    if not ours or not theirs:
        return float(ours == theirs)
    common = sum((collections.Counter(ours) & collections.Counter(theirs)).values())
    return 2 * common / (len(ours) + len(theirs))


def auc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Area under the ROC curve: how often an answerable question scores above an unanswerable one."""
    ranks = scores.argsort().argsort() + 1.0
    n, m = positive.sum(), (~positive).sum()
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * m))


def best_f1(scores: np.ndarray, f1s: np.ndarray, has: np.ndarray) -> tuple[float, float]:
    """The highest F1 over all questions that any threshold reaches, and that threshold."""
    order = scores.argsort()[::-1]
    gains = np.where(has[order], f1s[order], -1.0)  # answering an unanswerable question loses its point
    totals = (~has).sum() + np.concatenate([[0.0], gains.cumsum()])
    place = int(totals.argmax())
    return float(totals[place] / len(scores)), float(scores[order][max(0, place - 1)])


if __name__ == "__main__":
    main()
