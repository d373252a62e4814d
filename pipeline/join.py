"""The duplicate join: from the signatures of all documents to a fate for each, in bounded memory.

It holds some 150 bytes per document. What may be far more goes to files: the pairs that share a band when they pass
``runtime.memory_bytes``, the shingles of the candidates always, of which those of one range of ranks are read at a time. Both
ways the same numbers are compared in the same order. Documents are numbered by rank, the best first.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline import runtime
from pipeline.dedup.duplicates import (
    FATES,
    KEPT,
    RULES,
    SHINGLES,
    WANTED,
    Outcome,
    Sources,
    fates,
    index_sources,
    rank_documents,
    words_of,
)
from pipeline.dedup.groups import F64, Groups, Shingles, start_groups, visit
from pipeline.dedup.pairs import MOST_DOCUMENTS, NONE, U32, find_first, find_pairs
from pipeline.errors import InputError
from pipeline.row_groups import row_groups
from pipeline.tables import num_rows, read_shards, shard_name, write_table
from pipeline.text.hashing import I64, U64

RANGES = 64  # of ranks, at least: the pairs of one range, and the shingles they touch, are in memory together
DOCUMENTS_PER_RANGE = 1 << 16
THREADS = 4  # that look for pairs, at most: each holds 16 bytes per document


@dataclass(frozen=True)
class Signed:
    """What the join holds of each document, by row, and a file of the hashes of each band."""

    ids: pa.Array
    sources: Sources
    num_bytes: I64
    same: dict[str, U32]  # the first row that agrees in a rule's column, for each rule that removes for certain
    bands: list[Path]

    def __len__(self) -> int:
        return len(self.ids)


def gather(signatures: Path, schema: pa.Schema, folder: Path) -> Signed:
    """Read the signatures once. Raises InputError for more than 2**32 - 1 documents."""
    if (size := num_rows(signatures)) > MOST_DOCUMENTS:
        raise InputError(f"{signatures}: {size} documents; at most {MOST_DOCUMENTS} can be compared at once")
    rules = [name for name in schema.names if name in RULES]
    digests, first = {name: np.empty((2, size), np.uint64) for name in rules}, 0
    columns: dict[str, list[pa.Array]] = {"id": [], "source": [], "num_bytes": []}
    width = schema.field("bands").type.byte_width // 8 if "bands" in schema.names else 0
    paths = [folder / f"band-{band:03d}" for band in range(width)]
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("wb")) for path in paths]
        for batch in (b for table in read_shards(signatures, schema) for b in table.to_batches()):
            for name, parts in columns.items():
                parts.append(batch[name])
            for name in rules:
                digests[name][:, first : first + len(batch)] = words_of(batch[name]).T
            for file, band in zip(files, words_of(batch["bands"]).T if width else [], strict=True):
                file.write(band.tobytes())
            first += len(batch)
    num_bytes = pa.chunked_array(columns["num_bytes"]).to_numpy()
    ids = pa.chunked_array(columns["id"]).cast(pa.large_string()).combine_chunks()
    same = {name: find_first(*digests.pop(name)) for name in rules}
    return Signed(ids, index_sources(pa.chunked_array(columns["source"])), num_bytes, same, paths)


@dataclass(frozen=True)
class Ranking:
    """The documents in order of rank, and what the certain rules say."""

    order: U32  # (T,) row of each rank
    ranks: U32  # (T,) rank of each row
    first: U32  # (T,) by rank: the best document that each repeats for certain, itself if none
    rule: U32  # (T,) by rank: which rule says so, position in RULES
    copied: npt.NDArray[np.bool_]  # (T,) by rank: there are exact copies


def rank(signed: Signed, prefer: Sequence[str]) -> Ranking:
    """Rank all documents; a repeat by one rule is not looked at by the next."""
    same = signed.same["exact"]
    copies = np.bincount(same, minlength=len(same)).astype(np.int32)[same]
    order = rank_documents(signed.ids, signed.sources, signed.num_bytes, copies, prefer)
    ranks = np.empty_like(order)
    ranks[order] = np.arange(len(order), dtype=np.uint32)
    first, rule = np.arange(len(order), dtype=np.uint32), np.zeros(len(order), np.uint32)
    for number, name in enumerate(RULES):
        if name in signed.same:
            alive, member = np.flatnonzero(rule == KEPT).astype(np.uint32), signed.same[name][order]
            best, step = np.empty_like(first), np.arange(len(first), dtype=np.uint32)
            best[member[alive[::-1]]] = alive[::-1]  # of several the last is written: the best
            step[alive] = best[member[alive]]
            rule[alive[step[alive] != alive]] = number
            first = step[first]
    return Ranking(order, ranks, first, rule, copies[order] > 1)


class Pairs:
    """Pairs of documents by range of the first one's rank: in memory up to ``limit`` bytes, then in files of ``folder``."""

    def __init__(self, folder: Path, size: int, limit: int) -> None:
        self.folder, self.limit = folder, limit
        ranges = max(RANGES, size // DOCUMENTS_PER_RANGE)
        self.edges = np.linspace(0, size, ranges + 1).astype(np.uint64)
        self._kept: list[list[U64]] = [[] for _ in range(ranges)]
        self._num_bytes = 0
        self._lock = threading.Lock()
        folder.mkdir(parents=True)

    def add(self, pairs: U64) -> None:
        """Take in a sorted array."""
        cuts = np.searchsorted(pairs, self.edges << np.uint64(32))
        with self._lock:
            for kept, first, last in zip(self._kept, cuts[:-1], cuts[1:], strict=True):
                if last > first:
                    kept.append(pairs[first:last].copy())
            self._num_bytes += pairs.nbytes
            if self._num_bytes > self.limit:
                self._spill()

    def _spill(self) -> None:
        for number, kept in enumerate(self._kept):
            with (self.folder / str(number)).open("ab") as file:
                for part in kept:
                    file.write(part.data)
            kept.clear()
        self._num_bytes = 0

    def __iter__(self) -> Iterator[U64]:
        """The pairs of one range after the other, ascending, each once."""
        for number, kept in enumerate(self._kept):
            path = self.folder / str(number)
            spilled = [np.fromfile(path, np.uint64)] if path.exists() else []
            yield np.unique(np.concatenate([np.zeros(0, np.uint64), *spilled, *kept]))


def pair_up(bands: Sequence[Path], ranking: Ranking, folder: Path) -> Pairs:
    """Pair the documents that share a band, of those that no certain rule removes."""
    pairs = Pairs(folder, len(ranking.order), runtime.memory_bytes())

    def work(band: Path) -> None:
        hashes = np.fromfile(band, np.uint64)[ranking.order]
        hashes[ranking.rule != KEPT] = NONE
        for found in find_pairs(hashes):
            pairs.add(found)

    with ThreadPoolExecutor(min(runtime.workers(), THREADS)) as pool:
        list(pool.map(work, bands))
    return pairs


def find_wanted(pairs: Pairs, ranking: Ranking) -> npt.NDArray[np.bool_]:
    """Which documents are in a pair, (T,) by row."""
    wanted = np.zeros(len(ranking.ranks), np.bool_)
    for part in pairs:
        wanted[part >> np.uint64(32)] = True
        wanted[part & np.uint64(MOST_DOCUMENTS)] = True
    return wanted[ranking.ranks]


def write_wanted(wanted: npt.NDArray[np.bool_], docs: Path, out: Path) -> None:
    """Write WANTED, sharded like ``docs``."""
    for path, rows in _alike(docs, out):
        write_table(pa.table([wanted[rows]], schema=WANTED), path)


@dataclass(frozen=True)
class StoredShingles:
    """Shingle sets of all candidates in a file, one behind the other; those of a range are read from it when they are needed."""

    file: Path
    starts: I64  # (T,) by rank: byte of the file
    sizes: U32  # (T,) shingles
    places: I64  # (T,) work space of ``select``

    def select(self, documents: U32) -> Shingles:
        """The sets of some documents. Read, not mapped: a page that is mapped brings 15 others with it, which count as in use."""
        documents = documents[np.argsort(self.starts[documents], kind="stable")]
        bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.sizes[documents], dtype=np.int64)])
        self.places[documents] = bounds[:-1]
        values = np.empty(int(bounds[-1]), np.uint64)
        view = memoryview(values.view(np.uint8).data)
        with self.file.open("rb", buffering=0) as stream:
            for start, (first, last) in zip(self.starts[documents].tolist(), pairwise((bounds * 8).tolist()), strict=True):
                os.preadv(stream.fileno(), [view[first:last]], start)
        return Shingles(values, self.places, self.sizes)


