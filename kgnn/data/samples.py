"""`Samples`: measured values beside the names of their samples and features; it cannot exist misaligned.

Readers make it, `kgnn.train.fit` splits it, `kgnn.perturb` changes its values. Several samples may share one row of a
modality: in a drug screen every (cell line, drug) pair is a sample, while a cell line's genotype is stored once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from kgnn.data.measured import MEANINGS as MEANINGS
from kgnn.data.measured import TARGET_KINDS as TARGET_KINDS
from kgnn.data.measured import Modality as Modality
from kgnn.data.measured import Targets as Targets
from kgnn.data.measured import refuse_missing, refuse_repeats
from kgnn.data.stored import StoredTable, blocks, choose
from kgnn.errors import AlignmentError, name_some
from kgnn.knowledge.namespaces import explain_mismatch
from kgnn.knowledge.provenance import Provenance, content_fingerprint

MODALITY_OF_MEANING = {
    "alteration": "genotype", "abundance": "expression", "sequence": "sequence", "signal": "signal",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples of one or more modalities.

    Attributes:
        names: Sample names, each once.
        modalities: Tables by name; the first holds the genes.
        row_of_sample: For each modality, int32 ``[sample]``: the row that the sample uses.
        targets: What is to be predicted, or None.
        covariates: Further columns, one value a sample (cell line, drug, batch …), used for grouped splits.
        provenance: Sources and transformations.

    Raises:
        AlignmentError: If anything disagrees in number or order, or a target is missing.
    """

    names: tuple[str, ...]
    modalities: Mapping[str, Modality]
    row_of_sample: Mapping[str, np.ndarray]
    targets: Targets | None = None
    covariates: Mapping[str, np.ndarray] = field(default_factory=lambda: MappingProxyType({}))
    provenance: Provenance = field(default_factory=Provenance)

    def __post_init__(self) -> None:
        refuse_repeats("sample names", self.names)
        if not self.modalities or list(self.modalities) != list(self.row_of_sample):
            raise AlignmentError(
                f"modalities {list(self.modalities)} and rows {list(self.row_of_sample)} differ or are empty. "
                "Give one array of rows for each modality, in the same order."
            )
        for name, rows in self.row_of_sample.items():
            if rows.shape != (len(self.names),) or (
                len(rows) and (rows.min() < 0 or rows.max() >= len(self.modalities[name].rows))
            ):
                raise AlignmentError(f"modality {name!r}: every sample needs one row of the table.")
        for name, column in self.covariates.items():
            if len(column) != len(self.names):
                raise AlignmentError(f"covariate {name!r} has {len(column)} values for {len(self.names)} samples.")
        if self.targets is not None:
            if len(self.targets.values) != len(self.names):
                raise AlignmentError(f"{len(self.targets.values)} targets for {len(self.names)} samples.")
            per_sample = tuple(range(1, self.targets.values.ndim))
            missing = ~np.isfinite(self.targets.values).all(axis=per_sample)
            refuse_missing("samples have a missing or infinite target", self.names, missing, "samples")

    @classmethod
    def from_values(
        cls,
        values: np.ndarray,
        genes: Sequence[str],
        *,
        meaning: str,
        names: Sequence[str] | None = None,
        targets: Targets | None = None,
        covariates: Mapping[str, np.ndarray] = MappingProxyType({}),
        provenance: Provenance | None = None,
    ) -> Samples:
        """Samples of a single modality, one row of the table each.

        Args:
            values: ``[sample, gene]``.
            genes: Names of the columns.
            meaning: What a number means, see `Modality`.
            names: Sample names; ``sample_0`` … if not given.
            targets: What is to be predicted.
            covariates: Further columns by name.
            provenance: Sources and transformations.

        Returns:
            The samples; the modality is called ``genotype`` for alterations and ``expression`` for abundances.

        Raises:
            AlignmentError: If anything disagrees in number, comes twice or is missing.

        Example:
            >>> Samples.from_values(np.eye(2, 3), ["TP53", "MDM2", "ATM"], meaning="alteration").names
            ('sample_0', 'sample_1')
        """
        rows = tuple(f"sample_{position}" for position in range(len(values))) if names is None else tuple(names)
        refuse_repeats("sample names", rows)
        modality = Modality(values, tuple(genes), rows, meaning)
        name = MODALITY_OF_MEANING[meaning]
        every_row = np.arange(len(rows), dtype=np.int32)
        return cls(rows, {name: modality}, {name: every_row}, targets, dict(covariates), provenance or Provenance())

    def __repr__(self) -> str:
        tables = ", ".join(f"{name} {'×'.join(map(str, each.values.shape))}" for name, each in self.modalities.items())
        target = "no target" if self.targets is None else f"{self.targets.kind}: {name_some(self.targets.names)}"
        return f"Samples({len(self):,} samples; {tables}; {self.meaning}; {target})"

    def __len__(self) -> int:
        return len(self.names)

    @property
    def gene_modality(self) -> str:
        """Name of the modality that holds the genes (the first)."""
        return next(iter(self.modalities))

    @property
    def genes(self) -> tuple[str, ...]:
        """Names of the genes, in the order of the columns."""
        return self.modalities[self.gene_modality].features

    @property
    def meaning(self) -> str:
        """What a number of the gene modality means."""
        return self.modalities[self.gene_modality].meaning

    @cached_property
    def fingerprint(self) -> str:
        """Hash of names, values and targets; covariates and provenance do not enter."""
        parts: list[object] = [self.names]
        for name, table in self.modalities.items():
            parts += [name, table.features, table.rows, table.meaning, _digest(table.values)]
            parts.append(_digest(self.row_of_sample[name].astype(np.int64)))
        if self.targets is not None:
            parts += [self.targets.names, self.targets.kind, _digest(self.targets.values)]
        return content_fingerprint(parts)

    def inputs(self, index: np.ndarray | slice | None = None) -> np.ndarray | dict[str, np.ndarray]:
        """Values that a model takes: ``[sample, feature]``, or one such array a modality where there are several."""
        chosen = slice(None) if index is None else index
        arrays = {name: table.values[self.row_of_sample[name][chosen]] for name, table in self.modalities.items()}
        return arrays if len(arrays) > 1 else next(iter(arrays.values()))

    def gene_values(self, index: np.ndarray | slice | None = None) -> np.ndarray:
        """Values of the gene modality alone, ``[sample, gene]``, all samples or some of them."""
        rows = self.row_of_sample[self.gene_modality]
        return self.modalities[self.gene_modality].values[rows if index is None else rows[index]]

    def gene_blocks(self) -> Iterator[np.ndarray]:
        """The gene values of all samples, ``[sample, gene]``, some samples at a time."""
        return self.blocks_of(self.gene_modality)

    def blocks_of(self, modality: str) -> Iterator[np.ndarray]:
        """The values of all samples in one table, ``[sample, feature]``, some samples at a time."""
        table = self.modalities[modality].values
        return blocks(StoredTable(table, table.shape[1], rows=self.row_of_sample[modality]))

    def require_targets(self) -> Targets:
        """The targets.

        Raises:
            AlignmentError: If the samples have none.
        """
        if self.targets is None:
            raise AlignmentError(f"the {len(self):,} samples have no target. Read them with target=.")
        return self.targets

    def take(self, index: Sequence[int] | np.ndarray) -> Samples:
        """Some of the samples, in the order given; rows that none of them uses are left out.

        Args:
            index: Positions, or a bool mask with one value a sample.

        Returns:
            The chosen samples.

        Raises:
            AlignmentError: If a mask has not one value a sample, or a sample is asked for twice.
        """
        index = np.asarray(index)
        if index.dtype == bool:
            if index.shape != (len(self),):
                raise AlignmentError(f"a mask of shape {index.shape} for {len(self):,} samples. Give one value each.")
            index = np.flatnonzero(index)
        index = index.astype(np.int64)
        modalities, rows = {}, {}
        for name, table in self.modalities.items():
            used, rows_now = np.unique(self.row_of_sample[name][index], return_inverse=True)
            row_names = tuple(table.rows[row] for row in used)
            modalities[name] = replace(table, values=choose(table.values, rows=used), rows=row_names)
            rows[name] = rows_now.astype(np.int32)
        targets = None if self.targets is None else replace(self.targets, values=self.targets.values[index])
        covariates = {name: np.asarray(column)[index] for name, column in self.covariates.items()}
        names = tuple(self.names[position] for position in index)
        return replace(
            self, names=names, modalities=modalities, row_of_sample=rows, targets=targets, covariates=covariates
        )

    def with_genes(self, genes: Sequence[str]) -> Samples:
        """The same samples with the gene columns chosen and ordered by name.

        Further tables of the same genes (deletions beside mutations) follow.

        Raises:
            AlignmentError: If a gene is not among the columns.
        """
        table = self.modalities[self.gene_modality]
        if table.features == tuple(genes):
            return self
        position = {gene: column for column, gene in enumerate(table.features)}
        missing = [gene for gene in genes if gene not in position]
        if missing:
            raise AlignmentError(
                f"{len(missing):,} of {len(genes):,} genes of the model are not in the samples: {name_some(missing)}. "
                f"{explain_mismatch(table.features, missing)} Compile the hierarchy with the genes of these samples, "
                "or measure the missing ones."
            )
        columns = [position[gene] for gene in genes]
        chosen = {
            name: replace(each, values=choose(each.values, columns=columns), features=tuple(genes))
            for name, each in self.modalities.items()
            if each.features == table.features
        }
        return replace(self, modalities={**self.modalities, **chosen})

    def with_gene_values(self, values: np.ndarray) -> Samples:
        """The same samples with other values in the gene modality, ``[row, gene]``."""
        table = replace(self.modalities[self.gene_modality], values=values)
        return replace(self, modalities={**self.modalities, self.gene_modality: table})

    def with_classes(self, classes: Sequence[str]) -> Samples:
        """The same samples with their class codes counted along `classes`, so that a second file agrees with a first.

        Args:
            classes: Names of all classes, for example `targets.names` of the training samples.

        Returns:
            The recoded samples; unchanged where there is no target or it is not of kind ``"classes"``.

        Raises:
            AlignmentError: If a sample has a class that is not listed.
        """
        targets = self.targets
        if targets is None or targets.kind != "classes" or targets.names == tuple(classes):
            return self
        code = {name: position for position, name in enumerate(classes)}
        unknown = [targets.names[old] for old in np.unique(targets.values) if targets.names[old] not in code]
        if unknown:
            raise AlignmentError(
                f"{len(unknown):,} classes of the samples are not among the {len(code):,} known: {name_some(unknown)}. "
                "Leave these samples out, or train with them."
            )
        code_now = np.array([code.get(name, -1) for name in targets.names], dtype=np.int32)
        return replace(self, targets=Targets(code_now[targets.values], tuple(classes), "classes"))


def _digest(values: Any) -> str:
    digest = hashlib.sha256()
    for block in blocks(values) if values.ndim == 2 else (values,):
        digest.update(np.ascontiguousarray(block).data)
    return f"{values.dtype.str} {values.shape} {digest.hexdigest()}"
