from __future__ import annotations

import math
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import EmptyCorpusError, ManifestError, TrainingError, VocabularyError
from pipeline.models.kneser_ney import FALLBACK_DISCOUNTS
from pipeline.models.ngram import NGram

Documents = list[list[int]]
VOCAB = 6
documents = st.lists(st.lists(st.integers(1, VOCAB - 1), min_size=1, max_size=12), min_size=1, max_size=8)


def stream(docs: Documents) -> tuple[np.ndarray, np.ndarray]:
    lengths = np.array([len(doc) + 1 for doc in docs])
    return np.concatenate([[0, *doc] for doc in docs]).astype(np.uint16), np.cumsum(lengths) - lengths


def fit(docs: Documents, order: int, vocab_size: int = VOCAB) -> NGram:
    tokens, starts = stream(docs)
    return NGram.fit(tokens, starts, vocab_size=vocab_size, order=order)


class Twin:
    """The same estimate from the formulas, with dictionaries of tuples and no thought for speed."""

    def __init__(self, docs: Documents, order: int, vocab_size: int) -> None:
        self.vocab_size = vocab_size
        sentences = [(0, *doc, 0) for doc in docs]
        self.order = min(order, max(map(len, sentences)))
        self.adjusted: list[Counter[tuple[int, ...]]] = []
        for n in range(1, self.order + 1):
            raw = Counter(s[i : i + n] for s in sentences for i in range(len(s) - n + 1) if n > 1 or i > 0)
            if n == self.order:
                self.adjusted.append(raw)
                continue
            left = {s[i : i + n + 1] for s in sentences for i in range(len(s) - n)}
            count = Counter(gram[1:] for gram in left)
            if n > 1:
                count.update(s[:n] for s in sentences if len(s) >= n)
            self.adjusted.append(count)
        self.discounts = [self.discount(count) for count in self.adjusted]
        self.following: list[dict[tuple[int, ...], list[int]]] = []
        for count in self.adjusted:
            after = defaultdict(list)
            for gram, a in count.items():
                after[gram[:-1]].append(a)
            self.following.append(after)

    @staticmethod
    def discount(count: Counter[tuple[int, ...]]) -> tuple[float, float, float]:
        n1, n2, n3, n4 = (sum(a == k for a in count.values()) for k in (1, 2, 3, 4))
        if 0 in {n1, n2, n3, n4}:
            return FALLBACK_DISCOUNTS
        y = n1 / (n1 + 2 * n2)
        found = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
        return found if all(0 < d <= k for k, d in enumerate(found, 1)) else FALLBACK_DISCOUNTS

    def probability(self, word: int, context: tuple[int, ...]) -> float:
        n = len(context) + 1
        lower = self.probability(word, context[1:]) if context else 1 / self.vocab_size
        counts = self.following[n - 1].get(context)
        if not counts:
            return lower
        discounts, total = self.discounts[n - 1], sum(counts)
        mass = sum(discounts[min(a, 3) - 1] for a in counts) / total
        a = self.adjusted[n - 1][(*context, word)]
        return (a - discounts[min(a, 3) - 1] if a else 0.0) / total + mass * lower

    def loglikelihood(self, row: list[int]) -> list[float]:
        scored = [math.log(self.probability(row[t], tuple(row[max(0, t - self.order + 1) : t]))) for t in range(1, len(row))]
        return [0.0, *scored]


@settings(max_examples=150, deadline=None)
@given(documents, st.integers(1, 5), st.lists(st.integers(0, VOCAB - 1), max_size=15))
def test_equals_the_formulas_on_any_documents(docs: Documents, order: int, unseen: list[int]) -> None:
    model, twin = fit(docs, order), Twin(docs, order, VOCAB)
    rows = [[0, *docs[0]], [0, *unseen]]
    ids = np.zeros((2, max(map(len, rows))), dtype=np.int64)
    for row, values in zip(ids, rows, strict=True):
        row[: len(values)] = values
    found = model.loglikelihood(ids, np.array([len(row) for row in rows]))
    for got, row in zip(found, rows, strict=True):
        np.testing.assert_allclose(got[: len(row)], twin.loglikelihood(row), rtol=1e-6, atol=1e-6)
        assert not got[len(row) :].any()


