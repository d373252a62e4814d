"""spaCy's English tokenizer for runs of printable ASCII, as a kernel: what it decides is what spaCy does, and it leaves the rest.

The algorithm is spaCy's: take prefixes and suffixes off in turn, then divide what is left at infixes. What a character does is
asked of spaCy's own expressions when the tables are made. Undecided is a run in which words in a row are a string for which spaCy
has an exception (contractions, abbreviations, emoticons), unless they are one word and the exception says so too; and a run
divided at an infix that may be a web address.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.text.hashing import I64, U8, U64, kernel
from pipeline.text.words import hash_span

UNDECIDED = -1
PREFIX, SUFFIX, BEFORE_DOT = 1, 2, 4  # bits of a character: taken off in front, behind, and the full stop behind it is
CURRENCIES = (b"US$", b"C$", b"A$")


class Rules(NamedTuple):
    """Tables of the kernel: bits of each ASCII character, units of measure, hashes of the exceptions in order."""

    bits: U8  # (128,)
    units: U8  # (U, 8) bytes of what is a suffix behind a digit, padded with 0
    exceptions: U64  # sorted
    divides: U8  # (len(exceptions),) whether it has several words
    longest: int  # bytes of the longest exception


def make_rules(prefix: Any, suffix: Any, units: Iterable[str], exceptions: Mapping[str, int]) -> Rules:
    """The tables from spaCy's prefix and suffix searches, its units, and how many words each of its exceptions has."""
    bits = np.zeros(128, np.uint8)
    for code in range(33, 127):
        letter = chr(code)
        bits[code] |= PREFIX * (letter not in "+." and prefix(f"{letter}\x01") is not None)
        bits[code] |= SUFFIX * (suffix(f"\x01{letter}") is not None)
        bits[code] |= BEFORE_DOT * (suffix(f"\x01{letter}.") is not None)
    behind_digits = [*(unit.encode() for unit in units if unit.isascii()), *CURRENCIES, b"$", b"+"]
    table = np.zeros((len(behind_digits), 8), np.uint8)
    for row, unit in zip(table, behind_digits, strict=True):
        row[: len(unit)] = np.frombuffer(unit, np.uint8)
    known = {text.encode(): words for text, words in exceptions.items() if text.isascii()}
    hashes = np.array([hash_span(np.frombuffer(text, np.uint8), 0, len(text)) for text in known], np.uint64)
    order, divides = np.argsort(hashes), np.array([words > 1 for words in known.values()], np.uint8)
    return Rules(bits, table, hashes[order], divides[order], max(map(len, known)))


def split(data: U8, spans: npt.NDArray[np.int64], rules: Rules) -> tuple[I64, npt.NDArray[np.int32]]:
    """How many words each (first, last) of ``spans`` has, or UNDECIDED; the bytes of all words, one behind the other."""
    sizes = np.empty(int((spans[:, 1] - spans[:, 0]).sum()), np.int32)
    counts = np.empty(len(spans), np.int64)
    total = _split_all(data, spans, *rules, sizes, counts)
    return counts, sizes[:total]


@kernel
def _split_all(
    data: Any, spans: Any, bits: Any, units: Any, exceptions: Any, divides: Any, longest: int, sizes: Any, counts: Any
) -> int:
    total = 0
    for i in range(len(spans)):
        counts[i] = _split(data, spans[i, 0], spans[i, 1], bits, units, exceptions, divides, longest, sizes[total:])
        if counts[i] > 0:
            total += counts[i]
    return total


@kernel
def _split(
    data: Any, first: int, last: int, bits: Any, units: Any, exceptions: Any, divides: Any, longest: int, sizes: Any
) -> int:
    """The words of one span: how many, their bytes in ``sizes``. Suffixes are put at its end and moved in the end."""
    for at in range(first, last):
        if data[at] <= 32 or data[at] >= 127:
            return UNDECIDED
    begin, end, words, behind = first, last, 0, last - first
    while begin < end:
        before = _prefix(data, begin, end, bits)
        after = _suffix(data, begin + before, end, bits, units)
        if not before and not after:
            break
        if before:
            sizes[words] = before
            words += 1
            begin += before
        if after:
            behind -= 1
            sizes[behind] = after
            end -= after
    start = at = begin
    is_divided = False
    while at < end:
        size = _infix(data, begin, at, end)
        if size and at > begin:
            is_divided = True
            if at > start:
                sizes[words] = at - start
                words += 1
            sizes[words] = size
            words += 1
            start = at + size
        at += max(size, 1)
    if start < end:
        sizes[words] = end - start
        words += 1
    while behind < last - first:
        sizes[words] = sizes[behind]
        words, behind = words + 1, behind + 1
    if is_divided and _may_be_address(data, begin, end):
        return UNDECIDED
    return UNDECIDED if _has_exception(data, first, sizes[:words], exceptions, divides, longest) else words


