"""Every error that Heddle raises on purpose.

PipelineError                     exit code 1, one message, no traceback
├── ParamsError                   a params.yaml section that does not parse
├── InputError                    what a stage was given cannot be used
│   ├── MissingInputError         a file or folder that is not there
│   ├── SchemaError               a table with other columns than its contract
│   ├── EmptyCorpusError          no document left to work on
│   ├── DuplicateIdError          two documents with one id
│   ├── TooFewExamplesError       a corpus that a task finds too little in
│   ├── CheckpointMismatchError   a checkpoint of another run
│   └── UnknownDocumentError      an id that no table has
├── MissingExtraError             an optional package that a setting needs
├── ConservationError             documents in ≠ documents out + dropped
├── DuplicateAlarmError          a duplicate group, or a source's loss, larger than its bound
├── ManifestError                 a model directory that is not what its manifest says
├── VocabularyError               a tokenizer that cannot have, or does not have, this vocabulary
├── TrainingError                 a loss that is no number, a setting that cannot train
├── StageBusyError                the same stage runs already in another process
└── UsageError                    a command line that names no stage, or too few paths

A message names the file, the key and the value, and says what to do about it.
"""

from __future__ import annotations


class PipelineError(Exception):
    """Base of every deliberate error: the command line prints its message and exits with 1."""


class ParamsError(PipelineError):
    """A params.yaml section has an unknown key, a wrong type or a value out of bounds."""


class InputError(PipelineError):
    """What a stage was given cannot be used."""


class MissingInputError(InputError):
    """A file or folder does not exist or holds none of the files it should."""


class SchemaError(InputError):
    """A table's columns or types differ from its contract in ``pipeline.schema``."""


class EmptyCorpusError(InputError):
    """No document is left for a stage that needs one."""


class DuplicateIdError(InputError):
    """Two documents carry the same id, so their fate could not be told apart."""


class TooFewExamplesError(InputError):
    """The documents hold too few examples, or too few classes, of a fine-tuning task."""


class CheckpointMismatchError(InputError):
    """A checkpoint belongs to other data, params or code."""


class UnknownDocumentError(InputError):
    """No table has a document of this id, or several have one that begins so."""


class MissingExtraError(PipelineError):
    """A setting needs a package of an optional dependency that is not installed."""


class ConservationError(PipelineError):
    """A stage lost or invented documents: documents in ≠ documents out + dropped."""


class DuplicateAlarmError(PipelineError):
    """So many documents go as duplicates of one, or from one source, that it is more likely a template than a copy."""


class ManifestError(PipelineError):
    """A model directory's files differ from its manifest."""


class VocabularyError(PipelineError):
    """The text does not allow the vocabulary asked for, or a model and its tokenizer disagree."""


class TrainingError(PipelineError):
    """Training cannot go on: the loss is no number, or a setting excludes another."""


class StageBusyError(PipelineError):
    """Another process runs this stage in the same workspace."""


class UsageError(PipelineError):
    """The command line names no stage, or not the paths that the stage needs."""
