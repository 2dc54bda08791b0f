"""The dates and times of a text: 18 May is in 2026-05-18, and 7.05 pm is 19:05."""

import re
from collections.abc import Iterator

from bot.answering.facts import Day, Fact, Kind

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|"
    r"Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
_DAY = r"\d{1,2}(?:st|nd|rd|th)?\b"
_SEVERAL = rf"{_DAY}(?:\s*(?:-|–|,|and|to|or|&|until)\s*{_DAY})*"
_YEAR = r"(?:1\d|20)\d\d\b"
_DATE = re.compile(
    rf"\b(?P<y>{_YEAR})-(?P<m>\d\d)-(?P<d>\d\d)\b|\b(?P<a>\d{{1,2}})[/.](?P<b>\d{{1,2}})[/.](?P<y4>\d{{4}})\b"
    rf"|\b(?:the\s+)?(?P<d1>{_SEVERAL})\s+(?:of\s+)?(?P<m1>{_MONTH})(?:,?\s+(?P<y1>{_YEAR}))?"
    rf"|\b(?P<m2>{_MONTH})\s+(?:the\s+)?(?P<d2>{_SEVERAL}(?![.,:]\d|\s*(?:%|per\s?cent)))(?:,?\s+(?P<y2>{_YEAR}))?"
    rf"|\b(?P<m3>{_MONTH}),?\s+(?:of\s+)?(?P<y3>{_YEAR})"
    rf"|\b(?P<m4>{_MONTH})"
)
_OPENING = re.compile(r"(?:^|[.!?:“\"]\s*)$")  # where "May" may be the verb
_WEEKDAY = re.compile(r"\b(?P<day>Mon|Tues?|Wed(?:nes)?|Thur?s?|Fri|Sat(?:ur)?|Sun)(?:days?)?\b\.?")
_HOURS = "one two three four five six seven eight nine ten eleven twelve".split()
_SEASON = re.compile(r"\b(?:spring|summer|autumn|winter|(?<=in the )fall)\b", re.IGNORECASE)
_HALF_DAY = r"(?:\s?[ap]\.?\s?m\b\.?)"
_TIME = re.compile(
    rf"(?<![\d.,:])(?P<h>\d{{1,2}})(?:[:.](?P<min>\d\d))?(?:(?P<half>{_HALF_DAY})|(?P<oclock>\s+o[’']clock))"
    r"|(?<![\d.,:])(?P<h2>\d{1,2})[:.](?P<min2>\d\d)(?![\d.,:]*\d|\s*(?:%|million|m\b|km|kg))"
    r"|\b(?P<word>noon|midday|midnight)\b",
    re.IGNORECASE,
)
_MINUTES = {"half": 30, "quarter": 15, "five": 5, "ten": 10, "twenty": 20, "twenty-five": 25}
_PAST = re.compile(
    rf"\b(?:a\s+)?(?:(?P<part>{'|'.join(reversed(_MINUTES))})(?:\s+minutes)?\s+past"
    r"|(?P<before>half|quarter|(?:five|ten|twenty|twenty-five)(?=\s+minutes))(?:\s+minutes)?\s+to)\s+"
    rf"(?P<hour>\d{{1,2}}|{'|'.join(_HOURS)})\b",
    re.IGNORECASE,
)
_IN_WORDS = re.compile(
    rf"\b(?P<hour>{'|'.join(_HOURS)})\s+(?:o[’']clock\b\s*)?"
    r"(?:(?<=clock)|(?<=clock\s)|in\s+the\s+(?P<half>morning|afternoon|evening)|at\s+night)\b",
    re.IGNORECASE,
)
_FROM = re.compile(r"(?<![\d.,:])(\d{1,2})(?:[:.](\d\d))?\s*(?:-|–|to|and|until|till|or)\s*$")


