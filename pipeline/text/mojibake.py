"""Text that was decoded with the wrong codec: which neighbours hint at it, for a kernel to look for, and its repair by ftfy."""

from __future__ import annotations

import functools

import ftfy
import numpy as np
import numpy.typing as npt
from ftfy.badness import MOJIBAKE_CATEGORIES, is_bad

U32 = npt.NDArray[np.uint32]
BASIC = 0x10000  # characters from here on are no sign of wrong decoding

# Two neighbours that ftfy.badness may call bad, as names of its categories or, after "=", characters: every alternative of its
# expression holds one of these pairs, or a C1 control. A test holds the two against each other.
_ODD_PAIRS = (
    ("bad lower_accented upper_accented box start_punctuation end_punctuation currency numeric law", "bad"),
    ("lower_common upper_common", "bad"),
    ("bad", "lower_accented upper_accented box start_punctuation end_punctuation currency numeric law"),
    ("lower_accented lower_common box end_punctuation currency numeric", "upper_accented"),
    ("box end_punctuation currency numeric", "lower_accented"),
    ("lower_accented upper_accented box end_punctuation", "currency"),
    ("upper_accented box", "numeric law"),
    ("lower_accented upper_accented box currency end_punctuation numeric", "start_punctuation"),
    ("lower_accented upper_accented currency numeric box law", "end_punctuation"),
    ("box", "kaomoji"),
    ("lower_accented upper_accented currency numeric start_punctuation end_punctuation law", "box"),
    ("=Œœ", "any"),
    ("upper_accented", "=°"),
    ("=ÂÃÎÐ", "=€œŠš¢£Ÿž\xa0\xad®©°·»–—´ start_punctuation end_punctuation"),
    ("=×", "=²³"),
    ("=ØÙ", "common currency bad numeric start_punctuation =ŸŠ®°µ»"),
    ("=à", "=²µ¹¼½¾"),
    ("=√", "=±∂†≠®™´≤≥¥µø"),
    ("=≈", "=°¢"),
    ("=‚", "=Äâó"),
    ("=вВ", "=Ђ"),
    ("=ВГРСΒΓΞΟ", "bad start_punctuation end_punctuation currency =°µ"),
    ("=ÃÂ", "blank =\xa0¡ start_punctuation end_punctuation"),
    ("=βā", "=€"),
)


def repair(text: str) -> str:
    """Undo decoding with the wrong codec, in the lines that show it: pairs of characters that hardly ever meet otherwise."""
    if not is_bad(text):
        return text
    return "".join(ftfy.fix_encoding(line) if is_bad(line) else line for line in text.splitlines(keepends=True))


@functools.cache
def odd_pairs() -> tuple[U32, U32]:
    """Of every code point below 0x10000 the bits of the rows of _ODD_PAIRS in which it is the first, and the second."""
    tables = np.zeros((2, BASIC), np.uint32)
    for row, sides in enumerate(_ODD_PAIRS):
        for table, side in zip(tables, sides, strict=True):
            for name in side.split(" "):
                table[_members(name)] |= np.uint32(1 << row)
    return tables[0], tables[1]


def _members(name: str) -> slice | list[int]:
    if name in {"any", "blank"}:
        return slice(None) if name == "any" else [ord(" ")]
    if name.startswith("="):
        return [ord(character) for character in name[1:]]
    category = MOJIBAKE_CATEGORIES[name]
    found: list[int] = []
    for i, character in enumerate(category):
        if character == "-" and 0 < i < len(category) - 1:
            found += range(ord(category[i - 1]), ord(category[i + 1]))
        else:
            found.append(ord(character))
    return found