@kernel
def _prefix(data: Any, first: int, last: int, bits: Any) -> int:
    """Bytes of the prefix of ``data[first:last]``."""
    code = data[first]
    if bits[code] & PREFIX:
        return 1
    if code == ord("."):
        dots = _dots(data, first, last)
        return dots if dots > 1 else 0
    if code == ord("+"):
        return 0 if first + 1 < last and _is_digit(data[first + 1]) else 1
    if (code == ord("C") or code == ord("A")) and first + 1 < last and data[first + 1] == ord("$"):
        return 2
    if code == ord("U") and first + 2 < last and data[first + 1] == ord("S") and data[first + 2] == ord("$"):
        return 3
    return 0


@kernel
def _suffix(data: Any, first: int, last: int, bits: Any, units: Any) -> int:
    """Bytes of the suffix of ``data[first:last]``, the longest of those that there are."""
    if first >= last:
        return 0
    code = data[last - 1]
    if code == ord("."):
        dots = 1
        while last - dots > first and data[last - dots - 1] == ord("."):
            dots += 1
        if dots > 1:
            return dots
        if last - 2 >= first and bits[data[last - 2]] & BEFORE_DOT:
            return 1
        return 1 if last - 3 >= first and _is_upper(data[last - 2]) and _is_upper(data[last - 3]) else 0
    size = 1 if bits[code] & SUFFIX else 0
    if (code == ord("s") or code == ord("S")) and last - 2 >= first and data[last - 2] == ord("'"):
        size = 2
    for row in range(len(units)):
        length = 0
        while length < 8 and units[row, length]:
            length += 1
        if length > size and last - length - 1 >= first and _is_digit(data[last - length - 1]):
            same = True
            for i in range(length):
                same = same and data[last - length + i] == units[row, i]
            if same:
                size = length
    return size


@kernel
def _infix(data: Any, first: int, at: int, last: int) -> int:  # noqa: PLR0911  # spaCy's expressions, one after another
    """Bytes of the infix of ``data[first:last]`` at ``at``: spaCy's, in its order."""
    code = data[at]
    if code == ord("."):
        dots = _dots(data, at, last)
        if dots > 1:
            return dots
        if at == first or at + 1 == last:
            return 0
        quoted, quoting = _is_quote(data[at - 1]), _is_quote(data[at + 1])
        return 1 if (_is_lower(data[at - 1]) or quoted) and (_is_upper(data[at + 1]) or quoting) else 0
    if at == first or at + 1 >= last:
        return 0
    before, after = data[at - 1], data[at + 1]
    is_letter = _is_lower(before) or _is_upper(before)
    is_sign = code == ord("+") or code == ord("-") or code == ord("*") or code == ord("^")
    if is_sign and _is_digit(before) and (_is_digit(after) or after == ord("-")):
        return 1
    followed = _is_lower(after) or _is_upper(after)
    if code == ord(","):
        return 1 if is_letter and followed else 0
    if code == ord("-") and (is_letter or _is_digit(before)):
        size = 1
        while size < 4 and at + size < last:
            if _is_lower(data[at + size]) or _is_upper(data[at + size]):
                return size
            if data[at + size] != ord("-"):
                return 0
            size += 1
        return 0
    if code == ord("~") or code == ord(":") or code == ord("<") or code == ord(">") or code == ord("=") or code == ord("/"):
        return 1 if (is_letter or _is_digit(before)) and followed else 0
    return 0


@kernel
def _may_be_address(data: Any, first: int, last: int) -> bool:
    """Whether a full stop stands before a digit, or before lower-case letters that end as the name of a domain does."""
    for at in range(first, last - 1):
        if data[at] != ord("."):
            continue
        if _is_digit(data[at + 1]):
            return True
        end = at + 1
        while end < last and _is_lower(data[end]):
            end += 1
        if end - at > 2:
            if end == last:
                return True
            code = data[end]
            if code == ord(":") or code == ord("/") or code == ord("?") or code == ord("#"):
                return True
    return False


@kernel
def _has_exception(data: Any, first: int, sizes: Any, exceptions: Any, divides: Any, longest: int) -> bool:
    """Whether several words in a row are a string for which there is an exception, or one is that has several words."""
    start = first
    for i in range(len(sizes)):
        end = start
        for j in range(i, len(sizes)):
            end += sizes[j]
            if end - start > longest:
                break
            key = hash_span(data, start, end)
            low, high = 0, len(exceptions)
            while low < high:
                middle = (low + high) // 2
                if exceptions[middle] < key:
                    low = middle + 1
                else:
                    high = middle
            if low < len(exceptions) and exceptions[low] == key and (j > i or divides[low]):
                return True
        start += sizes[i]
    return False


@kernel
def _dots(data: Any, first: int, last: int) -> int:
    end = first
    while end < last and data[end] == ord("."):
        end += 1
    return end - first


@kernel
def _is_digit(code: int) -> bool:
    return ord("0") <= code <= ord("9")


@kernel
def _is_lower(code: int) -> bool:
    return ord("a") <= code <= ord("z")


@kernel
def _is_upper(code: int) -> bool:
    return ord("A") <= code <= ord("Z")


@kernel
def _is_quote(code: int) -> bool:
    return code == ord("'") or code == ord('"') or code == ord("`") or code == ord(",")
