"""What all readers of gene annotations share: evidence codes, ``NOT``, and the shape of their result.

`gaf`, `gpad`, `gene2go` and `tables` read one format each and end in `collect`; `read` joins their result to an
ontology.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from os import PathLike
from types import MappingProxyType
from typing import NamedTuple

from kgnn.errors import FormatError, unknown_choice
from kgnn.knowledge.ontology import Annotation, Loss
from kgnn.knowledge.provenance import Source

GO_LICENCE = "CC BY 4.0"
GO_CITATION = (
    "Ashburner et al. 2000, Nature Genetics 25:25, doi:10.1038/75556; "
    "The Gene Ontology Consortium 2019, Nucleic Acids Research 47:D330, doi:10.1093/nar/gky1055"
)

EVIDENCE_CODES: Mapping[str, str] = MappingProxyType(
    {
        "EXP": "experiment",
        "IDA": "direct assay",
        "IPI": "physical interaction",
        "IMP": "mutant phenotype",
        "IGI": "genetic interaction",
        "IEP": "expression pattern",
        "HTP": "high-throughput experiment",
        "HDA": "high-throughput direct assay",
        "HMP": "high-throughput mutant phenotype",
        "HGI": "high-throughput genetic interaction",
        "HEP": "high-throughput expression pattern",
        "ISS": "sequence or structural similarity",
        "ISO": "sequence orthology",
        "ISA": "sequence alignment",
        "ISM": "sequence model",
        "IGC": "genomic context",
        "IBA": "biological ancestor",
        "IBD": "biological descendant",
        "IKR": "key residues",
        "IRD": "rapid divergence",
        "RCA": "reviewed computational analysis",
        "TAS": "traceable author statement",
        "NAS": "non-traceable author statement",
        "IC": "inferred by a curator",
        "ND": "no biological data",
        "IEA": "electronic annotation",
    }
)
"""The evidence codes of the Gene Ontology and what each is inferred from."""

_EXPERIMENTAL = frozenset(["EXP", "IDA", "IPI", "IMP", "IGI", "IEP", "HTP", "HDA", "HMP", "HGI", "HEP"])

EVIDENCE_PRESETS: Mapping[str, frozenset[str] | None] = MappingProxyType(
    {
        "all": None,
        "experimental": _EXPERIMENTAL,
        "no_electronic": frozenset(EVIDENCE_CODES) - {"IEA"},
        "no_genetic_interaction": frozenset(EVIDENCE_CODES) - {"IGI", "HGI"},
    }
)
"""Named choices of evidence codes to keep; None keeps every code.

``"all"``
    Every annotation.
``"experimental"``
    Codes that rest on an experiment with the gene itself: EXP, IDA, IPI, IMP, IGI, IEP and their high-throughput
    forms HTP, HDA, HMP, HGI, HEP.
``"no_electronic"``
    All but IEA, which no curator has looked at.
``"no_genetic_interaction"``
    All but IGI and HGI. Both are inferred from genetic interactions: a network that predicts such interactions (as
    DCell does) and is built on them has seen the answer. IMP and HMP rest on single mutants and stay; drop them as
    well where the phenotype of single mutants is what you predict. IBA, ISS, ISO and IEA may pass on an annotation
    that began as IGI in a related gene; ``"experimental"`` without IGI and HGI is the strictest choice.
"""


class AnnotationFile(NamedTuple):
    """What a reader of annotations found.

    Attributes:
        annotations: Gene to term, each (gene, term, evidence code) once, in the order of the file.
        losses: What was left out and why.
        source: The file.
        notes: What the reader did, for the provenance.
    """

    annotations: tuple[Annotation, ...]
    losses: tuple[Loss, ...]
    source: Source
    notes: tuple[str, ...] = ()


def describe(annotation: Annotation) -> str:
    """An annotation in one line, as losses list it.

    Example:
        >>> describe(Annotation("TP53", "GO:0006915", "IDA"))
        'TP53 GO:0006915 IDA'
    """
    return " ".join(part for part in annotation if part)


def collect(
    rows: Iterable[tuple[Annotation, str]], evidence: str | Collection[str], path: str | PathLike[str]
) -> tuple[tuple[Annotation, ...], tuple[Loss, ...]]:
    """Annotations of a file, each once, without those that are to be left out.

    Args:
        rows: Annotations, each with the reason why it must not be used, or ``""``.
        evidence: Name of a preset, or the codes to keep.
        path: The file, for error messages.

    Returns:
        The annotations kept, and the losses by reason.

    Raises:
        KgnnError: If a preset is unknown, or a code that is neither known nor in the file is to be kept.
        FormatError: If no annotation is left.
    """
    chosen = chosen_codes(evidence)
    kept: dict[Annotation, None] = {}
    lost: dict[str, dict[Annotation, None]] = {}
    for annotation, unusable in rows:
        reason = unusable
        if not reason and chosen is not None and annotation.evidence not in chosen:
            reason = f"evidence code {annotation.evidence or 'missing'} not chosen"
        if reason:
            lost.setdefault(reason, {})[annotation] = None
        else:
            kept[annotation] = None
    seen = {annotation.evidence for group in (kept, *lost.values()) for annotation in group}
    for code in sorted(chosen or ()):
        if code not in seen and code not in EVIDENCE_CODES:
            raise unknown_choice("evidence code", code, seen | set(EVIDENCE_CODES))
    if not kept:
        reasons = "; ".join(f"{len(names):,} {reason}" for reason, names in lost.items())
        raise FormatError(f"holds no annotation that can be used{f' ({reasons})' if reasons else ''}.", path)
    losses = [Loss("annotation", reason, tuple(map(describe, names))) for reason, names in lost.items()]
    return tuple(kept), tuple(losses)


def chosen_codes(evidence: str | Collection[str]) -> frozenset[str] | None:
    """The evidence codes to keep, or None for all.

    Args:
        evidence: Name of a preset of `EVIDENCE_PRESETS`, or the codes to keep.

    Raises:
        KgnnError: If the preset is unknown.

    Example:
        >>> sorted(chosen_codes(["IDA", "TAS"]))
        ['IDA', 'TAS']
    """
    if not isinstance(evidence, str):
        return frozenset(evidence)
    if evidence not in EVIDENCE_PRESETS:
        raise unknown_choice("evidence", evidence, EVIDENCE_PRESETS)
    return EVIDENCE_PRESETS[evidence]
