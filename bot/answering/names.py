"""The names of a text, and whether another text has them: in full, in part, in other spellings."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from bot.answering.facts import Fact, Kind
from bot.answering.figures import figures
from bot.answering.question import FUNCTION_WORDS
from vectorstore.datatypes import Span
from vectorstore.lexical import stem_of

_TOKEN = re.compile(r"[^\W_]+(?:[-’'.][^\W_]+)*")
_OWNER = re.compile(r"[’']s?$")  # "Ann's Bob" are two
# with a capital only because a sentence begins with them
_OPENERS = frozenset(
    "neither besides thereafter although though despite however meanwhile afterwards today yesterday finally "
    "additionally furthermore moreover according unlike like among amongst whereas unless only even instead "
    "later earlier originally currently since within across along beyond following yes no next last "
    "reportedly allegedly apparently usually normally eventually probably unfortunately consequently "
    "recently subsequently previously initially similarly roughly nearly mostly mainly partly generally "
    "typically notably specifically ultimately historically traditionally only both each every all "
    "most many some none several".split()
)
_OPENS = '.!?:“"‘(—;-'
_SHOUTED = ("US", "IT", "WHO")
_TOGETHER = 2  # words from one part of a name to the next, at most
_TITLES = frozenset("mr mrs ms miss dr prof professor sir madam".split())


@lru_cache(maxsize=8192)
def names(text: str) -> tuple[Fact, ...]:
    """The names of a text: runs of capitalised words; one alone at the start of a sentence is not firm."""
    dated = [fact.span for fact in figures(text)]
    tokens = [t for t in _TOKEN.finditer(text) if not any(a < t.end() and t.start() < b for a, b in dated)]
    runs: list[list[re.Match[str]]] = []
    for place, token in enumerate(tokens):
        if not _capital(token.group()):
            continue
        if runs and _adjoins(text, tokens, runs[-1][-1], place):
            runs[-1].append(token)
        else:
            runs.append([token])
    return tuple(fact for run in runs if (fact := _name(text, run)) is not None)


def _capital(word: str) -> bool:
    return word[0].isupper() or (any(c.isdigit() for c in word) and any(c.isalpha() for c in word))


def _adjoins(text: str, tokens: list[re.Match[str]], last: re.Match[str], place: int) -> bool:
    between = text[last.end() : tokens[place].start()]
    return bool(re.fullmatch(r"\.?[\s-]{1,2}", between)) and not _OWNER.search(last.group())


def _name(text: str, run: list[re.Match[str]]) -> Fact | None:
    before = text[: run[0].start()].rstrip()
    opens = not before or before[-1] in _OPENS
    if opens and folded(run[0].group()) in FUNCTION_WORDS | _OPENERS and run[0].group() not in _SHOUTED:
        run, opens = run[1:], False
    said = [token.group() for token in run]
    words = tuple(word for word in said if _says_who(word))
    if not words:
        return None
    span = (run[0].start(), run[-1].end())
    alone = len(said) == 1 and words[0][1:].islower()
    values = frozenset(map(folded, words))
    return Fact(Kind.NAME, text[slice(*span)], span, values, firm=not (opens and alone), words=words)


def _says_who(word: str) -> bool:
    """Whether a capitalised word is more than a title, an initial, or a little word."""
    plain = folded(word)
    little = plain in FUNCTION_WORDS and not word.isupper()
    return plain not in _TITLES and len(plain) > 1 and not little and not word.startswith(("I’", "I'"))


@lru_cache(maxsize=65536)
def folded(word: str) -> str:
    """A word without case, accents, possessive and hyphens."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
    plain = re.sub(r"[’']s$|[’']$", "", plain.casefold())
    return re.sub(r"[-’'.]", "", plain)


# a country or region and who or what is of it; an ending alone would take Australians for Austrians
_PLACES = {
    word: group.split()[0]
    for group in (Path(__file__).parent / "places.txt").read_text("utf-8").splitlines()
    for word in group.split()
}


