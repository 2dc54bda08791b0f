"""Fit and calibrate the verifier on the paragraphs that the reader was never trained on.

    python -m training.fit_verifier QUESTIONS.json.gz … [--models data/models]

The library holds the Wikipedia paragraphs of the question files and our own articles; asked are the held-out
questions, some with the passages of their own article alone, some answerable ones without those, where the
right answer is none. A logistic regression tells right spans from wrong ones. Two thirds of the paragraphs
fit it, the others choose the threshold and draw the risk-coverage curve; the shipped weights are then fitted
on all. Writes model/verifier.json beside the reader.
"""

import argparse
import dataclasses
import hashlib
import json
import pickle
import random
import tempfile
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from benchmarks import squad
from benchmarks.reader import f1
from bot.answering.builtin import well_spelt
from bot.answering.picking import pick
from bot.answering.question import Question, understand
from bot.answering.reader import MODEL, Reader
from bot.answering.spans import Found, find
from bot.answering.verifier import FEATURES, features
from ingest.fetch import Rules
from ingest.pipeline import ingest, place_of
from training.examples import Questions
from training.sources import OURS, WRITTEN, Asked, articles, paragraph_key
from vectorstore.chroma import Connection
from vectorstore.embeddings import OnnxEmbedder
from vectorstore.lexical import LexicalIndex
from vectorstore.retrieval import Retrieval, Retriever
from vectorstore.settings import VectorstoreSettings
from vectorstore.store import Store

_SOURCES = {
    "squad20": 1.0,
    "near": 0.8,
    "article": 1.0,
    "list": 0.6,
    "said": 1.0,
    "report": 1.0,
    "entry": 0.6,
    "page": 1.0,
    "short": 1.0,
    "table": 1.0,
    "note": 1.0,
    "story": 1.0,
    "squad2train": 0.3,
    "shift_new_wiki": 0.2,
}
# of the questions, as in a library of that article alone; of our own articles all, which name no subject
_ALONE = 0.4
_RETRIEVED, _DEEP = 24, 1000  # passages
# of the answerable questions on Wikipedia are asked without their article, too; ours name no subject ("how
# many came?"), and articles of others would answer them
_FAR = 0.3
_POSITIVE = (
    "span span_high answers close close_answers margin agree sentence cover cover_near cover_passage dense "
    "behind fit fit_sentence polar_cover list_items list_enumerates"
).split()
_NEGATIVE = (
    "worst name_missing name_absent name_far misfit misfit_sentence repeats negation other_speaker no_reason "
    "other_side"
).split()
_STRENGTH = 0.3  # of the weights against the examples: 1 / the penalty's factor
_FITTED = 1  # spans of a question: with three the gain on other paragraphs is .7091 instead of .7106
# of gain: among thresholds so near to the best one the most careful is taken. Half of a standard error: that
# of the difference between two thresholds a tenth apart is .005 (1,865 questions, bootstrap)
_AS_GOOD = 0.0025
_ANSWERABLE = 2  # questions that the articles answer for each near miss, where the threshold is chosen


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """A question's spans: features (spans, features), and how right each is (F1 with the best gold)."""

    features: np.ndarray
    right: np.ndarray
    answerable: bool
    source: str
    paragraph: str


