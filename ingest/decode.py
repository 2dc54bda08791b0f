"""Bytes in, text out, or an error that says why not."""

import codecs
import re

from charset_normalizer import from_bytes

from vectorstore.datatypes import UserError

# UTF-32 first: its little-endian mark begins with that of UTF-16
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w-]{2,40})""", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_SAMPLE = 64 * 1024
_AS_WINDOWS = {"iso-8859-1", "latin1", "latin-1", "ascii", "us-ascii"}  # as browsers read them
_MANY = 0.02  # text has hardly any control characters


def decode(raw: bytes, *, html: bool = False) -> str:
    """The text of a file, without a byte order mark.

    Raises UserError when it is empty, binary or undecodable.
    """
    text = _decode(raw, html=html)
    if not text.strip():
        raise UserError("the file is empty")
    controls = len(_CONTROL.findall(text, 0, _SAMPLE))
    if controls > _MANY * min(len(text), _SAMPLE):
        raise UserError("this is not text but a binary file")
    return text


def _decode(raw: bytes, *, html: bool) -> str:
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return _strictly(raw, encoding)
    if (unmarked := _without_mark(raw)) is not None:
        return _strictly(raw, unmarked)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    if b"\0" in raw[:_SAMPLE]:
        raise UserError("this is not text but a binary file")
    if html and (declared := _DECLARED.search(raw[:4096])):
        try:
            name = declared.group(1).decode("ascii").lower()
            return raw.decode("cp1252" if name in _AS_WINDOWS else name)
        except (LookupError, UnicodeError):  # the codec "undefined" raises its parent
            pass  # pages often declare what they are not
    guess = from_bytes(raw[: 4 * _SAMPLE]).best()
    if guess is None:
        raise UserError("its character encoding cannot be told: save it as UTF-8")
    return _strictly(raw, guess.encoding)


def _without_mark(raw: bytes) -> str | None:
    """UTF-16 or -32 without a mark: the zero bytes of Latin text stand at regular places."""
    sample = raw[:4096]
    if len(sample) < 4 or b"\0" not in sample:
        return None
    zeros = [sample[place::4].count(0) / len(sample[place::4]) for place in range(4)]
    if min(zeros[1:]) > 0.9 and zeros[0] < 0.1:
        return "utf-32-le"
    if min(zeros[:3]) > 0.9 and zeros[3] < 0.1:
        return "utf-32-be"
    if min(zeros[1], zeros[3]) > 0.5 and max(zeros[0], zeros[2]) < 0.1:
        return "utf-16-le"
    if min(zeros[0], zeros[2]) > 0.5 and max(zeros[1], zeros[3]) < 0.1:
        return "utf-16-be"
    return None


def _strictly(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise UserError(f"it is not valid {encoding}: save it as UTF-8") from error
