"""What a word is, by each rule, in plain Python."""

from __future__ import annotations

import functools
import unicodedata
from typing import Any

import spacy
from spacy.pipeline.sentencizer import Sentencizer

from pipeline.text.characters import PLAIN, classes
from pipeline.text.characters import TERMINAL as TERMINAL_BIT

TERMINATORS = frozenset(Sentencizer.default_punct_chars)
TERMINAL = frozenset(c for c in map(chr, range(0x110000)) if classes("spacy")[ord(c)] & TERMINAL_BIT)


@functools.cache
def english() -> Any:
    return spacy.blank("en").tokenizer


def is_word_character(c: str) -> bool:
    return c == "_" or c.isalnum() or unicodedata.category(c)[0] == "M"


def group(c: str) -> int:
    """How many letters of its script make a word; 0: as many as there are."""
    if unicodedata.category(c) not in {"Lo", "Lm"}:
        return 0
    name = unicodedata.name(c, "")
    return (
        2
        if name.startswith(("CJK", "HIRAGANA"))
        else 4
        if name.startswith(("KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR"))
        else 0
    )


def split(text: str, rule: str) -> list[str]:
    if rule == "whitespace":
        return text.split()
    if rule == "spacy":
        return [token.text for chunk in text.split() for token in english()(chunk)]
    words: list[str] = []
    letters, unit, inside = 0, 0, False
    for c in text:
        if not is_word_character(c):
            inside = False
            words += [] if c.isspace() else [c]
            continue
        joins = unicodedata.category(c)[0] == "M" or (group(c) == unit and (unit == 0 or letters < unit))
        if inside and joins:
            words[-1] += c
        else:
            words.append(c)
            letters, unit, inside = 0, group(c), True
        letters += group(c) > 0
    return words


def is_plain(word: str, rule: str) -> bool:
    if rule == "spacy":
        return any(classes("spacy")[ord(c)] & PLAIN for c in word)
    return any(map(is_word_character, word))


def width(word: str, rule: str) -> int:
    wide = [unicodedata.category(c) != "Cn" and unicodedata.east_asian_width(c) in "WF" for c in word]
    return len(word) if rule == "spacy" else len(word) + sum(wide)
