"""`compile_files`: from published files to a compiled hierarchy in one call, remembered for the next time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike, fspath
from typing import Any

from kgnn.knowledge.gene_list import read_gene_list
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.read import read_ontology
from kgnn.knowledge.renaming import Renamed, Renaming, Report
from kgnn.structure.compile import Alignment, compile_hierarchy
from kgnn.structure.compiled_cache import Compiled, entry_path, load_entry, store_entry
from kgnn.structure.hierarchy import Hierarchy

FilePath = str | PathLike[str]


@dataclass(frozen=True)
class CompiledFiles:
    """A hierarchy compiled from files.

    Attributes:
        hierarchy: The hierarchy.
        alignment: How the measured genes met those of the ontology, and every loss since the files were opened.
        read: Numbers of terms, relations and annotations before pruning.
        reports: What became of the names of genes, by what was done to them.
        from_cache: Whether it was compiled before, from the same files with the same choices.
    """

    hierarchy: Hierarchy
    alignment: Alignment
    read: Mapping[str, int]
    reports: Mapping[str, Report]
    from_cache: bool


def compile_files(
    ontology: FilePath,
    annotations: FilePath | None = None,
    *,
    genes: FilePath | None = None,
    names: FilePath | None = None,
    rules: Mapping[str, Any] | None = None,
    unannotated: str = "drop",
    skips: str = "direct",
    renaming: Renaming | None = None,
    cache: bool = True,
    **reading: Any,
) -> CompiledFiles:
    """Read, prune and compile published files, or take what was compiled from them before.

    The cache lies in the user's cache folder (``compiled`` in that of `kgnn.knowledge.cache_folder`). An entry is
    found only if the content of every file, every choice and the code of kgnn are the same. The environment variable
    ``KGNN_COMPILED_CACHE`` names another folder, or turns the cache off (``off``).

    Args:
        ontology: See `kgnn.read_ontology`.
        annotations: See `kgnn.read_ontology`.
        genes: List of the measured genes; see `kgnn.knowledge.read_gene_list`. All genes where None.
        names: See `kgnn.read_ontology`.
        rules: Arguments of `kgnn.knowledge.prune`.
        unannotated: See `compile_hierarchy`.
        skips: See `compile_hierarchy`.
        renaming: How the ontology's genes get the names that the data use; None where they keep theirs.
        cache: False compiles anew and writes nothing.
        **reading: Further arguments of `kgnn.read_ontology`.

    Returns:
        The hierarchy, its alignment, and the sizes before pruning.

    Raises:
        KgnnError: As the functions named above do.
    """
    files = {"ontology": ontology, "annotations": annotations, "genes": genes, "names": names}
    files |= {} if renaming is None else renaming.files
    paths = {use: None if file is None else fspath(file) for use, file in files.items()}
    choices = {"rules": sorted((rules or {}).items()), "unannotated": unannotated, "skips": skips, **reading}
    choices["renaming"] = renaming
    entry = _entry(paths, choices) if cache else None
    found = None if entry is None else load_entry(entry)
    if found is not None:
        return CompiledFiles(*found, from_cache=True)
    read = read_ontology(ontology, annotations, names=names, **reading)
    sizes = {name: len(getattr(read, name)) for name in ("terms", "relations", "annotations")}
    measured = None
    if genes is not None:
        measured, source = read_gene_list(genes)
        read = read.joined(Provenance((source,), (f"measured genes from {source.name}",)))
    named = Renamed(read, {}) if renaming is None else renaming.apply(read, measured)
    pruned = named.ontology.prune(genes=measured, **(rules or {}))
    hierarchy, alignment = compile_hierarchy(pruned, measured, unannotated=unannotated, skips=skips)
    if entry is not None:
        store_entry(entry, Compiled(hierarchy, alignment, sizes, named.reports))
    return CompiledFiles(hierarchy, alignment, sizes, named.reports, from_cache=False)


def _entry(paths: Mapping[str, str | None], choices: Mapping[str, Any]):
    try:
        return entry_path(paths, choices)
    except OSError:
        # The reader of the file says what is wrong with it.
        return None
