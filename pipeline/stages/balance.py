"""Measures which groups the corpus speaks of and beside which work; weighs documents so that groups and domains even out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from pipeline.bias.measures import AXES, GROUPS, Measures, association_bits, axis_members, join, measure, shares
from pipeline.bias.weights import F64, domain_weights, effective_size, rake
from pipeline.errors import EmptyCorpusError, ParamsError
from pipeline.params import Params
from pipeline.schema import DOCS, WEIGHTS
from pipeline.tables import ShardWriter, num_rows, read_shards, write_table


class BalanceParams(Params):
    """Section ``balance`` of params.yaml."""

    axes: tuple[str, ...] = Field(AXES, description="axes of groups to even out; the others are only measured")
    min_documents: int = Field(10, ge=1, description="a group in fewer documents is not weighed up: few texts would be repeated")
    low: float = Field(0.5, gt=0, le=1, description="least weight of a document")
    high: float = Field(2.0, ge=1, description="greatest weight of a document")
    domain_temperature: float = Field(1.0, ge=0, le=1, description="1 keeps the domains' shares, 0 makes them equal")
    mixture: dict[str, float] = Field({}, description="shares of named domains, in bytes; the others divide the rest")

    @model_validator(mode="after")
    def _known(self) -> BalanceParams:
        if unknown := sorted(set(self.axes) - set(AXES)):
            raise ValueError(f"axes {unknown} are not among {list(AXES)}")
        if any(share <= 0 for share in self.mixture.values()) or sum(self.mixture.values()) > 1 + 1e-9:
            raise ValueError("shares of the mixture must be above 0 and sum to at most 1")
        return self


def balance(docs: Path, out: Path, weights: Path, *, params: BalanceParams) -> dict[str, float]:
    """Write the DOCS unchanged to ``out`` and the WEIGHTS that even out groups and domains to ``weights``.

    Raises EmptyCorpusError without a document, ParamsError for a mixture that names a domain the corpus lacks.
    """
    if not num_rows(docs):
        raise EmptyCorpusError(f"{docs}: no document to weigh; the stage before dropped them all, see its dropped table")
    parts, columns = [], []
    with ShardWriter(out, DOCS) as writer:
        for table in read_shards(docs, DOCS):
            writer.write(table)
            writer.end_shard()
            parts.append(measure(table["text"]))
            columns.append(table.select(["id", "domain"]).append_column("num_bytes", pc.binary_length(table["text"])))
    measures, about = join(parts), pa.concat_tables(columns)
    domain = about["domain"].combine_chunks().dictionary_encode()
    mixture = _numbered(params.mixture, domain.dictionary.to_pylist(), docs)
    amount = about["num_bytes"].to_numpy().astype(np.float64) + 1  # an empty text has a place too
    start = domain_weights(domain.indices.to_numpy(), amount, temperature=params.domain_temperature, mixture=mixture)
    present = measures.mentions > 0
    enough = measures.documents() >= params.min_documents
    axes = [members[enough[members]] for members in map(axis_members, params.axes)]
    raked = rake(present, [groups for groups in axes if len(groups) > 1], start, low=params.low, high=params.high)
    found = np.round(raked, 6)  # so that the last digit of a machine's exp() is no difference
    write_table(pa.table({"id": about["id"], "weight": found}).cast(WEIGHTS), weights)
    return _report(measures, found, enough) | {"domains": float(len(domain.dictionary))}


def _numbered(mixture: dict[str, float], domains: list[str], docs: Path) -> dict[int, float]:
    if unknown := sorted(set(mixture) - set(domains)):
        some = ", ".join(sorted(domains)[:20])
        raise ParamsError(f"balance.mixture names {unknown}, no domain of {docs}; it has {some}")
    return {domains.index(name): share for name, share in mixture.items()}


def _report(measures: Measures, weights: F64, enough: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Shares, ratios and association, before and after; ratios only of groups that are evened out."""
    report = {"docs_in": float(len(weights)), "docs_out": float(len(weights))}
    for group, mentions, documents in zip(GROUPS, measures.mentions.sum(axis=0), measures.documents(), strict=True):
        report |= {f"mentions/{group}": float(mentions), f"documents/{group}": float(documents)}
    for when, given in (("before", np.ones(len(weights))), ("after", weights)):
        documents = measures.documents(given)
        report |= {f"share_{when}/{group}": round(float(s), 6) for group, s in zip(GROUPS, shares(documents), strict=True)}
        for axis in AXES:
            counts = documents[axis_members(axis)][enough[axis_members(axis)]]
            if len(counts) > 1:
                report[f"ratio_{when}/{axis}"] = round(float(counts.max() / counts.min()), 6)
        bits = association_bits(measures.cooccurrence(given))
        report |= {f"association_bits_{when}/{axis}": round(value, 6) for axis, value in bits.items()}
    report |= {"weight_min": round(float(weights.min()), 6), "weight_max": round(float(weights.max()), 6)}
    return report | {"effective_docs": round(effective_size(weights), 3)}