def main() -> None:
    """Collect, fit, report, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--models", type=Path, default=Path("data/models"))
    parser.add_argument("--folder", type=Path, default=MODEL)
    parser.add_argument("--limit", type=int, default=10**9, help="ask so many questions, for a trial")
    parser.add_argument("--cases", type=Path, help="where the collected cases are kept")
    args = parser.parse_args()
    if args.cases and args.cases.is_file():
        cases = pickle.loads(args.cases.read_bytes())  # noqa: S301
    else:
        cases = collect(args.files, args.models, args.folder, args.limit)
        if args.cases:
            args.cases.write_bytes(pickle.dumps(cases))
    others = [case for case in cases if int(case.paragraph, 16) % 3]
    chosen_on = [case for case in cases if not int(case.paragraph, 16) % 3]
    half = fit(others)
    threshold = report(chosen_on, *half)
    weights, bias = fit(cases)
    for name, weight in sorted(zip(FEATURES, weights, strict=True), key=lambda pair: -abs(pair[1])):
        print(f"  {name:16} {weight:6.2f}")
    fitted = {
        "reader": hashlib.sha256((args.folder / "reader.onnx").read_bytes()).hexdigest(),
        "threshold": round(threshold, 3),
        "weights": {"bias": round(float(bias), 4)}
        | {name: round(float(w), 4) for name, w in zip(FEATURES, weights, strict=True)},
        "answerable": round(float(np.mean([each.answerable for each in chosen_on])), 3),
        "curve": curve(chosen_on, *half),
    }
    (args.folder / "verifier.json").write_text(json.dumps(fitted, indent=1) + "\n", encoding="utf-8")


def collect(files: list[Path], models: Path, folder: Path, limit: int) -> list[Case]:
    """Ask every held-out question of a library of all paragraphs."""
    everything, held = Questions(files).asked, Questions(files, held=True).asked
    chance = random.Random(3)  # noqa: S311
    reader = Reader(folder)
    cases: list[Case] = []
    with tempfile.TemporaryDirectory() as work:
        retriever, embedder = library(everything + held, models, Path(work))
        for asked in chance.sample(held, len(held)):
            if len(cases) >= limit:
                break
            if chance.random() >= _SOURCES.get(asked.source, 0.0):
                continue
            question = understand(asked.question)
            found = retriever.retrieve(question.search_text, _RETRIEVED)
            own = [p for p in found.passages if _stands_in(asked, p.article.title)]
            alone = asked.source in OURS.values() or chance.random() < _ALONE
            if alone and not own:  # "opening hours on sunday", in a library of a thousand other articles
                deep = retriever.retrieve(question.search_text, _DEEP).passages
                own = [p for p in deep if _stands_in(asked, p.article.title)]
            others = tuple(p for p in found.passages if p not in own)
            near = tuple(own) if alone else found.passages
            retrieval = dataclasses.replace(found, passages=near[:8])
            cases.append(case(question, asked, retrieval, embedder, reader))
            if asked.choices and asked.source not in OURS.values() and chance.random() < _FAR:
                nothing = dataclasses.replace(asked, choices=())
                far = dataclasses.replace(found, passages=others[:8])
                cases.append(case(question, nothing, far, embedder, reader))
            if len(cases) % 200 < 2:
                print(len(cases), "asked", flush=True)
        retriever.store.connection.close()
    return cases


def library(asked: list[Asked], models: Path, work: Path) -> tuple[Retriever, OnnxEmbedder]:
    """One passage a paragraph of Wikipedia, and our own articles as they are ingested."""
    settings = VectorstoreSettings(data=work / "data", candidates=_DEEP)
    embedder = OnnxEmbedder(settings.embedding_model, models)
    connection = Connection(settings)
    store = Store(connection, "training", embedder)
    paragraphs: dict[str, list[str]] = {}
    for each in asked:
        if each.source in {"squad20", "squad2train", "shift_new_wiki"}:
            texts = paragraphs.setdefault(_readable(each.title), [])
            if each.passage not in texts:
                texts.append(each.passage)
    files = []
    ours = (article for file in OURS for article in articles(WRITTEN / file))
    for number, (title, text, _) in enumerate(ours):
        files.append(work / f"{number:03}.txt")
        files[-1].write_text(f"{title}\n\n{text}\n", encoding="utf-8")
    with connection.writing():
        for title, texts in paragraphs.items():
            made = squad.chunks(texts)
            store.replace(squad.info(title), "", made, store.embed(squad.info(title), made))
        list(ingest([place_of(file) for file in files], store, Rules(max_bytes=10**7)))
    return Retriever(store, LexicalIndex(work / "lexical")), embedder


def case(
    question: Question, asked: Asked, retrieval: Retrieval, embedder: OnnxEmbedder, reader: Reader
) -> Case:
    """The spans found for one question, and how right they are."""
    question = well_spelt(question, retrieval)
    candidates = pick(question, retrieval, embedder)
    found = find(question, retrieval.passages, candidates, reader)
    right = [_rightness(asked, each) for each in found]
    return Case(
        features(question, found),
        np.array(right, np.float32),
        bool(asked.choices),
        asked.source,
        paragraph_key(asked.passage),
    )


def _rightness(asked: Asked, found: Found) -> float:
    """F1 with the best gold answer, where the span stands in the right article."""
    if not asked.choices or not _stands_in(asked, found.passage.article.title):
        return 0.0
    golds = [asked.passage[choice[0][0] : choice[-1][1]] for choice in asked.choices]
    golds += [asked.passage[a:b] for choice in asked.choices if len(choice) > 1 for a, b in choice]
    return max(f1(found.text, gold) for gold in golds)


def _stands_in(asked: Asked, title: str) -> bool:
    return title in {asked.title, _readable(asked.title)}


def _readable(title: str) -> str:
    return title.rpartition("/")[2].replace("_", " ")


def fit(cases: list[Case]) -> tuple[np.ndarray, float]:
    """Weights and bias: right spans (F1 of a half or more) from wrong ones, among the reader's best.

    A logistic regression whose weights keep the sign that their feature's meaning gives them: many features
    say nearly the same, and without that one would be weighed against the other.
    """
    x = np.concatenate([each.features[:_FITTED] for each in cases])
    y = np.concatenate([each.right[:_FITTED] for each in cases]) >= 0.5
    scale = x.std(axis=0) + 1e-6
    rows = np.hstack([x / scale, np.ones((len(x), 1))])

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        scores = np.where(y, 1, -1) * (rows @ weights)
        slope = -np.where(y, 1, -1) / (1 + np.exp(scores))
        penalty = weights[:-1] / _STRENGTH
        value = np.logaddexp(0, -scores).sum() + penalty @ weights[:-1] / 2
        return float(value), slope @ rows + np.append(penalty, 0)

    bounds = [
        (0 if name in _POSITIVE else None, 0 if name in _NEGATIVE else None) for name in (*FEATURES, "bias")
    ]
    found = minimize(loss, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B", bounds=bounds).x
    return found[:-1] / scale, float(found[-1])


def _best(cases: list[Case], weights: np.ndarray, bias: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each question: the probability of its likeliest span, how right that is, has it an answer."""
    scores = [each.features @ weights + bias for each in cases]
    p = np.array([1 / (1 + np.exp(-score.max(initial=-30.0))) for score in scores])
    right = np.array(
        [each.right[score.argmax()] if len(score) else 0.0 for each, score in zip(cases, scores, strict=True)]
    )
    return p, right, np.array([each.answerable for each in cases])