@settings(max_examples=100, deadline=None)
@given(documents, st.integers(1, 5), st.lists(st.integers(0, VOCAB - 1), min_size=1, max_size=6))
def test_probabilities_after_any_context_sum_to_one(docs: Documents, order: int, context: list[int]) -> None:
    model = fit(docs, order)
    log_probs = model.next_log_probs(context)
    assert np.exp(log_probs).sum() == pytest.approx(1, abs=1e-6)
    rows = np.array([[*context, word] for word in range(VOCAB)])
    scored = model.loglikelihood(rows, np.full(VOCAB, len(context) + 1))[:, -1]
    np.testing.assert_allclose(scored, log_probs, rtol=1e-9)


def test_a_bigram_worked_by_hand() -> None:
    """Documents ``a b`` and ``a a`` with a = 1, b = 2, V = 3, and the fallback discounts ½, 1, 1½ (counts of counts are too few).

    Bigrams: 0a ×2, ab, b0, aa, a0. Distinct left neighbours: a: {0, a} = 2, b: {a} = 1, 0: {b, a} = 2; together 5.
    γ(·) = (1 + ½ + 1) / 5 = ½, so p(a) = (2 - 1) / 5 + ½ · ⅓ = 11/30 and p(b) = ½ / 5 + ⅙ = 8/30.
    After a: b, a, 0 once each, so γ = 3 · ½ / 3 = ½: p(b | a) = ½ / 3 + ½ · 8/30 = 3/10.
    After 0: a twice, so γ = 1 / 2: p(a | 0) = (2 - 1) / 2 + ½ · 11/30 = 41/60, and p(b | 0) = ½ · 8/30 = 2/15.
    After b: 0 once, so γ = ½ and p(a | b) = ½ · 11/30 = 11/60.
    """
    model = fit([[1, 2], [1, 1]], 2, vocab_size=3)
    after = {context: np.exp(model.next_log_probs([context])) for context in (0, 1, 2)}
    assert after[1][2] == pytest.approx(3 / 10)
    assert after[0][1] == pytest.approx(41 / 60)
    assert after[0][2] == pytest.approx(2 / 15)
    assert after[2][1] == pytest.approx(11 / 60)
    scored = model.loglikelihood(np.array([[0, 1, 2]]), np.array([3]))
    np.testing.assert_allclose(np.exp(scored), [[1, 41 / 60, 3 / 10]], rtol=1e-6)


def test_discounts_come_from_the_counts_of_counts() -> None:
    """Unigrams with n1 = 4, n2 = 2, n3 = 1, n4 = 1 among 9 tokens: Y = ½, D = (½, 2 - 3·½·½, 3 - 4·½·1) = (½, 1¼, 1)."""
    words = [1, 2, 3, 4, 5, 5, 6, 6, 7, 7, 7, 8, 8, 8, 8]
    model = fit([words], 1, vocab_size=9)  # the end of the document is a token too: a fifth one seen once
    n = [5, 2, 1, 1]
    y = n[0] / (n[0] + 2 * n[1])
    discounts = [1 - 2 * y * n[1] / n[0], 2 - 3 * y * n[2] / n[1], 3 - 4 * y * n[3] / n[2]]
    mass = (5 * discounts[0] + 2 * discounts[1] + 2 * discounts[2]) / 16
    assert np.exp(model.next_log_probs([0]))[7] == pytest.approx((3 - discounts[2]) / 16 + mass / 9)
    assert discounts != list(FALLBACK_DISCOUNTS)


def structured(seed: int, size: int) -> Documents:
    """Documents in which the last token leaves three possible next ones and the one before it decides, but for some noise."""
    generator = np.random.default_rng(seed)
    docs = []
    for _ in range(size):
        doc = [int(w) for w in generator.integers(1, 20, 2)]
        for _ in range(60):
            noisy = generator.random() < 0.1
            doc.append(int(generator.integers(1, 20)) if noisy else (3 * doc[-1] + doc[-2] % 3) % 19 + 1)
        docs.append(doc)
    return docs


