"""``python -m pipeline generate MODEL "text"``: continue a text with any model directory."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from pipeline.errors import UsageError
from pipeline.export.directory import load_model, load_tokenizer
from pipeline.models.interface import END_OF_TEXT_ID, LanguageModel


def main(argv: Sequence[str]) -> None:
    """Print numbered continuations of a text.

    Raises MissingInputError without the model, ManifestError when its files changed, UsageError for a value out of range.
    """
    parser = argparse.ArgumentParser(prog="python -m pipeline generate", description="Continue a text with a model.")
    parser.add_argument("model", metavar="MODEL", type=Path, help="a model directory, of any family")
    parser.add_argument("text", help="what to continue; may be empty")
    parser.add_argument("-n", "--num-return-sequences", type=int, default=1, metavar="N", help="how many (default: 1)")
    parser.add_argument("--max-new-tokens", type=int, default=60, metavar="N", help="default: 60")
    parser.add_argument("--temperature", type=float, default=0.8, help="0: always the likeliest token (default: 0.8)")
    parser.add_argument("--top-k", type=int, default=50, metavar="K", help="0: all tokens (default: 50)")
    parser.add_argument("--seed", type=int, default=1, help="default: 1")
    options = vars(parser.parse_args(argv))
    texts = generate_texts(options.pop("model"), options.pop("text"), **options)
    for number, text in enumerate(texts, start=1):
        print(f"{number}. {text.strip()}")


def generate_texts(
    directory: Path,
    prompt: str,
    *,
    num_return_sequences: int,
    max_new_tokens: int,
    temperature: float,
    top_k: int,
    seed: int,
) -> list[str]:
    """Continuations of ``prompt`` by the model in ``directory``, the prompt itself left out; see ``continue_text``."""
    return continue_text(
        load_model(directory),
        load_tokenizer(directory),
        prompt,
        num_return_sequences=num_return_sequences,
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        top_k=top_k,
        seed=seed,
    )


def continue_text(
    model: LanguageModel,
    tokenizer: Tokenizer,
    prompt: str,
    *,
    num_return_sequences: int,
    max_new_tokens: int,
    temperature: float,
    top_k: int,
    seed: int,
) -> list[str]:
    """``num_return_sequences`` continuations; the same seed gives the same ones. Raises UsageError for a value out of range."""
    bounds = {"num_return_sequences": (num_return_sequences, 1), "max_new_tokens": (max_new_tokens, 1)}
    bounds |= {"top_k": (top_k, 0), "seed": (seed, 0)}
    for name, (value, low) in bounds.items():
        if value < low:
            raise UsageError(f"{name} = {value}: want at least {low}")
    if temperature < 0:
        raise UsageError(f"temperature = {temperature}: want 0 or more")
    made = model.generate(
        [END_OF_TEXT_ID, *tokenizer.encode(prompt, add_special_tokens=False).ids],
        num_return_sequences=num_return_sequences,
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        top_k=top_k,
        seed=seed,
        stop_id=END_OF_TEXT_ID,
    )
    return [tokenizer.decode(ids, skip_special_tokens=True) for ids in made]
