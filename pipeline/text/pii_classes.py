"""Classes of bytes and bits of kinds that the scan for personal data works with."""

from __future__ import annotations

import functools

import numpy as np

from pipeline.text.hashing import U8
from pipeline.text.pii_patterns import KEY_PREFIXES, PATTERNS, Kind

BITS: dict[Kind, int] = {kind: 1 << i for i, kind in enumerate(PATTERNS)}
KEY, EMAIL, IBAN, RESIDENT_ID, CARD, SSN, IP, PASSPORT, PHONE = BITS.values()
# What a candidate hangs on, in the lowest three bits of a byte's class; the other bits are those of character sets.
WHAT, DIGIT, AT, COLON, PLUS, ANCHOR = 7, 1, 2, 3, 4, 5
ALNUM, WORD, LOCAL, HEX, UPPER = 8, 16, 32, 64, 128


@functools.cache
def byte_classes() -> U8:
    """Class of each byte, (256,)."""
    table = np.zeros(256, np.uint8)
    sets = {
        ALNUM: b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        UPPER: b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        HEX: b"0123456789abcdefABCDEF",
    }
    sets |= {WORD: sets[ALNUM] + b"_", LOCAL: sets[ALNUM] + b"._%+-"}
    for bit, members in sets.items():
        table[list(members)] |= bit
    anchors = {prefix[rarest(prefix)] for prefix in KEY_PREFIXES}
    whats = {DIGIT: b"0123456789", AT: b"@", COLON: b":", PLUS: b"+", ANCHOR: "".join(anchors).encode()}
    for what, members in whats.items():
        table[list(members)] |= what
    return table


def rarest(prefix: str) -> int:
    """Where in a key's prefix the scan is to look closer: the byte that is rarest in text."""
    order = "_KIJGB-SA"
    return next(prefix.index(letter) for letter in order if letter in prefix)