def report(cases: list[Case], weights: np.ndarray, bias: float) -> float:
    """Print risk and coverage on unseen paragraphs; the most careful threshold of those that gain most."""
    p, right, answerable = _best(cases, weights, bias)
    rows = []
    print("threshold  F1 answerable  abstained: answerable  unanswerable  right when answered")
    for threshold in np.arange(0.05, 0.95, 0.05):
        given = p >= threshold
        kept = (given & answerable) * right
        unanswerable = 1 - given[~answerable].mean()
        gain = (_ANSWERABLE * kept[answerable].mean() + unanswerable) / (_ANSWERABLE + 1)
        rows.append((gain, threshold))
        print(
            f"{threshold:9.2f} {kept[answerable].mean():14.3f} {1 - given[answerable].mean():22.3f}"
            f" {unanswerable:13.3f} {(right[given] >= 0.5).mean():20.3f}   gain {gain:.3f}"
        )
    for source in sorted({each.source for each in cases}):
        mine = np.array([each.source == source for each in cases])
        means = f"P {p[mine & answerable].mean():.2f} / {p[mine & ~answerable].mean():.2f}"
        print(f"  {source}: {mine.sum()} questions, {means}")
    gains, thresholds = np.array(rows).T
    # each with its neighbours: from one threshold to the next the gain jumps by as much as over five
    smooth = np.convolve(np.pad(gains, 1, mode="edge"), np.ones(3) / 3, mode="valid")
    return float(max(thresholds[smooth >= smooth.max() - _AS_GOOD]))


def curve(cases: list[Case], weights: np.ndarray, bias: float) -> list[list[float]]:
    """Risk-coverage curve: threshold, share of questions answered, share of the answers that are wrong."""
    p, right, _ = _best(cases, weights, bias)
    points = []
    for threshold in np.linspace(0, 0.95, 39):
        given = p >= threshold
        if given.any():
            points.append(
                [round(float(v), 4) for v in (threshold, given.mean(), (right[given] < 0.5).mean())]
            )
    return points


if __name__ == "__main__":
    main()
