"""Byte-level BPE: a tokenizer.json from text.

Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units", ACL 2016, over UTF-8 bytes (Radford et al.,
"Language Models are Unsupervised Multitask Learners", 2019, §2.2), so that any text encodes, and decodes to itself. No Unicode
normal form is part of it: cleaning has given the text one, and bits per byte are to be those of the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from pipeline.errors import VocabularyError

END_OF_TEXT = "<|endoftext|>"
"""Opens every document, id 0. It is no text: where a document spells it out, it is encoded as the characters it is made of."""

MASK = "<|mask|>"
"""Stands for a token that a masked model has to guess, id 1; no text either."""

_PATTERN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
SPLITS = {"qwen2": _PATTERN % "", "llama3": _PATTERN % "{1,3}"}
"""What no token reaches across: the exact patterns of Qwen 2 (digits one by one) and Llama 3 (by threes), which encoders know."""

BASE_SIZE = 258
"""The smallest vocabulary: 256 bytes, END_OF_TEXT and MASK."""


def train_bpe(texts: Iterable[Sequence[str]], *, vocab_size: int, split: str, min_frequency: int) -> str:
    """The tokenizer.json of a byte-level BPE with ``vocab_size`` tokens, trained on batches of texts.

    A pair is merged while it occurs ``min_frequency`` times. Memory grows with the distinct words, not with the text.
    Raises VocabularyError when the text does not allow that many tokens.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLITS[split]), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        special_tokens=[END_OF_TEXT, MASK],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    if tokenizer.get_vocab_size() != vocab_size:
        raise VocabularyError(
            f"train_tokenizer.vocab_size = {vocab_size}: this text allows {tokenizer.get_vocab_size()} tokens at min_frequency = "
            f"{min_frequency}; ask for no more than that (and no fewer than {BASE_SIZE}), or train on more text"
        )
    return str(tokenizer.to_str(pretty=True)) + "\n"
