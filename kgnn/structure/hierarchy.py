"""`Hierarchy`: a compiled ontology as integer arrays, in the order in which a network computes it.

Terms lie in level order: a term at level 0 has only genes below it, any other stands one level above its highest
child, and the root is last. All further rooms speak of terms and genes by these positions; names are kept only to
label results.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from kgnn.errors import FormatError
from kgnn.knowledge.provenance import Provenance, content_fingerprint
from kgnn.knowledge.writing import whole_file

_ARRAYS = ("level_of_term", "relation_child", "relation_parent", "annotation_gene", "annotation_term")
_COPIES = "copy_of"
_OPTIONAL = (_COPIES, "sign_of_relation", "sign_of_annotation")
# What NumPy, zip and JSON raise for a file that is something else, cut short or changed; a zip member of an unknown
# version or method is a RuntimeError.
UNREADABLE = (
    OSError, KeyError, TypeError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """A rooted, acyclic hierarchy of terms over genes.

    Attributes:
        terms: Term ids in level order; the root is last.
        term_names: What people call them, in the same order.
        genes: Gene names, in the order of a model's input.
        level_of_term: int32 ``[term]``, never falling.
        relation_child: int32 ``[relation]``, position of the child term; sorted by parent, then child.
        relation_parent: int32 ``[relation]``, position of the parent term.
        annotation_gene: int32 ``[annotation]``, position of the gene; sorted by term, then gene.
        annotation_term: int32 ``[annotation]``, position of the term to which the gene is annotated directly.
        ontology_fingerprint: Fingerprint of the ontology that was compiled.
        provenance: Its sources and transformations.
        copy_of: int32 ``[term]``, position of the term that each one copies, its own where it is no copy; None where
            there are no copies (``compile_hierarchy(..., skips="copy")`` makes them).
        sign_of_relation: int8 ``[relation]``: 1 where the child activates the parent, −1 where it inhibits it, 0 where
            unknown; None where no sign is known (`compile_regulation` reads them from a network).
        sign_of_annotation: int8 ``[annotation]``, the same of genes.
    """

    terms: tuple[str, ...]
    term_names: tuple[str, ...]
    genes: tuple[str, ...]
    level_of_term: np.ndarray
    relation_child: np.ndarray
    relation_parent: np.ndarray
    annotation_gene: np.ndarray
    annotation_term: np.ndarray
    ontology_fingerprint: str = ""
    provenance: Provenance = field(default_factory=Provenance)
    copy_of: np.ndarray | None = None
    sign_of_relation: np.ndarray | None = None
    sign_of_annotation: np.ndarray | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hierarchy) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    @property
    def n_terms(self) -> int:
        """Number of terms."""
        return len(self.terms)

    @property
    def n_genes(self) -> int:
        """Number of genes."""
        return len(self.genes)

    @property
    def n_levels(self) -> int:
        """Number of levels."""
        return int(self.level_of_term[-1]) + 1

    @property
    def root(self) -> str:
        """Id of the root."""
        return self.terms[-1]

    @cached_property
    def term_index(self) -> dict[str, int]:
        """Position of every term by its id."""
        return {term: position for position, term in enumerate(self.terms)}

    @cached_property
    def children_of_term(self) -> tuple[np.ndarray, ...]:
        """Positions of the child terms of every term."""
        return _grouped(self.relation_child, self.relation_parent, self.n_terms)

    @cached_property
    def parents_of_term(self) -> tuple[np.ndarray, ...]:
        """Positions of the parent terms of every term."""
        order = np.argsort(self.relation_child, kind="stable")
        return _grouped(self.relation_parent[order], self.relation_child[order], self.n_terms)

    @cached_property
    def genes_of_term(self) -> tuple[np.ndarray, ...]:
        """Positions of the genes annotated directly to every term."""
        return _grouped(self.annotation_gene, self.annotation_term, self.n_terms)

    @cached_property
    def gene_sets(self) -> tuple[np.ndarray, ...]:
        """Positions of the genes annotated to every term or below it, sorted."""
        found: list[np.ndarray] = []
        for term in range(self.n_terms):
            below = [found[child] for child in self.children_of_term[term]]
            found.append(np.unique(np.concatenate([self.genes_of_term[term], *below])))
        return tuple(found)

    @cached_property
    def n_genes_of_term(self) -> np.ndarray:
        """int32 ``[term]``: how many genes each term holds, itself and below."""
        return np.array([len(genes) for genes in self.gene_sets], dtype=np.int32)

    def ancestors(self, term: int) -> np.ndarray:
        """Positions of a term and of every term above it, sorted.

        Args:
            term: Position of the term.

        Returns:
            Positions, the root last.
        """
        reached = np.zeros(self.n_terms, dtype=bool)
        reached[term] = True
        for position in range(term, self.n_terms):
            if reached[position]:
                reached[self.parents_of_term[position]] = True
        return np.flatnonzero(reached)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of names and arrays; a run refuses to load with another one."""
        arrays = [self._arrays[name].tolist() for name in self._arrays]
        return content_fingerprint([self.terms, self.genes, *arrays])

    @property
    def _arrays(self) -> dict[str, np.ndarray]:
        found = {name: getattr(self, name) for name in (*_ARRAYS, *_OPTIONAL)}
        return {name: array for name, array in found.items() if array is not None}

    def save(self, path: str | PathLike[str]) -> None:
        """Write the hierarchy as one ``.npz`` file, at once or not at all.

        Args:
            path: File to write.
        """
        with whole_file(path) as unfinished, unfinished.open("wb") as stream:
            np.savez_compressed(stream, allow_pickle=False, **self.stored())

    def stored(self) -> dict[str, np.ndarray]:
        """The hierarchy as the arrays of a file; see `restored`."""
        header = {
            "kind": "kgnn hierarchy",
            "terms": self.terms,
            "term_names": self.term_names,
            "genes": self.genes,
            "ontology_fingerprint": self.ontology_fingerprint,
            "fingerprint": self.fingerprint,
            "provenance": self.provenance.to_json(),
        }
        return {"header": np.frombuffer(json.dumps(header).encode(), dtype=np.uint8), **self._arrays}

    @classmethod
    def restored(cls, stored: Mapping[str, np.ndarray]) -> Hierarchy:
        """The hierarchy of the arrays of `stored`.

        Args:
            stored: Arrays by name.

        Returns:
            The hierarchy.

        Raises:
            FormatError: If the content does not have its fingerprint.
        """
        header: dict[str, Any] = json.loads(stored["header"].tobytes())
        hierarchy = cls(
            terms=tuple(header["terms"]),
            term_names=tuple(header["term_names"]),
            genes=tuple(header["genes"]),
            ontology_fingerprint=header["ontology_fingerprint"],
            provenance=Provenance.from_json(header["provenance"]),
            **{name: stored.get(name) for name in _OPTIONAL},
            **{name: stored[name] for name in _ARRAYS},
        )
        if hierarchy.fingerprint != header["fingerprint"]:
            raise FormatError("is damaged: its content does not have its fingerprint. Compile it again.")
        return hierarchy

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Hierarchy:
        """Read what `save` wrote.

        Args:
            path: The ``.npz`` file.

        Returns:
            The hierarchy.

        Raises:
            FormatError: If the file is not a compiled hierarchy or is damaged.
        """
        try:
            with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
                return cls.restored(stored)
        except FormatError as problem:
            raise FormatError(str(problem), path) from None
        except UNREADABLE as problem:
            raise FormatError(
                f"is not a compiled hierarchy ({problem}). Write one with kgnn compile --ontology F --out F.", path
            ) from None


def _grouped(values: np.ndarray, group: np.ndarray, n_groups: int) -> tuple[np.ndarray, ...]:
    """`values` split by `group`, which must be sorted."""
    bounds = np.searchsorted(group, np.arange(1, n_groups))
    return tuple(np.split(values, bounds))