def dates(text: str) -> Iterator[Fact]:
    """Dates, months and days of the week; of several days of a month each is one."""
    for match in _DATE.finditer(text):
        got = {key: value for key, value in match.groupdict().items() if value}
        if got.get("m4", "").startswith("May") and _OPENING.search(text[: match.start()]):
            continue
        if got.get("m4", "") in {"Mar", "Jan", "Jun", "Sept"}:
            continue
        days = _days(got)
        for meant in [days] if "y4" in got else [[day] for day in days]:
            yield Fact(Kind.DATE, match.group(), match.span(), days=frozenset(meant))
    for match in _WEEKDAY.finditer(text):
        word = match.group()
        star = text[: match.start()].lower().endswith("the ") and word == "Sun."
        if "day" in word.lower() or (word.endswith(".") and not star):
            day = Day(weekday=_DAYS.index(word[:3].lower()))
            yield Fact(Kind.DATE, word, match.span(), days=frozenset([day]))


def seasons(text: str) -> Iterator[Fact]:
    """Seasons of the year."""
    for match in _SEASON.finditer(text):
        season = match.group().lower().replace("fall", "autumn")
        yield Fact(Kind.DATE, match.group(), match.span(), frozenset([season]))


def _days(got: dict[str, str]) -> list[Day]:
    """The days of a date; of one like 1/2/2026 both readings."""
    if "y4" in got:
        a, b = int(got["a"]), int(got["b"])
        return [Day(int(got["y4"]), m, d) for m, d in ((a, b), (b, a)) if m <= 12 and d <= 31]
    if "y" in got:
        return [Day(int(got["y"]), int(got["m"]), int(got["d"]))]
    month = next(got[key] for key in ("m1", "m2", "m3", "m4") if key in got)
    number = _MONTHS.index(month[:3].lower()) + 1
    year = next((int(got[key]) for key in ("y1", "y2", "y3") if key in got), None)
    days = re.findall(r"\d+", got.get("d1") or got.get("d2") or "")
    return [Day(year, number, int(day)) for day in days if int(day) <= 31] or [Day(year, number)]


def times(text: str) -> Iterator[Fact]:
    """Times of the day; without am or pm both are possible."""
    for match in _PAST.finditer(text):
        yield Fact(Kind.TIME, match.group(), match.span(), frozenset(_past(match)))
    for match in _IN_WORDS.finditer(text):
        half = {"morning": "a", "afternoon": "p", "evening": "p"}.get((match["half"] or "").lower(), "")
        hour = _HOURS.index(match["hour"].lower()) + 1
        yield Fact(Kind.TIME, match.group().strip(), match.span(), frozenset(_readings(hour, 0, half)))
    for match in _TIME.finditer(text):
        if match["word"]:
            value = "0:00" if match["word"].lower() == "midnight" else "12:00"
            yield Fact(Kind.TIME, match.group(), match.span(), frozenset([value]))
            continue
        hour, minute = int(match["h"] or match["h2"]), int(match["min"] or match["min2"] or 0)
        half = (match["half"] or "").strip().lower()[:1]
        if hour > 24 or minute > 59:
            continue
        earlier = _FROM.search(text[: match.start()]) if half else None
        if earlier and int(earlier[1]) <= 12:  # "from 9 to 11 am"
            both = _readings(int(earlier[1]), int(earlier[2] or 0), "")
            yield Fact(Kind.TIME, earlier[1], earlier.span(1), frozenset(both))
        values: set[float | str] = set(_readings(hour, minute, half))
        dotted = bool(match["h2"]) and text[match.end("h2")] == "."
        if dotted:  # or a number
            values.add(float(f"{hour}.{match['min2']}"))
        yield Fact(Kind.NUMBER if dotted else Kind.TIME, match.group(), match.span(), frozenset(values))


def _past(match: re.Match[str]) -> set[str]:
    """Half past seven, quarter to 8, five minutes to nine; "five to nine" may be a range."""
    told = match["hour"].lower()
    hour = int(told) if told.isdigit() else _HOURS.index(told) + 1
    minute = _MINUTES[(match["part"] or match["before"]).lower()]
    if match["before"]:
        hour, minute = hour - 1, 60 - minute
    return _readings(hour, minute, "")


def _readings(hour: int, minute: int, half: str) -> set[str]:
    """What a time may be on a clock of 24 hours; `half` is "a", "p" or unknown."""
    morning, evening = hour % 12, hour % 12 + 12
    hours = {"a": {morning}, "p": {evening}}.get(half, {morning, evening} if hour <= 12 else {hour % 24})
    return {f"{each}:{minute:02}" for each in hours}
