"""Fine-tuning tasks, mined from the corpus itself: each module is a ``pipeline.tasks.interface.Task``."""

from pipeline.tasks import classification, summarization
from pipeline.tasks.interface import Task

TASKS: dict[str, Task] = {"classification": classification, "summarization": summarization}
