"""`MotifSet`: motifs of one source, with their provenance; what `kgnn.structure.compile_kernels` takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike
from typing import Any

import numpy as np

from kgnn.errors import AlignmentError, StructureError, name_some
from kgnn.knowledge.motif import UNIFORM, Motif, background_of
from kgnn.knowledge.ontology import Loss, losses_to_json
from kgnn.knowledge.provenance import Provenance, content_fingerprint


@dataclass(frozen=True)
class MotifSet:
    """A frozen set of motifs, each under an id of its own.

    Attributes:
        motifs: The motifs in the order of the file.
        background: Probability of A, C, G and T that the file states; 0.25 each where it states none.
        provenance: Sources and transformations.
        losses: What reading, selecting and clustering left out.
    """

    motifs: tuple[Motif, ...]
    background: tuple[float, ...] = UNIFORM
    provenance: Provenance = field(default_factory=Provenance)
    losses: tuple[Loss, ...] = ()

    def __post_init__(self) -> None:
        repeated = [name for name, times in Counter(motif.id for motif in self.motifs).items() if times > 1]
        if repeated:
            raise StructureError(
                f"{len(repeated)} motif ids come more than once: {name_some(repeated)}. Ids name rows of results: "
                "give every motif one of its own."
            )
        object.__setattr__(self, "background", tuple(background_of(self.background).tolist()))

    def __len__(self) -> int:
        return len(self.motifs)

    def __iter__(self) -> Iterator[Motif]:
        return iter(self.motifs)

    def __getitem__(self, id: str) -> Motif:
        self._require([id])
        return self.motifs[self._index[id]]

    def __contains__(self, id: object) -> bool:
        return id in self._index

    @cached_property
    def _index(self) -> dict[str, int]:
        return {motif.id: position for position, motif in enumerate(self.motifs)}

    def _require(self, ids: Iterable[str]) -> None:
        missing = [name for name in ids if name not in self._index]
        if missing:
            example = f"Ids here look like {self.motifs[0].id}." if self.motifs else "The set is empty."
            raise AlignmentError(
                f"{len(missing)} motifs are not among the {len(self):,}: {name_some(missing)}. {example}"
            )

    @property
    def ids(self) -> tuple[str, ...]:
        """Id of every motif."""
        return tuple(motif.id for motif in self.motifs)

    @property
    def names(self) -> tuple[str, ...]:
        """Name of every motif; several motifs may share one."""
        return tuple(motif.name for motif in self.motifs)

    @property
    def factors(self) -> tuple[str, ...]:
        """Every transcription factor that a motif belongs to, sorted."""
        return tuple(sorted({factor for motif in self.motifs for factor in motif.factors}))

    @property
    def widths(self) -> np.ndarray:
        """int32 ``[motif]``: number of positions."""
        return np.array([len(motif) for motif in self.motifs], dtype=np.int32)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of ids, names, factors, frequencies, sites and background, independent of the order in the file.

        Frequencies count bit for bit, so a file that prints fewer decimals gives another fingerprint. Class, family
        and species are not in it: most formats cannot hold them.
        """
        motifs = sorted(self.motifs, key=lambda motif: motif.id)
        return content_fingerprint([self.background, *(motif.content for motif in motifs)])

    def select(self, ids: Iterable[str] | None = None, *, factors: Iterable[str] | None = None) -> MotifSet:
        """The motifs with these ids, or of these transcription factors, in the order of the set.

        Args:
            ids: Ids to keep; None for all.
            factors: Names of transcription factors, in any case of letters; a motif is kept if it has one of them.

        Returns:
            The smaller set, with the selection in its provenance.

        Raises:
            AlignmentError: If an id or a factor is not in the set.
        """
        kept = self.motifs
        if ids is not None:
            wanted = list(ids)
            self._require(wanted)
            kept = tuple(motif for motif in kept if motif.id in set(wanted))
        if factors is not None:
            asked = list(factors)
            folded = {factor.casefold() for factor in asked}
            known = {factor.casefold() for factor in self.factors}
            missing = [factor for factor in asked if factor.casefold() not in known]
            if missing:
                raise AlignmentError(
                    f"{len(missing)} of {len(asked)} factors have no motif here: {name_some(missing)}. "
                    f"Names here look like {name_some(self.factors, 3)}."
                )
            kept = tuple(motif for motif in kept if folded & {factor.casefold() for factor in motif.factors})
        return self.changed(f"selected {len(kept):,} of {len(self):,} motifs", motifs=kept)

    def trim(self, min_information: float = 0.25, *, pseudocount: float = 0.0) -> MotifSet:
        """The motifs without positions of little information at either end; inner positions stay.

        Args:
            min_information: Bits that the first and the last position must hold, against the background of the set.
            pseudocount: See `Motif.probabilities`.

        Returns:
            The trimmed set. A motif without any such position is among its losses.

        Raises:
            StructureError: If no motif is left.
        """
        kept: list[Motif] = []
        lost: list[str] = []
        for motif in self.motifs:
            told = np.flatnonzero(motif.information(pseudocount, self.background) >= min_information)
            if len(told):
                kept.append(motif.positions(int(told[0]), int(told[-1]) + 1))
            else:
                lost.append(motif.id)
        if not kept:
            raise StructureError(
                f"no position of {len(lost):,} motifs holds {min_information} bits. Ask for less with min_information."
            )
        return self.changed(
            f"trimmed ends below {min_information} bits",
            [Loss("motif", f"no position of {min_information} bits", tuple(lost))],
            motifs=tuple(kept),
        )

    def reverse_complement(self) -> MotifSet:
        """Every motif as it reads on the other strand, under the same id; the background turns as well."""
        return self.changed(
            "took the reverse complement",
            motifs=tuple(motif.reverse_complement() for motif in self.motifs),
            background=self.background[::-1],
        )

    def non_redundant(self, min_similarity: float = 0.8, *, min_overlap: int = 4) -> MotifSet:
        """One motif of every cluster of alike ones; see `kgnn.knowledge.motif_clusters.cluster_motifs`.

        Args:
            min_similarity: Mean similarity from which clusters are joined.
            min_overlap: Positions that must lie on each other for motifs to be compared.

        Returns:
            The representatives, in the order of the set; the others are among the losses, with the reason.
        """
        from kgnn.knowledge.motif_clusters import cluster_motifs

        clusters = cluster_motifs(self, min_similarity, min_overlap=min_overlap)
        first = {cluster[0] for cluster in clusters}
        losses = [Loss("motif", f"alike {cluster[0]}", cluster[1:]) for cluster in clusters]
        kept = tuple(motif for motif in self.motifs if motif.id in first)
        step = f"kept one motif of each of {len(clusters):,} clusters (similarity {min_similarity})"
        return self.changed(step, losses, motifs=kept)

    def write_meme(self, path: str | PathLike[str]) -> None:
        """Write the motifs in MEME's text format; see `kgnn.knowledge.meme.write_meme`."""
        from kgnn.knowledge.meme import write_meme

        write_meme(self, path)

    def summary(self) -> dict[str, Any]:
        """Sizes, fingerprint, provenance and losses, as a value that `json` can write."""
        widths = self.widths
        return {
            "motifs": len(self),
            "factors": len(self.factors),
            "widths": f"{widths.min()} to {widths.max()}, median {np.median(widths):g}" if len(self) else "none",
            "background": list(self.background),
            "fingerprint": self.fingerprint,
            "provenance": self.provenance.to_json(),
            "dropped": losses_to_json(self.losses),
        }

    def changed(
        self,
        transformation: str,
        losses: Iterable[Loss] = (),
        *,
        motifs: Sequence[Motif],
        background: tuple[float, ...] | None = None,
    ) -> MotifSet:
        """A copy with other motifs, the transformation noted in its provenance and the losses appended."""
        kept = tuple(loss for loss in losses if loss.names)
        return replace(
            self,
            motifs=tuple(motifs),
            background=self.background if background is None else background,
            provenance=self.provenance.after(transformation),
            losses=(*self.losses, *kept),
        )
