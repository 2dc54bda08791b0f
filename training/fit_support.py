"""Fit and calibrate the judge of the citation check on articles that the entailment model never saw.

    python -m training.fit_support [--models data/models]

Two ninths of our own articles fit it and choose the threshold, by cross-validation; a third of them is left
to `benchmarks.citation_check`. A sentence cites the passages that a careful writer would. Writes
model/support.json beside the entailment model.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict

from bot.answering.alignment import evidence_for
from bot.answering.entailment import Entailment
from bot.answering.judging import FEATURES, Models, features, read_with
from bot.answering.missing import missing_in
from bot.answering.reader import MODEL, Reader
from training.support_examples import Labelled, cited_for, labelled, part, passages_of, short_answers
from vectorstore.datatypes import Passage
from vectorstore.embeddings import OnnxEmbedder
from vectorstore.model_files import DEFAULT_MODEL

_STRENGTH = 1.0  # inverse of the penalty on the weights
_DROPPED = 0.05  # of what is supported, where the threshold is chosen
# a name alone is easily the wrong one, and the prompt asks for sentences
_LEAST = {"sentence": 0.0, "answer": 0.75}
_FABRICATED = ("number", "date", "name")


def main() -> None:
    """Collect, fit, report, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=Path("data/models"))
    parser.add_argument("--folder", type=Path, default=MODEL)
    args = parser.parse_args()
    embedder = OnnxEmbedder(DEFAULT_MODEL, args.models)
    models = Models(Reader(args.folder), Entailment(args.folder), embedder)
    passages = passages_of(embedder)
    fitted: dict[str, object] = {
        "entailment": hashlib.sha256((args.folder / "support.onnx").read_bytes()).hexdigest(),
        "reader": hashlib.sha256((args.folder / "reader.onnx").read_bytes()).hexdigest(),
    }
    for kind, examples in (("sentence", labelled()), ("answer", short_answers())):
        chosen = [each for each in examples if part(each.article) == "calibrate"]
        fitted[kind] = fit(kind, chosen, *collect(chosen, passages, models))
    (args.folder / "support.json").write_text(json.dumps(fitted, indent=1) + "\n", encoding="utf-8")


def fit(kind: str, chosen: list[Labelled], x: np.ndarray, missing: np.ndarray) -> dict[str, object]:
    """Weights and threshold; prints what is dropped of each label."""
    labels = np.array([each.label for each in chosen])
    y = np.isin(labels, ("faithful", "answer"))
    model = LogisticRegression(C=_STRENGTH, max_iter=2000)
    groups = [each.article for each in chosen]
    unseen = cross_val_predict(model, x, y, groups=groups, cv=GroupKFold(5), method="predict_proba")[:, 1]
    kept = np.where(missing, 0.0, unseen)
    threshold = max(float(np.quantile(kept[y], _DROPPED)), _LEAST[kind])
    for label in dict.fromkeys(labels):
        mine = labels == label
        print(f"{label:12} {mine.sum():4} sentences, dropped {np.mean(kept[mine] < threshold):.3f}")
    if (fabricated := np.isin(labels, _FABRICATED)).any():
        print(f"fabricated numbers, dates and names dropped {np.mean(kept[fabricated] < threshold):.3f}")
    model.fit(x, y)
    weights = {name: round(float(w), 4) for name, w in zip(FEATURES, model.coef_[0], strict=True)}
    for name, weight in sorted(weights.items(), key=lambda pair: -abs(pair[1])):
        print(f"  {name:16} {weight:6.2f}")
    weights["bias"] = round(float(model.intercept_[0]), 4)
    return {"threshold": round(threshold, 3), "weights": weights}


def collect(
    chosen: list[Labelled], passages: dict[str, tuple[Passage, ...]], models: Models
) -> tuple[np.ndarray, np.ndarray]:
    """Features, shape (sentences, features), and which sentences lack a fact."""
    rows, missing = [], []
    for each in chosen:
        cited = cited_for(each, passages[each.article], models.embedder)
        evidence = evidence_for(f"{each.question} {each.sentence}", cited, models.embedder)
        assert evidence is not None  # noqa: S101  (no passage of ours is empty)
        read = read_with(models, each.sentence, evidence, each.question)
        rows.append(features(each.sentence, evidence, read))
        missing.append(bool(missing_in(cited, each.sentence, each.question)))
    return np.array(rows), np.array(missing)


if __name__ == "__main__":
    main()
