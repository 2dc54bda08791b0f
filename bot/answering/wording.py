"""Parts of articles as they are told: on one line, without the punctuation of what stands around them."""

import re

_ABBREVIATION = re.compile(r"(?:[A-Z]|Inc|Ltd|Co|Corp|Jr|Sr|St|Mt|etc|No|vs)\.")
_VERSION = re.compile(r"[\d.]+")


def readable(sentence: str) -> str:
    """A sentence on one line; of a quotation that goes on in another sentence, the missing mark is added."""
    line = " ".join(sentence.split())
    marks = re.findall("[“”]", line)
    if not marks:
        return line
    if marks[0] == "”":
        line = line[:-1] if len(marks) == 1 and line.endswith("”") else f"“{line}"
    if marks[-1] == "“":
        line = line[1:] if len(marks) == 1 and line.startswith("“") else f"{line}”"
    return line


def trimmed(part: str) -> str:
    """A part of a sentence without punctuation at its ends, or a mark whose partner is outside."""
    line = without_stop(" ".join(part.split()).strip(" ,;:"))
    for opening, closing in (("“", "”"), ("‘", "’"), ("(", ")"), ("[", "]")):
        if line.startswith(opening) and line.count(opening) > line.count(closing):
            line = line[1:]
        elif line.endswith(closing) and line.count(closing) > line.count(opening):
            line = line[:-1]
    if line.count('"') % 2:
        line = line.removeprefix('"').removesuffix('"')
    return without_stop(line.strip(" ,;:"))


def without_stop(line: str) -> str:
    """Without a full stop at the end, which an abbreviation keeps."""
    last = line.rpartition(" ")[2]
    keeps = ("." in last[:-1] and not _VERSION.fullmatch(last)) or _ABBREVIATION.fullmatch(last)
    return line[:-1] if line.endswith(".") and not keeps else line