@lru_cache(maxsize=65536)
def forms(word: str) -> frozenset[str]:
    """What a word may be compared by: folded, its stem, the country of an adjective."""
    plain = folded(word)
    found = {plain, stem_of(plain)}
    if word[:1].isupper():
        found |= {place for form in (plain, plain.removesuffix("s")) if (place := _PLACES.get(form))}
    return frozenset(found)


@lru_cache(maxsize=65536)
def all_forms(word: str) -> frozenset[str]:
    """The forms of a word and of what a hyphen or an apostrophe joins in it: "30-day" has days."""
    return forms(word).union(*map(forms, _parts(word)))


def _parts(word: str) -> list[str]:
    found = [part for part in re.split(r"[-’']", word) if len(part) > 1]
    return found if len(found) > 1 else []


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text in the order of the text, by their forms, and what its capitals spell."""

    places: dict[str, tuple[int, ...]]  # form -> which words
    lower: frozenset[str]  # forms that stand in lower case
    initials: frozenset[str]  # of runs of capitalised words: "World Health Organization" is "who"

    def has(self, name: tuple[str, ...]) -> bool:
        """Whether a name stands in the text: each word, and neighbours near each other.

        What the text also has in lower case may stand apart: "Mayor Jo Park" is "Jo Park, the mayor of Orr".
        """
        found = [self._at(word) for word in name]
        return all(found) and all(
            any(abs(a - b) <= _TOGETHER for a in found[place] for b in found[place + 1])
            for place, pair in enumerate(pairwise(name))
            if not any(
                word.isupper() or folded(word) in self.lower or folded(word) in _PLACES for word in pair
            )
        )

    def abbreviates(self, name: tuple[str, ...]) -> bool:
        """Whether the text has the initials of a name in its place."""
        return len(name) > 1 and folded("".join(word[0] for word in name)) in self.places

    def _at(self, word: str) -> set[int]:
        at = {place for form in forms(word) for place in self.places.get(form, ())}
        parts = _parts(word)  # but COVID-21 is not COVID-19
        if not at and parts and not any(map(str.isdigit, parts)) and all(map(self._at, parts)):
            return self._at(parts[-1])
        if not at and word.isupper() and folded(word) in self.initials:
            at = {-1}
        return at


@lru_cache(maxsize=4096)
def words_of(text: str) -> Words:
    """Read a text's words."""
    places: dict[str, list[int]] = {}
    tokens = [match.group() for match in tokens_of(text)]
    for number, token in enumerate(tokens):
        for form in all_forms(token):
            places.setdefault(form, []).append(number)
    lower = frozenset(form for token in tokens if token[0].islower() for form in forms(token))
    return Words({form: tuple(at) for form, at in places.items()}, lower, _initials(tokens))


def tokens_of(text: str) -> list[re.Match[str]]:
    """The words of a text, hyphens and apostrophes within them."""
    return list(_TOKEN.finditer(text))


def _initials(tokens: list[str]) -> frozenset[str]:
    spelt = {""}
    run: list[str] = []
    for token in [*tokens, ""]:
        if token[:1].isupper():
            run.append(token)
        elif token not in ("of", "the", "for", "and") or not run:
            letters = "".join(word[0] for word in run).casefold()
            spelt |= {letters[a:b] for a in range(len(letters)) for b in range(a + 2, len(letters) + 1)}
            run = []
    return frozenset(spelt - {""})


def named(name: tuple[str, ...], text: str) -> list[Span]:
    """Where a text has a name: in full, or its last part where no other first name stands before it."""
    tokens = tokens_of(text)
    *first, last = [[bool(all_forms(t.group()) & forms(word)) for t in tokens] for word in name]
    found = []
    for place in (i for i, same in enumerate(last) if same):
        begin = place - len(first)
        full = begin >= 0 and all(here[begin + k] for k, here in enumerate(first))
        before = tokens[place - 1].group() if place and not full else ""
        adjoins = text[tokens[place - 1].end() : tokens[place].start()] == " "
        if full or not (adjoins and before[:1].isupper() and _says_who(before)):
            found.append((tokens[begin if full else place].start(), tokens[place].end()))
    return found or [tokens[i].span() for here in first[:1] for i, same in enumerate(here) if same]