def test_longer_contexts_predict_structured_text_better() -> None:
    train, test = structured(0, 150), structured(1, 20)
    rows = np.array([[0, *doc] for doc in test])
    losses = [-fit(train, n, 20).loglikelihood(rows, np.full(len(rows), rows.shape[1])).mean() for n in (1, 2, 3)]
    assert losses[0] > losses[1] > losses[2]
    assert losses[2] < 0.5 * losses[0]


def test_a_document_does_not_see_the_one_before_it() -> None:
    """``2 3`` only ever follows a document that ends in 1: at a document's start that must say nothing."""
    docs = [[4, 1], [2, 3]] * 20
    model = fit(docs, 3)
    swapped = fit([[2, 3], [4, 1]] * 20, 3)
    np.testing.assert_array_equal(model.next_log_probs([0]), swapped.next_log_probs([0]))
    assert model.next_log_probs([1])[2] < math.log(0.1)  # across the boundary it would be about a half


def test_saved_and_loaded_it_scores_and_writes_the_same() -> None:
    model = fit(structured(0, 20), 4, 20)
    loaded = NGram.from_state(model.config(), model.state())
    rows, lengths = np.array([[0, *structured(1, 1)[0]]]), np.array([40])
    np.testing.assert_array_equal(model.loglikelihood(rows, lengths), loaded.loglikelihood(rows, lengths))
    assert loaded.num_parameters == model.num_parameters == sum(len(t) for n, t in model.state().items() if n[:4] != "keys")
    settings = {"num_return_sequences": 3, "max_new_tokens": 20, "temperature": 0.8, "top_k": 5, "seed": 1, "stop_id": 0}
    assert model.generate([0, 3], **settings) == loaded.generate([0, 3], **settings)


def test_generation_obeys_its_settings() -> None:
    model = fit([[1, 2, 3, 4, 5]] * 10, 3)
    greedy = {"num_return_sequences": 2, "max_new_tokens": 20, "temperature": 0.0, "top_k": 0, "seed": 0, "stop_id": 0}
    assert model.generate([0, 1], **greedy) == [[2, 3, 4, 5]] * 2
    assert model.generate([0, 1], **{**greedy, "max_new_tokens": 2}) == [[2, 3]] * 2
    free = {**greedy, "temperature": 3.0, "num_return_sequences": 50, "max_new_tokens": 5}
    sampled = model.generate([0, 1], **free)
    assert sampled == model.generate([0, 1], **free) != model.generate([0, 1], **{**free, "seed": 1})
    assert len({tuple(ids) for ids in sampled}) > 5
    assert all(0 not in ids and len(ids) <= 5 for ids in sampled)
    assert model.generate([0, 1], **{**free, "top_k": 1}) == [[2, 3, 4, 5]] * 50


def test_samples_follow_the_model() -> None:
    model = fit([[1, 2], [1, 1], [1, 3], [1, 3]] * 5, 2)
    settings = {"max_new_tokens": 1, "temperature": 1.0, "top_k": 0, "seed": 0, "stop_id": VOCAB}
    sampled = model.generate([0, 1], num_return_sequences=4000, **settings)
    share = np.bincount([ids[0] for ids in sampled], minlength=VOCAB) / 4000
    np.testing.assert_allclose(share, np.exp(model.next_log_probs([0, 1])), atol=0.03)


def test_bad_input_is_refused() -> None:
    with pytest.raises(VocabularyError, match="vocabulary of 3"):
        fit([[5]], 2, vocab_size=3)
    with pytest.raises(VocabularyError, match="vocabulary of 6"):
        fit([[5]], 2).loglikelihood(np.array([[0, 6]]), np.array([2]))
    with pytest.raises(TrainingError, match="order = 0"):
        fit([[5]], 0)
    with pytest.raises(EmptyCorpusError, match="nothing to predict"):
        NGram.fit(np.zeros(3, np.uint16), np.arange(3), vocab_size=VOCAB, order=2)
    model = fit([[1, 2, 3]], 3)
    with pytest.raises(ManifestError, match=r"keys\.3"):
        NGram.from_state(model.config(), {k: v for k, v in model.state().items() if k != "keys.3"})


def test_the_order_is_no_longer_than_the_documents() -> None:
    assert fit([[1], [2]], 5).order == 3  # opening token, one token, end
