"""STRING's identifiers turned into names: ``protein.info`` and ``protein.aliases`` files, and the organism in front."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from os import PathLike

import numpy as np

from kgnn.errors import FormatError, KgnnError, name_some
from kgnn.knowledge.edge_columns import Columns, Layout, head_of, read_columns
from kgnn.knowledge.network import Network
from kgnn.knowledge.provenance import Provenance
from kgnn.knowledge.text import source_of

STRING_CITATION = "Szklarczyk et al. 2023, Nucleic Acids Research 51:D638, doi:10.1093/nar/gkac1000"
STRING_LICENCE = "CC BY 4.0"

SYMBOL_SOURCES = (
    "Ensembl_HGNC_symbol",
    "Ensembl_HGNC",
    "HGNC_symbol",
    "BioMart_HUGO",
    "Ensembl_gene",
    "Ensembl_EntrezGene",
)
"""Sources of symbols in aliases files, in the order in which one is looked for."""

_PROTEIN_COLUMNS = ("#string_protein_id", "string_protein_id", "protein_external_id", "#protein_external_id")


def named(
    network: Network,
    path: str | PathLike[str],
    *,
    names: str | PathLike[str] | None,
    alias_source: str | None,
    taxon: int | None,
) -> Network:
    """A network of STRING's identifiers under the names of its proteins.

    Args:
        network: Nodes such as ``9606.ENSP00000269305``.
        path: Its file, for messages.
        names: An info or aliases file; where None, only the number of the organism is taken off.
        alias_source: Which source of an aliases file.
        taxon: The organism to keep, where the file holds several.

    Returns:
        The network; proteins without a name, or with more than one, are in its losses.

    Raises:
        KgnnError: If the file holds several organisms and none is chosen, or the chosen one is not in it.
    """
    network = _one_organism(network, path, taxon)
    if names is None:
        if alias_source is not None:
            raise KgnnError(
                f"{path}: alias_source= chooses from a file of names. Give it as names=, or leave both out."
            )
        bare = {node: node.partition(".")[2] for node in network.nodes}
        if all(node.partition(".")[0].isdigit() and rest for node, rest in bare.items()):
            return network.renamed(bare)
        return network
    table, ambiguous, source = read_string_names(names, alias_source=alias_source)
    clear = np.array([node not in ambiguous for node in network.nodes], dtype=bool)
    if not clear.all():
        several = f"more than one name in {source.sources[0].name}"
        network = network.keep_nodes(clear, several, f"left out {int((~clear).sum()):,} proteins with several names")
    renamed = network.renamed(table)
    return replace(renamed, provenance=renamed.provenance.join(source))


def read_string_names(
    path: str | PathLike[str], *, alias_source: str | None = None
) -> tuple[dict[str, str], frozenset[str], Provenance]:
    r"""Names of proteins from STRING's ``protein.info`` or ``protein.aliases`` file.

    Args:
        path: The file, plain or gzip.
        alias_source: Which source of an aliases file, such as ``"BioMart_HUGO"``; where None, the first of
            `SYMBOL_SOURCES` that the file has.

    Returns:
        Name by identifier; identifiers to which the source gives several names; and where it came from.

    Raises:
        FormatError: If the file is neither.
        KgnnError: If it has no such source.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "info.txt"
        ...     size = path.write_text("#string_protein_id\tpreferred_name\n9606.ENSP00000269305\tTP53\n")
        ...     read_string_names(path)[0]
        {'9606.ENSP00000269305': 'TP53'}
    """
    header = head_of(path, 1)[0].split("\t")
    layout = Layout(tuple(cell.strip() for cell in header), "\t", first_line=2)
    if layout.columns[0] not in _PROTEIN_COLUMNS:
        raise FormatError(
            f"is no file of STRING's names (it begins with {header[0][:60]!r}). Give protein.info or protein.aliases.",
            path,
            1,
        )
    protein = layout.columns[0]
    if "preferred_name" in layout.columns:
        if alias_source is not None:
            raise KgnnError(f"{path}: holds one name a protein, so alias_source= has nothing to choose. Leave it out.")
        columns = read_columns(path, layout, names=[protein, "preferred_name"])
        keep, name, how = np.ones(len(columns.texts[protein].codes), dtype=bool), "preferred_name", "preferred names"
    elif "alias" in layout.columns and "source" in layout.columns:
        columns = read_columns(path, layout, names=[protein, "alias", "source"])
        chosen, keep = _rows_of_source(columns, alias_source, path)
        name, how = "alias", f"aliases of {chosen}"
    else:
        raise FormatError("has neither the column 'preferred_name' nor 'alias' and 'source'.", path, 1)
    proteins, names = columns.texts[protein], columns.texts[name]
    pairs = np.unique(np.stack([proteins.codes[keep], names.codes[keep]]), axis=1)
    count = np.bincount(pairs[0], minlength=len(proteins.labels))
    table = {
        proteins.labels[row]: names.labels[label] for row, label in pairs.T.tolist() if count[row] == 1
    }  # fmt: skip
    ambiguous = frozenset(proteins.labels[row] for row in np.flatnonzero(count > 1).tolist())
    source = source_of(path, {}, licence=STRING_LICENCE, citation=STRING_CITATION)
    return table, ambiguous, Provenance((source,), (f"named by {how}",))


def _rows_of_source(columns: Columns, alias_source: str | None, path: str | PathLike[str]) -> tuple[str, np.ndarray]:
    codes, labels = columns.texts["source"]
    # Up to release 11 a line may state several sources, parted by blanks.
    sources_of_label = [frozenset(label.split()) for label in labels]
    known = Counter(source for sources in sources_of_label for source in sources)
    candidates = SYMBOL_SOURCES if alias_source is None else (alias_source,)
    chosen = next((source for source in candidates if source in known), None)
    if chosen is None:
        looked_for = "none of the known sources of symbols" if alias_source is None else f"no source {alias_source!r}"
        raise KgnnError(
            f"{path}: has {looked_for}. Choose one with alias_source=: {name_some(sorted(known), limit=20)}."
        )
    has = np.array([chosen in sources for sources in sources_of_label], dtype=bool)
    return chosen, has[codes]


def _one_organism(network: Network, path: str | PathLike[str], taxon: int | None) -> Network:
    prefixes = Counter(node.partition(".")[0] for node in network.nodes)
    if taxon is not None:
        if str(taxon) not in prefixes:
            found = name_some(sorted(prefixes))
            raise KgnnError(f"{path}: holds no protein of the organism {taxon}, only of {found}. Choose one of those.")
        if len(prefixes) > 1:
            return network.restrict([node for node in network.nodes if node.startswith(f"{taxon}.")])
    elif len(prefixes) > 1 and all(prefix.isdigit() for prefix in prefixes):
        raise KgnnError(
            f"{path}: holds proteins of {len(prefixes):,} organisms: {name_some(sorted(prefixes))}. Choose one with "
            "taxon=."
        )
    return network
