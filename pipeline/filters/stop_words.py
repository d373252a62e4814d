"""Frequent small words of each language: a page of prose is full of them, a list of keywords is not.

English has the eight of Gopher (Rae et al. 2021, section A1.1), compared with case. The other lists are our own choice of common
articles, prepositions, conjunctions and auxiliaries, lower case. In Chinese, Japanese, Thai, Lao, Khmer and Burmese, which are
written without spaces, a word is looked for anywhere in the text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.text.quality import COLUMNS, StopWords

if TYPE_CHECKING:
    from pipeline.filters.batch import Batch

DETECTED = "detected"  # each text's own language
_WORDS = {
    "en": "the be to of and that have with",
    "ar": "في من على إلى أن عن مع هذا هذه التي الذي كان لا ما و",
    "bg": "на и в за се от с да е не по че",
    "bn": "এবং এই ও করে থেকে না একটি হয় তার জন্য যে সঙ্গে",
    "ca": "de la el i a que en les per un amb no",
    "cs": "a v na se je že s z do o i k pro",
    "da": "og i at det en den til er som på de med af for",
    "de": "der die und in den von zu das mit sich ist nicht ein eine auf",
    "el": "και το της η των του την να με για από είναι στο",
    "es": "de la que el en y a los se del las un por con no una",
    "et": "ja on ei et see oli ka kui ta mis",
    "eu": "eta da du ez zen bat ere dira izan",
    "fa": "و در به از که این را با است برای آن یک",
    "fi": "ja on ei se että oli hän mutta ovat myös kuin tai",
    "fr": "de la et le les des en un une du que est pour dans qui",
    "he": "של את על לא הוא זה עם כי היא גם או אל",
    "hi": "के में की है और से को का एक पर यह नहीं ने",
    "hr": "i u je na se da za od su s ne koji",
    "hu": "a az és hogy nem egy is volt meg csak de ez",
    "hy": "և է են որ մի իր հետ այս էր",
    "id": "yang dan di dengan untuk dari ini itu pada tidak ke dalam",
    "it": "di e il la che in a un per è non con una del",
    "ja": "の に は を た が で て と も",
    "ka": "და არის რომ ეს იყო არ მისი ამ",
    "kk": "және мен бұл бір деп да үшін болып",
    "km": "និង ជា ការ ក្នុង ដែល បាន នៅ មាន ពី",
    "ko": "이 그 및 수 있는 한 것은 있다 등 그리고 에서 의",
    "lo": "ແລະ ຂອງ ທີ່ ໃນ ເປັນ ໄດ້ ມີ ຈາກ",
    "lt": "ir į kad yra su iš tai buvo ne jo už",
    "lv": "un ir no ar par kas tas bija uz kā",
    "mk": "на и во се од за да е со не",
    "mr": "आणि आहे या हे व ते की तो आहेत",
    "ms": "yang dan di dengan untuk dari ini itu pada tidak ke dalam",
    "my": "သည် ၏ ကို တွင် မှ များ နှင့် ဖြစ်",
    "nl": "de het een en van in te dat is op met voor zijn niet",
    "no": "og i å det er som på en til av for med ikke den",
    "pl": "w i na się z do nie to że jest o jak po",
    "pt": "de a o que e do da em um para com não uma os no",
    "ro": "de și în la a cu pe să o un nu din care",
    "ru": "в и не на с что он как по это из но а к",
    "sk": "a v na sa je že s z do o pre ako",
    "sl": "in v je na se da za so z ne pa ki",
    "sq": "të e në dhe një për me që nga është",
    "sr": "и у је на се да за од су са не",
    "sv": "och i att det som en på är av för med till den inte",
    "ta": "ஒரு மற்றும் இந்த என்று அந்த அவர் என",
    "te": "ఈ ఒక మరియు ఆ కు లో అని",
    "th": "ที่ และ ของ ใน เป็น มี ให้ ไม่ ได้ จะ การ",
    "tr": "ve bir bu da de için ile olarak daha çok ne gibi",
    "uk": "в і не на що з у та до як за це й",
    "ur": "کے میں کی ہے اور سے کو کا یہ نے پر",
    "vi": "và của là có cho các được trong một với không những",
    "zh": "的 一 是 不 了 在 有 我 他 这 和 之",
}
STOP_WORDS = {language: tuple(words.split()) for language, words in _WORDS.items()}
UNSPACED = frozenset({"zh", "ja", "th", "lo", "km", "my"})
_LISTS = tuple(words for language, words in STOP_WORDS.items() if language not in UNSPACED)
_PLACES = {language: place for place, language in enumerate(code for code in STOP_WORDS if code not in UNSPACED)}


def of_languages(codes: list[str | None]) -> StopWords:
    """The list of each text's language, none where there is none or its words are not found between spaces."""
    return StopWords(_LISTS, np.array([_PLACES.get(code or "", -1) for code in codes], np.int64))


def num_stop_words(batch: Batch) -> pa.DoubleArray:
    """How many different stop words of the text's language occur; null for a language without a list."""
    column = batch.statistics[:, COLUMNS.index("num_stop_words")].copy()
    for rows, counts in _unspaced(batch):
        column[rows] = (counts > 0).sum(axis=0)
    return pa.array(column, from_pandas=True)


def stop_word_fraction(batch: Batch) -> pa.DoubleArray:
    """Occurrences of stop words, of all words that are no symbols; null for a language without a list."""
    column = batch.statistics[:, COLUMNS.index("stop_word_fraction")].copy()
    words = batch.statistics[:, COLUMNS.index("num_words")]
    for rows, counts in _unspaced(batch):
        column[rows] = counts.sum(axis=0) / np.maximum(words[rows], 1)
    return pa.array(column, from_pandas=True)


def _unspaced(batch: Batch) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """For each language without spaces: its texts, and how often each of its words is in them, (words, texts)."""
    codes = np.array([code or "" for code in batch.codes])
    found = []
    for language in sorted(UNSPACED & set(codes.tolist())):
        rows = np.flatnonzero(codes == language)
        texts = batch.text.take(pa.array(rows))
        found.append((rows, np.array([pc.count_substring(texts, word).to_numpy() for word in STOP_WORDS[language]])))
    return found
