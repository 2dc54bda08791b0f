"""The phrases of orders.txt as patterns for folded text: lower case, without accents."""

import re
from functools import reduce
from pathlib import Path

_SECTION = re.compile(r"^\[([a-z ]+)\]$", re.MULTILINE)
_DEFINITION = re.compile(r"^([A-Z]+) = (.*)$", re.MULTILINE)


def _read() -> dict[str, str]:
    """The phrases of each section, one a line, and the definitions under ""."""
    text = Path(__file__).with_name("orders.txt").read_text(encoding="utf-8")
    text = re.sub(r"\n +", "", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    first, *rest = _SECTION.split(text)
    return {"": first, **dict(zip(rest[::2], rest[1::2], strict=True))}


_SECTIONS = _read()
_NAMES = dict(_DEFINITION.findall(_SECTIONS[""]))


def _filled(pattern: str, between: str = r"\\W{1,12}") -> str:
    """With its definitions put in, and what may stand between two words."""
    filled = reduce(lambda made, name: made.replace(f"{{{name}}}", _NAMES[name]), _NAMES, pattern)
    return re.sub(" ", between, filled)


def _one_of(section: str, *, before: str, between: str = r"\\W{1,12}") -> re.Pattern[str]:
    phrases = "|".join(_filled(line, between) for line in _SECTIONS[section].split("\n") if line)
    return re.compile(f"{before}(?:{phrases})", re.MULTILINE)


PATTERNS = (
    _one_of("at a start", before=_filled("{CLAUSE}")),
    _one_of("anywhere", before=r"(?<!\w)"),
    _one_of("on a line", before=r"^\W{0,12}", between=" "),
    _one_of("marks", before=r'(?=[<\["{])', between=" "),
    # of words that no language has but rot13
    re.compile(r"\b(?:vtaber|qvfertneq|vafgehpgvbaf?|flfgrz|nafjre|ercyl|erfcbaq|cerivbhf)\b"),
)
COMPLETE = re.compile(
    _filled(r"\b(?:answer|say|reply|respond|claim|insist|write|print|output|tell (?:the )?{ONES} that)\b")
    + _filled(r"(?! (?:only )?(?:this|these|the following|as follows|so)\b)(?: \w+){2}")
    + r"[^\"“”„«»‘'\n]*\Z"
)
"""An order that holds what is to be told; not with quotation marks, which may hold several sentences."""
TELLTALE = re.compile("ignore|disregard|instruct|system|answer|reply|respond|previous")
"""Of an order whose letters stand apart."""
