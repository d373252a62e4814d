"""Language models, one file per family; add a family by a file here and a line in MODELS."""

from pipeline.models.bert import BERT
from pipeline.models.electra import ELECTRA
from pipeline.models.gpt import GPT
from pipeline.models.interface import LanguageModel
from pipeline.models.ngram import NGram
from pipeline.models.rnn import LSTM

MODELS: dict[str, type[LanguageModel]] = {"bert": BERT, "electra": ELECTRA, "gpt": GPT, "lstm": LSTM, "ngram": NGram}
