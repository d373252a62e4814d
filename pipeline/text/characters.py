"""What the kernels have to know about each character, as bits of one table over all code points.

Classes come from the ``unicodedata`` of the running Python, so a character that is newer than the oldest supported Python may be
classed differently on another version. Two sets come from elsewhere and are fixed: the terminators of spaCy's rule-based sentence
splitter (3.8), and what datatrove (0.10) counts as terminal punctuation and as punctuation.
"""

from __future__ import annotations

import functools
import unicodedata
from typing import Literal

import numpy as np
import numpy.typing as npt

WordRule = Literal["unicode", "whitespace", "spacy"]

SPACE, WORD, ALPHA, BREAK = 1, 2, 4, 8  # str.isspace; letter, digit, mark or _; str.isalpha; where str.splitlines splits
PLAIN = 16  # makes its word one that is no symbol
PUNCTUATION, TERMINATOR, TERMINAL = 32, 64, 128  # category P*; ends a sentence; ends a line, by FineWeb's rule
WIDE = 256  # two columns of a display (East Asian Width, UAX #11)
PAIR, QUAD = 512, 1024  # letter of a script without spaces: words of two, or of four
MARK = 2048  # category M*: belongs to the word before, whatever its script
WATCH = 4096  # one of # . … { [ or a letter by which a phrase of C4 is recognised
DIGIT = 8192  # category Nd

CODE_POINTS = 0x110000
# Ranges of assigned characters with a property (Unicode 16: none at or above U+323B0 but variation selectors).
_ASSIGNED = (range(0x323B0), range(0xE0100, 0xE01F0))
_BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
_WATCHED = "#.…{[vkmVKM\u212a"  # the Kelvin sign's lower case is k
# First words of the Unicode names of letters that are written without spaces. Two of these, or four, are about one word long: a
# word of a Chinese novel has 1.6 characters, a Thai word 4 to 5 letters.
_PAIRS, _QUADS = ("CJK", "HIRAGANA"), ("KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")
# Hexadecimal code points: spaCy's Sentencizer.default_punct_chars; what datatrove's TERMINAL_PUNCTUATION has beyond; and what its
# PUNCTUATION has beyond both.
_TERMINATORS = """21 2E 3F 589 61F 6D4 700-702 7F9 964-965 104A-104B 1362 1367-1368 166E 1735-1736 1803 1809 1944-1945 1AA8-1AAB
    1B5A-1B5B 1B5E-1B5F 1C3B-1C3C 1C7E-1C7F 203C-203D 2047-2049 2E2E 2E3C 3002 A4FF A60E-A60F A6F3 A6F7 A876-A877 A8CE-A8CF A92F
    A9C8-A9C9 AA5D-AA5F AAF0-AAF1 ABEB FE52 FE56-FE57 FF01 FF0E FF1F FF61 10A56-10A57 11047-11048 110BE-110C1 11141-11143
    111C5-111C6 111CD 111DE-111DF 11238-11239 1123B-1123C 112A9 1144B-1144C 115C2-115C3 115C9-115D7 11641-11642 1173C-1173E
    11A42-11A43 11A9B-11A9C 11C41-11C42 16A6E-16A6F 16AF5 16B37-16B38 16B44 1BC9F 1DA88"""
_TERMINALS = """61D-61E 837 839 83D-83E 17D4-17D6 17D9-17DA 1B7D-1B7E 2E53-2E54 10F55-10F59 10F86-10F89 11944 11946 11EF7-11EF8
    11F43-11F44 16E98"""
_SYMBOLS = """0-8 B-1F 21-2F 3A-40 5B-60 7B-9F AB B4 BB 2013-2014 2019 201C-201E 2026 2236 2501 25BA 3001-3002 3008-300D 3010-3011
    FF01 FF05 FF08-FF09 FF0C FF0E FF11 FF1A-FF1B FF1F FF5E"""


@functools.cache
def classes(words: WordRule) -> npt.NDArray[np.uint16]:
    """Bits of every code point, (0x110000,); PLAIN depends on the word rule."""
    table = np.zeros(CODE_POINTS, np.uint16)
    for span in _ASSIGNED:
        for code in span:
            table[code] = _bits(chr(code))
    terminators, terminals, symbols = map(_codes, (_TERMINATORS, _TERMINALS, _SYMBOLS))
    table[terminators] |= TERMINATOR | TERMINAL
    table[terminals] |= TERMINAL
    table[[ord(c) for c in _BREAKS]] |= BREAK
    table[[ord(c) for c in _WATCHED]] |= WATCH
    if words == "spacy":  # datatrove: any character but these
        plain = np.ones(CODE_POINTS, np.bool_)
        plain[[*terminators, *terminals, *symbols]] = False
    else:
        plain = table & WORD != 0
    table[plain] |= PLAIN
    return table


def _bits(c: str) -> int:
    category = unicodedata.category(c)
    is_word = category[0] in "LNM" or c == "_" or c.isalnum()
    bits = c.isspace() * SPACE + is_word * WORD + c.isalpha() * ALPHA + (category[0] == "P") * PUNCTUATION
    bits += (
        (category == "Nd") * DIGIT
        + (category[0] == "M") * MARK
        + (category != "Cn" and unicodedata.east_asian_width(c) in "WF") * WIDE
    )
    if category in {"Lo", "Lm"} and ord(c) >= 0x0E00:
        name = unicodedata.name(c, "")
        bits += name.startswith(_PAIRS) * PAIR + name.startswith(_QUADS) * QUAD
    return bits


def _codes(ranges: str) -> list[int]:
    spans = [[int(end, 16) for end in item.split("-")] for item in ranges.split()]
    return [code for span in spans for code in range(span[0], span[-1] + 1)]
