"""The verdict says what the figures say, whichever family is first."""

from __future__ import annotations

from pipeline.reporting.models import Budget, Result, Results, verdict

ORDERS = {"ngram": 5}
TRAINED = ["gpt", "lstm", "ngram"]


def results(bits: dict[str, float], above: dict[str, tuple[float, float]] | None = None) -> Results:
    def row(name: str, metric: str, value: float, low: float, high: float) -> Result:
        return Result(name, name.removesuffix("-int8"), "language_modeling", metric, value, low, high, 50)

    rows = [row(name, "bits_per_byte", value, value - 0.02, value + 0.02) for name, value in bits.items()]
    for name, (low, high) in (above or {}).items():
        rows.append(row(name, "bits_per_byte_above_best", (low + high) / 2, low, high))
    return Results(tuple(rows))


def test_a_decoder_that_wins() -> None:
    said = verdict(results({"gpt": 1.4, "ngram": 1.6, "lstm": 1.75}), TRAINED, {}, ORDERS)
    assert len(said) == 1
    assert said[0].startswith("The decoder predicts held-out text best, at 1.400 bits per byte: ")
    assert said[0].endswith("12.5 % fewer than the 5-gram model (1.600) and 20.0 % fewer than the LSTM (1.750).")


def test_a_compressed_model_is_no_family_of_its_own() -> None:
    said = verdict(results({"gpt": 1.4, "gpt-int8": 1.39, "ngram": 1.6}), TRAINED, {}, ORDERS)
    assert said[0].startswith("The decoder predicts held-out text best, at 1.400")


def test_a_decoder_that_loses_is_told_so_with_the_reason() -> None:
    budgets = {"gpt": Budget(3.2e6, 6.4e6, 3.2e6), "ngram": Budget(9.6e6, 3.2e6, 3.2e6)}
    said = " ".join(verdict(results({"gpt": 1.6, "ngram": 1.4, "lstm": 1.5}), TRAINED, budgets, ORDERS))
    assert "The decoder does not beat the 5-gram model or the LSTM at this budget." in said
    assert "It saw 6.40 M tokens, 2.000 times the 3.20 M of the train split" in said
    assert "2.000 tokens for each of its 3.20 M parameters" in said
    assert "3.000 times as many as the decoder has weights" in said
    assert "More steps, or a smaller decoder" in said


def test_the_reason_follows_the_number_of_passes() -> None:
    few = {"gpt": Budget(1e6, 1e6, 4e6)}
    many = {"gpt": Budget(1e6, 4e7, 4e6)}
    bits = results({"gpt": 1.6, "lstm": 1.4})
    assert "before it had seen 75 % of the corpus even once" in " ".join(verdict(bits, TRAINED, few, {}))
    assert "More than 4 passes" in " ".join(verdict(bits, TRAINED, many, {}))


def test_doubt_comes_from_the_paired_difference_where_there_is_one() -> None:
    close = {"gpt": 1.40, "ngram": 1.42}
    assert "could change places" not in " ".join(verdict(results(close, {"ngram": (0.01, 0.03)}), TRAINED, {}, ORDERS))
    assert "0.000 [-0.010, 0.010]" in " ".join(verdict(results(close, {"ngram": (-0.01, 0.01)}), TRAINED, {}, ORDERS))
    assert "intervals overlap" in " ".join(verdict(results(close), TRAINED, {}, ORDERS))


def test_one_family_or_none() -> None:
    assert "no other family" in verdict(results({"gpt": 1.4}), TRAINED, {}, {})[0]
    assert verdict(results({}), TRAINED, {}, {}) == ["No language model was evaluated."]
