"""What a run of digits may begin, by the bytes around it: kernels of the scan for personal data (``pii_scan``).

Each may say yes too often, never no where a pattern of ``pii_patterns`` matches, and each looks at a bounded number of bytes.
"""

from __future__ import annotations

from typing import Any

from pipeline.text.hashing import kernel
from pipeline.text.pii_classes import ALNUM, CARD, DIGIT, IBAN, IP, PASSPORT, PHONE, RESIDENT_ID, SSN, UPPER, WHAT, WORD

_CONTEXT = 60  # bytes before a number in which a word may say what it is
_WALK = 64  # bytes behind the start of a number that decide what it may be


@kernel
def digits_at(data: Any, at: Any, last: Any, table: Any) -> Any:
    """Length of the run of digits at ``at``."""
    end = at
    while end < last and table[data[end]] & WHAT == DIGIT:
        end += 1
    return end - at


@kernel
def _count_digits(data: Any, at: Any, last: Any, table: Any) -> Any:
    """Digits that follow with nothing but the punctuation of numbers between, and where they end."""
    total, end = 0, min(last, at + _WALK)
    while at < end and total < 19:
        byte = data[at]
        if table[byte] & WHAT == DIGIT:
            total += 1
        elif byte != 32 and (byte < 40 or byte > 47 or byte == 44):  # space, ( ) * + - . /
            break
        at += 1
    return total, at


@kernel
def number(data: Any, first: Any, last: Any, at: Any, size: Any, table: Any) -> Any:
    """What the ``size`` digits at ``at`` may begin: a start before them, the kinds that may begin there, those of ``at``."""
    before = data[at - 1] if at > first else 32
    if table[before] & WORD:
        return _lettered(data, first, last, at, size, table)
    if before == 46:  # as in the patterns: nothing begins behind a full stop
        return at, 0, 0
    after = data[at + size] if at + size < last else 32
    bits = IP if size <= 3 and after == 46 and _dotted(data, at, last, table) else 0
    digits, end = _count_digits(data, at, last, table)
    if digits >= 12 and 0x31 <= data[at] <= 0x36 and (size >= 12 or (size == 4 and after in (32, 45))):
        bits |= CARD
    if size in (17, 18):
        bits |= RESIDENT_ID
    spoken = (digits >= 7 or _passport(data, at, last, table)) and _spoken(data, first, at, table)
    if spoken and size <= 9:
        bits |= PASSPORT
    if (size == 9 and spoken) or (size == 3 and _apart(data, at + 3, last, 2, 4, table)):
        bits |= SSN
    named = end < last and data[end] | 32 in (99, 102, 109, 111, 112, 116)  # cell, fax, mobile, office, phone, tel
    if digits >= 7 and (spoken or named or _telephonic(data, at, last, size, after, table)):
        bits |= PHONE
        if before == 40:
            return at - 1, PHONE, bits
    return at, 0, bits


@kernel
def _dotted(data: Any, at: Any, last: Any, table: Any) -> Any:
    """Whether four groups of at most three digits stand here, full stops between."""
    for group in range(4):
        size = digits_at(data, at, min(last, at + 4), table)
        at += size + 1
        if size < 1 or size > 3 or (group < 3 and (at > last or data[at - 1] != 46)):
            return False
    return True


@kernel
def _apart(data: Any, at: Any, last: Any, second: int, third: int, table: Any) -> Any:
    """Whether a hyphen or a space, ``second`` digits, the same again and ``third`` digits stand here."""
    if at + second + third + 2 > last or (data[at] != 45 and data[at] != 32) or data[at] != data[at + second + 1]:
        return False
    return digits_at(data, at + 1, last, table) == second and digits_at(data, at + second + 2, last, table) == third


@kernel
def _telephonic(data: Any, at: Any, last: Any, size: Any, after: Any, table: Any) -> Any:
    """Whether a phone number may begin so without a word before it."""
    separated = after in (32, 45, 46)
    if data[at] == 48:
        return 2 <= size <= 5 and separated
    if data[at] == 49 and size == 1 and separated and at + 5 < last:
        return data[at + 2] == 40 or digits_at(data, at + 2, min(last, at + 6), table) == 3
    if data[at] == 49:
        return size == 11 or (size == 3 and _apart(data, at + 3, last, 4, 4, table))
    return size == 3 and (after == 41 or (separated and digits_at(data, at + 4, min(last, at + 8), table) == 3))


@kernel
def _passport(data: Any, at: Any, last: Any, table: Any) -> Any:
    """Whether six to nine capitals and digits follow."""
    end = at
    while end < min(last, at + 10) and (table[data[end]] & UPPER or table[data[end]] & WHAT == DIGIT):
        end += 1
    return 6 <= end - at <= 9


@kernel
def _lettered(data: Any, first: Any, last: Any, at: Any, size: Any, table: Any) -> Any:
    """The same for digits with one or two letters before them: an IBAN or a passport number."""
    start = at - 1
    if start > first and table[data[start - 1]] & WORD:
        start -= 1
    if (start > first and table[data[start - 1]] & WORD) or table[data[start]] & WHAT == DIGIT:
        return at, 0, 0
    bits = 0
    if size >= 2 and at - start == 2 and _long(data, start, last, table):
        bits |= IBAN
    if _passport(data, start, last, table) and _spoken(data, first, start, table):
        bits |= PASSPORT
    return start, bits, 0


@kernel
def world_number(data: Any, at: Any, last: Any, table: Any) -> Any:
    """Whether a digit follows, and at least seven in all."""
    return at < last and table[data[at]] & WHAT == DIGIT and _count_digits(data, at, last, table)[0] >= 7


@kernel
def _long(data: Any, at: Any, last: Any, table: Any) -> Any:
    """Whether at least 12 letters and digits follow, single spaces between."""
    total, end = 0, min(last, at + _WALK)
    while at < end and total < 12:
        if table[data[at]] & ALNUM:
            total += 1
        elif data[at] != 32:
            break
        at += 1
    return total >= 12


@kernel
def _spoken(data: Any, first: Any, at: Any, table: Any) -> Any:
    """Whether a letter stands before ``at`` with no digit between: then a word may say what number follows."""
    stop = max(first, at - _CONTEXT)
    while at > stop:
        at -= 1
        kind = table[data[at]]
        if kind & WHAT == DIGIT:
            return False
        if kind & ALNUM or data[at] >= 0x80:
            return True
    return False