def store_shingles(source: Path, ranking: Ranking, file: Path) -> StoredShingles:
    """Write the SHINGLES of all documents, in order of row, into ``file``."""
    total, first, written = len(ranking.ranks), 0, 0
    starts, sizes = np.zeros(total, np.int64), np.zeros(total, np.uint32)
    with file.open("wb") as stream:
        for table in read_shards(source, SHINGLES):
            for chunk in table["shingles"].chunks:
                _, offsets, data = chunk.buffers()
                bounds = np.frombuffer(offsets, np.int64)[chunk.offset : chunk.offset + len(chunk) + 1]
                ranks = ranking.ranks[first : first + len(chunk)]
                first += len(chunk)
                starts[ranks], sizes[ranks] = bounds[:-1] - bounds[0] + written, np.diff(bounds) // 8
                if bounds[-1] > bounds[0]:
                    stream.write(memoryview(data)[bounds[0] : bounds[-1]])
                written += int(bounds[-1] - bounds[0])
    return StoredShingles(file, starts, sizes, np.zeros(total, np.int64))


def compare(pairs: Pairs, stored: StoredShingles | None, *, similar: F64, related: float) -> Groups:
    """Decide every document, range by range of ranks; without shingles a pair counts as alike."""
    groups = start_groups(len(similar))
    for part in pairs:
        known = None
        if stored:  # what stands for a document of this range is in it, or stands for one before it already
            documents, others = (part >> np.uint64(32)).astype(np.uint32), (part & np.uint64(MOST_DOCUMENTS)).astype(np.uint32)
            known = stored.select(np.unique(np.concatenate([documents, groups.kept_by[others]])))
        visit(groups, part, known, similar=similar, related=related)
    return groups


def write_fates(outcome: Outcome, ids: pa.Array, ranking: Ranking, docs: Path, out: Path) -> None:
    """Write FATES, sharded like ``docs``."""
    for path, rows in _alike(docs, out):
        write_table(fates(ids, ranking.ranks, ranking.order, outcome, rows).cast(FATES), path)


def _alike(docs: Path, folder: Path) -> Iterator[tuple[Path, slice]]:
    """A shard below ``folder`` for each row group of ``docs`` and the rows it holds: a table cut alike is mapped unit by unit."""
    first = 0
    for number, group in enumerate(group for group in row_groups(docs) if group.num_rows):
        yield folder / shard_name(number), slice(first, first + group.num_rows)
        first += group.num_rows
