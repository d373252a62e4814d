"""C4's line rules and spaCy's sentences in plain Python."""

from __future__ import annotations

import re
import unicodedata

from tests.text.word_rules import TERMINATORS, split

CITATION = re.compile(r"\[\d*]|\[edit]|\[citation needed]")
POLICY = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")


def keep_lines_twin(text: str, rule: str) -> tuple[list[str], int, int]:
    """The lines that stay, and how many condemn the document by either rule."""
    kept, lorem, curly = [], 0, 0
    for line in map(str.strip, text.splitlines()):
        words, cut = line.split(), CITATION.sub("", line)
        lower = cut.lower()
        if any(len(word) > 1000 for word in words):
            continue
        if rule == "c4" and (not cut.endswith((".", "?", "!", '"', "'")) or cut.endswith("...")):
            continue
        if len(words) < 3:
            continue
        if "lorem ipsum" in lower:
            lorem += 1
        elif "javascript" in lower:
            continue
        elif "{" in cut:
            curly += 1
        elif not any(phrase in lower for phrase in POLICY):
            kept.append(cut)
    return kept, lorem, curly


def sentences_twin(line: str, rule: str) -> int:
    """One, and one more for each word behind a terminator that is no punctuation; white space beyond one blank is a word."""
    words: list[str] = []
    for run in re.findall(r"\s+|\S+", line):
        words += [run] * (run != " ") if run.isspace() else split(run, rule)
    count, ended = 1, False
    for word in words:
        if word in TERMINATORS:
            ended = True
        elif ended and not all(unicodedata.category(c)[0] == "P" for c in word):
            count, ended = count + 1, False
    return count
