"""The numbers, dates and times of a text, and whether another one has them: "Twenty-six" is 26."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from bot.answering.dates import dates, seasons, times
from bot.answering.facts import Day, Fact, Kind

_UNITS = "one two three four five six seven eight nine".split()
_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_FIRST = "first second third fourth fifth sixth seventh eighth ninth".split()
_TENTHS = ["tenth", "eleventh", "twelfth", *(f"{word}th" for word in _TEENS[3:])]
_TWENTIETHS = [f"{word[:-1]}ieth" for word in _TENS]
_VALUES = (
    {"zero": 0}
    | {word: n for words in (_UNITS + _TEENS, _FIRST + _TENTHS) for n, word in enumerate(words, 1)}
    | {word: 10 * n for words in (_TENS, _TWENTIETHS) for n, word in enumerate(words, 2)}
)
_LARGE = {"dozen": 12, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_SHORT = {"k": 10**3, "m": 10**6, "mn": 10**6, "bn": 10**9, "tn": 10**12}
_PARTS = {
    word: 1 / n
    for word, n in {"quarter": 4, "third": 3, "fifth": 5, "sixth": 6, "eighth": 8, "tenth": 10}.items()
}
_VULGAR = {"½": 0.5, "¼": 0.25, "¾": 0.75, "⅓": 1 / 3, "⅔": 2 / 3, "⅛": 0.125}
_CURRENCY = dict(zip("dollar pound euro yen usd gbp eur".split(), "$£€¥$£€", strict=True))
_NUMBER = re.compile(
    r"(?P<minus>(?<![\w)\]])(?:−|-(?=\d)|minus\s+))?(?:(?P<cur>[$£€¥])\s?)?"
    r"(?P<n>(?<![\w.])(?<!(?-i:[A-Z])-)"
    r"(?:\d{1,3}(?:[,’'\u00a0\u202f ]\d{3})+(?!\d)(?:\.\d+)?|\d+(?:[.,]\d+)*)[½¼¾⅓⅔⅛]?|[½¼¾⅓⅔⅛])"
    r"(?:(?:st|nd|rd|th)\b|(?P<short>k|mn?|bn|tn)\b|[\s-]?(?P<large>hundred|thousand|million|billion|trillion)\b)?"
    r"(?:\s?(?P<percent>%|per\s?cent\b)|\s(?P<after>dollar|pound|euro|yen|usd|gbp|eur)s?\b)?(?P<s>s\b)?",
    re.IGNORECASE,
)
_UNIT = "|".join(_UNITS)
_UNDER_TEN = "|".join((*_UNITS, *_FIRST))
_SMALL = (
    rf"(?:(?:{'|'.join(_TENS)})(?:[\s-](?:{_UNDER_TEN}))?"
    rf"|{'|'.join((*_TWENTIETHS, *_TEENS, *_TENTHS))}|{_UNDER_TEN}|zero)"
)
_HUNDREDS = rf"(?:(?:(?:{_SMALL}|a)\s+)?hundred(?:\s+(?:and\s+)?{_SMALL})?|{_SMALL})"
_IN_WORDS = re.compile(
    rf"\b(?:(?P<times>{_UNIT}|an?|half)[\s-]+(?P<part>(?:third|quarter|fifth|sixth|eighth|tenth)s?)|(?P<half>half(?!\s+an?\s+(?:{'|'.join(_LARGE)}|hundred)\b))"
    rf"|(?P<n>(?:(?:half\s+an?|an?|{_HUNDREDS})\s+)?(?:{'|'.join(_LARGE)})(?:\s+(?:and\s+)?{_HUNDREDS})?|{_HUNDREDS})"
    r"(?P<more>\s+and\s+(?:a\s+half|a\s+quarter|three\s+quarters))?)\b"
    r"(?:\s(?P<percent>per\s?cent\b)|\s(?P<after>dollar|pound|euro)s?\b)?",
    re.IGNORECASE,
)
_MULTIPLES = {2: ("double", "twice"), 3: ("treble", "triple", "thrice"), 4: ("quadruple",)}
_MULTIPLE = re.compile(r"\b(?:(?:double|treble|triple|quadruple)[ds]?|twice|thrice)\b", re.IGNORECASE)
# words that seldom count ("one of them", "half-plot"), or count what is told one by one
_WEAK = frozenset({"one", "half", "zero", "two", "first", "second", "twice"})


_TH = re.compile(r"\d(?:st|nd|rd|th)$")
_YEAR = re.compile(r"\b(?:1\d|20)\d\d\b")


@lru_cache(maxsize=8192)
def figures(text: str) -> tuple[Fact, ...]:
    """The dates, times and numbers of a text, in order."""
    found: list[Fact] = []
    rest = text
    for finder in (dates, times, seasons, _digits, _in_words, _multiples):
        for fact in finder(rest):
            found.append(fact)
            if fact.span[0] < fact.span[1]:
                rest = rest[: fact.span[0]] + "\x00" * (fact.span[1] - fact.span[0]) + rest[fact.span[1] :]
    return tuple(sorted(found, key=lambda fact: fact.span))


def _digits(text: str) -> Iterator[Fact]:
    for match in _NUMBER.finditer(text):
        large = (match["large"] or "").lower()
        scale = 100 if large == "hundred" else _LARGE.get(large, 1)
        values = {v * scale for v in _values(match["n"])}
        if match["short"]:
            values |= {v * _SHORT[match["short"].lower()] for v in values}
        if (match["minus"] or "").strip():  # or so many below zero
            values |= {-v for v in values}
        told: set[float | str] = {round(v, 4) for v in values}
        if match["s"] or not told:  # the 1990s, version 2.1.3
            told = {match.group().strip().lower()}
        yield Fact(Kind.NUMBER, match.group().strip(), match.span(), frozenset(told), unit=_unit(match))


def _values(written: str) -> list[float]:
    """What digits with separators may mean: 4,312.60 and 1.200 and 3,4."""
    more = _VULGAR.get(written[-1], 0.0)
    digits = re.sub(r"[½¼¾⅓⅔⅛’'\u00a0\u202f ]", "", written)
    if not digits:
        return [more]
    readings = {digits.replace(",", "")}
    if re.fullmatch(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?", digits):
        readings.add(digits.replace(".", "").replace(",", "."))
    if re.fullmatch(r"\d+,\d{1,2}", digits):
        readings = {digits.replace(",", ".")}
    return [float(each) + more for each in readings if each.count(".") <= 1]


def _unit(match: re.Match[str]) -> str:
    groups = match.groupdict()
    if groups.get("percent"):
        return "%"
    return groups.get("cur") or _CURRENCY.get((groups.get("after") or "").lower(), "")


def _in_words(text: str) -> Iterator[Fact]:
    for match in _IN_WORDS.finditer(text):
        firm = match.group().lower() not in _WEAK
        values = [round(value, 4) for value in _told(match)]
        unit = _unit(match)
        yield Fact(Kind.NUMBER, match.group(), match.span(), frozenset(values), unit=unit, firm=firm)


def _told(match: re.Match[str]) -> set[float]:
    """What a number in words may mean: twenty-six, half a million, two and a half, two thirds."""
    if match["half"]:
        return {0.5, 50.0}
    if match["part"]:
        part = match["part"].lower()
        times = _VALUES.get(match["times"].lower(), 1)
        ordinal = {float(_VALUES[part])} if times == 1 and part in _VALUES else set()  # a third, or the third
        share = times * _PARTS[part.removesuffix("s")]
        return {share, 100 * share} | ordinal  # three quarters are 75 per cent
    more = (match["more"] or "").lower()
    extra = 0.75 if "three" in more else 0.25 if "quarter" in more else 0.5 if more else 0.0
    return {_counted(re.findall(r"[a-z]+", match["n"].lower())) + extra}


def _counted(words: list[str]) -> float:
    total, part = 0.0, 0.0
    for word in words:
        if word in _LARGE:
            total, part = total + (part or 1) * _LARGE[word], 0.0
        elif word == "hundred":
            part = (part or 1) * 100
        elif word == "half":
            part = 0.5
        else:
            part += _VALUES.get(word, 0)
    return total + part


def _multiples(text: str) -> Iterator[Fact]:
    for match in _MULTIPLE.finditer(text):
        times = next(n for n, stem in _MULTIPLES.items() if match.group().lower().startswith(stem))
        firm = match.group().lower() not in _WEAK
        yield Fact(Kind.NUMBER, match.group(), match.span(), frozenset([float(times)]), firm=firm)


def is_told(fact: Fact, told: Iterable[Fact], years: frozenset[int]) -> bool:
    """Whether one of the figures told is this one; a date without a year may be of any of the `years`."""
    return any(_same(fact, each, years) for each in told)


def _same(fact: Fact, told: Fact, years: frozenset[int]) -> bool:
    if fact.kind is Kind.DATE:
        days = ((own, other) for own in fact.days for other in told.days)
        same = bool(fact.values & told.values) or any(_is_part(*pair, years) for pair in days)
        return told.kind is Kind.DATE and same
    if told.kind is Kind.DATE:  # "in 2026", "on the 18th"
        parts = {day.day if _TH.search(fact.text) else day.year for day in told.days} - {None}
        return fact.kind is Kind.NUMBER and not fact.unit and bool(parts & fact.values)
    units = not fact.unit or not told.unit or fact.unit == told.unit
    hour = fact.kind is Kind.NUMBER and told.kind is Kind.TIME and bool(_hours(told) & fact.values)
    return units and (hour or bool(fact.values & told.values))


def _hours(time: Fact) -> set[float]:
    """What the hour of a time is called: 7 pm is "at 7"."""
    full = [int(value[:-3]) for value in time.values if isinstance(value, str) and value.endswith(":00")]
    return {float(name) for hour in full for name in (hour, (hour - 1) % 12 + 1)}


def _is_part(own: Day, told: Day, years: frozenset[int]) -> bool:
    """Whether a date says no more than another one."""
    year = own.year is None or own.year == told.year or (told.year is None and own.year in years)
    return year and all(
        mine is None or mine == other
        for mine, other in ((own.month, told.month), (own.day, told.day), (own.weekday, told.weekday))
    )


def years_of(text: str) -> frozenset[int]:
    """All that may be years in a text."""
    return frozenset(map(int, _YEAR.findall(text)))
