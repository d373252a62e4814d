"""Language models, one file per family; add a family by a file here and a line in MODELS."""

from pipeline.models.gpt import GPT
from pipeline.models.interface import LanguageModel
from pipeline.models.ngram import NGram
from pipeline.models.rnn import LSTM

MODELS: dict[str, type[LanguageModel]] = {"gpt": GPT, "lstm": LSTM, "ngram": NGram}
