"""Token ids of task inputs, made in one place so that training and prediction cannot disagree."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer

from pipeline.export.directory import load_tokenizer
from pipeline.models.interface import END_OF_TEXT_ID

Ids = list[int]
CUE = "\n\nSummary:"  # between a body and its summary, which follows after a space that the tokenizer joins to its first word


class Encoder:
    """Encodes with a model's own tokenizer. Every input opens with the end-of-text token, as documents did in pretraining."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self.end = END_OF_TEXT_ID

    @classmethod
    def open(cls, directory: Path) -> Encoder:
        """The encoder of a model directory. Raises MissingInputError when it has no tokenizer."""
        return cls(load_tokenizer(directory))

    def classifier_inputs(self, texts: list[str], max_tokens: int) -> list[Ids]:
        """The opening token and the text's first tokens, at most ``max_tokens`` together."""
        return [[self.end, *ids[: max_tokens - 1]] for ids in self._encode(texts)]

    def summarizer_prompts(self, bodies: list[str], *, max_tokens: int, max_summary_tokens: int) -> list[Ids]:
        """The opening token, the body's first tokens and the cue, leaving room for a summary within ``max_tokens``."""
        cue = self._encode([CUE])[0]
        room = max_tokens - max_summary_tokens - len(cue) - 1
        return [[self.end, *ids[:room], *cue] for ids in self._encode(bodies)]

    def summaries(self, texts: list[str], max_summary_tokens: int) -> list[Ids]:
        """The summary and the token that ends it; a longer one is cut and has no end."""
        return [[*ids, self.end][:max_summary_tokens] for ids in self._encode([" " + text for text in texts])]

    def decode(self, ids: Ids) -> str:
        """The text of one line that ``ids`` spell."""
        text: str = self._tokenizer.decode(ids, skip_special_tokens=True)
        return " ".join(text.split())

    def _encode(self, texts: list[str]) -> list[Ids]:
        return [encoding.ids for encoding in self._tokenizer.encode_batch(texts, add_special_tokens=False)]
