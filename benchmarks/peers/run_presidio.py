"""Times presidio-analyzer on the JSON list of texts in a file and answers with what it found: run_presidio.py FILE.

Its recognizers for English as they are, with a blank spaCy model: the models for names are no packages of the index, and no type
that is compared here needs one. Lower case stands for lemmas, so that it can look for words around a find. A find below 0.4, the
score of its plain patterns, is left out.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import measure

MIN_SCORE = 0.4


def words_only() -> Any:
    """A blank pipeline in which a word in lower case is its lemma."""
    import spacy

    @spacy.Language.component("lower_case_lemmas")
    def lemmas(document: Any) -> Any:
        for token in document:
            token.lemma_ = token.lower_
        return document

    language = spacy.blank("en")
    language.add_pipe("lower_case_lemmas")
    return language


def main() -> None:
    """Analyze every text once."""
    import tldextract.tldextract as domains
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    domains.TLD_EXTRACTOR = domains.TLDExtract(cache_dir=None, suffix_list_urls=())  # its own list, not one from the network
    model = SpacyNlpEngine()
    model.nlp = {"en": words_only()}
    engine = AnalyzerEngine(nlp_engine=model)
    texts = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    engine.analyze(texts[0], "en")
    with measure.clock() as cost:
        found = [engine.analyze(text, "en", score_threshold=MIN_SCORE) for text in texts]
    measure.answer(cost, finds=[[(f.start, f.end, f.entity_type) for f in finds] for finds in found])


if __name__ == "__main__":
    main()
