"""What the filters of a sequence model have become: their effects, the sites they fire at, and the motifs these are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import numpy as np

from kgnn.data.samples import Samples
from kgnn.errors import KgnnError, StructureError
from kgnn.knowledge.motif import Motif
from kgnn.knowledge.motif_clusters import motif_similarity
from kgnn.knowledge.motif_set import MotifSet
from kgnn.knowledge.ontology import Loss
from kgnn.models import MotifNetwork
from kgnn.structure.motif_filters import chance_scores

if TYPE_CHECKING:
    import pandas

FEWEST_SITES = 10


def motif_effects(model: MotifNetwork) -> pandas.DataFrame:
    """Effect of every motif on every output of a network that adds effects up.

    The logit of a sequence rises by the effect where the motif is there beyond doubt, and by nothing where it is not.

    Args:
        model: A fitted `MotifNetwork` with ``effects``, such as learnmotifs.

    Returns:
        One row a motif and output: motif, name, new (whether the filter began at random), output, effect; largest
        effects first.

    Raises:
        KgnnError: If the network has hidden layers (there the effect of a motif depends on all others), or is several.

    References:
        Ploenzke & Irizarry 2018, bioRxiv 411934, doi:10.1101/411934.
    """
    import pandas

    _refuse_other(model)
    if not model.settings.effects:
        raise KgnnError(
            "this network does not add up effects of motifs. Build it with effects=True, or knock motifs down with "
            "kgnn.knockdown(run, subsystems='all')."
        )
    n_known = model.known.n_motifs
    effects = np.asarray(model.output_layer.kernel[...])
    n_outputs, n_motifs = effects.shape
    table = pandas.DataFrame(
        {
            "motif": np.repeat(model.terms, n_outputs),
            "name": np.repeat([*model.structure.names[:n_known], *model.terms[n_known:]], n_outputs),
            "new": np.repeat(np.arange(n_motifs) >= n_known, n_outputs),
            "output": np.tile(model.output_names, n_motifs),
            "effect": effects.T.reshape(-1),
        }
    )
    return table.sort_values("effect", ascending=False, kind="stable", ignore_index=True)


def learned_motifs(
    model: MotifNetwork, samples: Samples, *, least_score: float = 0.5, margin: int = 4, chunk: int = 256
) -> MotifSet:
    """The sites that each filter fires at, as a motif.

    The best place of every sequence, on either strand, counts as a site where its score lies further above chance than
    a share of the way to the best possible score. The letters of the sites, one below another, are the motif: what the
    filter detects in these sequences, which its weights alone do not tell.

    Args:
        model: A fitted network.
        samples: Sequences, best those that carry the sites (the bound ones).
        least_score: The share, between 0 and 1.
        margin: Positions beside the filter that are read too, since a filter may have learned a part of a motif; sites
            closer to an end of the sequence do not count.
        chunk: Sequences computed at once.

    Returns:
        Motifs under the names of the filters, as wide as these and both margins; `MotifSet.trim` cuts their empty ends.
        Filters with fewer than ten sites are among the losses.

    Raises:
        StructureError: If no filter has as many sites.
        KgnnError: If the share is not between 0 and 1, or the model is another.

    References:
        Alipanahi et al. 2015, Nature Biotechnology 33:831, doi:10.1038/nbt.3300.
    """
    _refuse_other(model)
    if not 0 <= least_score < 1:
        raise KgnnError(f"least_score is {least_score}. Give a share from 0 to below 1, such as 0.5.")
    motifs: list[Motif] = []
    few: list[str] = []
    sequences = samples.with_genes(model.genes).gene_values().astype(np.float32).reshape(len(samples), -1, 4)
    names = [*model.structure.names[: model.known.n_motifs], *model.terms[model.known.n_motifs :]]
    first = 0
    for branch in (model.known, model.new):
        if branch is None:
            continue
        filters = np.asarray(branch.filters[...])
        chance, best = chance_scores(filters, 1.0 / ((1 + branch.both_strands) * branch.n_places))
        least = chance + least_score * (best - chance)
        letters = _letters_of_sites(branch.both_strands, filters, least, sequences, margin, chunk)
        for number, counts in enumerate(letters):
            if counts[0].sum() < FEWEST_SITES:
                few.append(model.terms[first + number])
            else:
                motifs.append(Motif.from_counts(model.terms[first + number], counts, name=names[first + number]))
        first += branch.n_motifs
    if not motifs:
        raise StructureError(
            f"none of {len(few)} filters fires at {FEWEST_SITES} of {len(samples):,} sequences. Give more sequences, "
            "or a smaller least_score."
        )
    found = MotifSet(tuple(motifs), provenance=samples.provenance)
    lost = [Loss("motif", f"fewer than {FEWEST_SITES} sites", tuple(few))]
    return found.changed(f"sites of filters in {len(samples):,} sequences", lost, motifs=found.motifs)


def compare_motifs(found: MotifSet, known: MotifSet, *, min_overlap: int = 5) -> pandas.DataFrame:
    """The known motif that each found one is most like.

    Args:
        found: Such as from `learned_motifs`, trimmed.
        known: Such as JASPAR's.
        min_overlap: See `kgnn.knowledge.motif_similarity`.

    Returns:
        One row a found motif: motif, consensus, sites, match (id of the known one), match_name, similarity (1 for
        equal ones, see `kgnn.knowledge.motif_similarity`); the most alike first.

    Raises:
        StructureError: If there is nothing to compare.
    """
    import pandas

    if not len(found) or not len(known):
        raise StructureError(f"{len(found)} motifs cannot be compared with {len(known)}. Give at least one of each.")
    renamed = tuple(Motif(f"found {number}", motif.frequencies, motif.sites) for number, motif in enumerate(found))
    listed = tuple(Motif(f"known {number}", motif.frequencies, motif.sites) for number, motif in enumerate(known))
    similarity = motif_similarity(MotifSet((*renamed, *listed)), min_overlap=min_overlap)[: len(found), len(found) :]
    best = similarity.argmax(axis=1)
    table = pandas.DataFrame(
        {
            "motif": list(found.ids),
            "consensus": [motif.consensus for motif in found],
            "sites": [int(motif.sites.max()) for motif in found],
            "match": [known.ids[each] for each in best],
            "match_name": [known.names[each] for each in best],
            "similarity": similarity[np.arange(len(found)), best],
        }
    )
    return table.sort_values("similarity", ascending=False, kind="stable", ignore_index=True)


def motif_table(
    model: MotifNetwork, motifs: MotifSet, known: MotifSet | None = None, *, min_overlap: int = 5
) -> pandas.DataFrame:
    """Every filter of a network with its effect, the motif that it reads, and the known one that this is most like.

    Args:
        model: A fitted network.
        motifs: Of its filters, from `learned_motifs`, trimmed.
        known: Such as JASPAR's; None to compare with none.
        min_overlap: See `compare_motifs`.

    Returns:
        One row a filter: motif, name, new (whether it began at random), effect (the largest on any output; NaN in a
        network with hidden layers), consensus, sites (0 and no consensus where it fires at too few), match, match_name
        and similarity; largest effects first, then most sites.

    Raises:
        KgnnError: If the model is another.
    """
    import pandas

    _refuse_other(model)
    n_known = model.known.n_motifs
    names = (*model.structure.names[:n_known], *model.terms[n_known:])
    table = pandas.DataFrame({"motif": model.terms, "name": names, "new": np.arange(len(names)) >= n_known})
    effects = motif_effects(model).groupby("motif")["effect"].max() if model.settings.effects else {}
    table["effect"] = [float(effects.get(motif, np.nan)) for motif in model.terms]
    found = pandas.DataFrame(
        {
            "motif": motifs.ids,
            "consensus": [motif.consensus for motif in motifs],
            "sites": [int(motif.sites.max()) for motif in motifs],
        }
    )
    if known is not None:
        compared = compare_motifs(motifs, known, min_overlap=min_overlap)
        found = found.merge(compared.drop(columns=["consensus", "sites"]), on="motif")
    table = table.merge(found, on="motif", how="left")
    table["sites"] = table["sites"].fillna(0).astype(int)
    return table.sort_values(["effect", "sites"], ascending=False, kind="stable", ignore_index=True)


def _refuse_other(model: object) -> None:
    if not isinstance(model, MotifNetwork):
        raise KgnnError(
            f"filters are read from one MotifNetwork, but {type(model).__name__} is given. Train such a model with "
            "replicates=1, or take one of its replicates, model.member(0)."
        )


def _letters_of_sites(
    both_strands: bool, filters: np.ndarray, least: np.ndarray, sequences: np.ndarray, margin: int, chunk: int
) -> np.ndarray:
    """How often each letter stands at each position of the best sites, ``[filter, position, base]``."""
    from kgnn.layers.motif_scores import filter_scores

    counts = np.zeros((len(filters), filters.shape[1] + 2 * margin, filters.shape[2]))
    both = np.concatenate([filters, filters[:, ::-1, ::-1]]) if both_strands else filters
    on_device, along = jax.device_put(both), np.arange(-margin, filters.shape[1] + margin)
    for start in range(0, len(sequences), chunk):
        part = sequences[start : start + chunk]
        scores = np.asarray(filter_scores(part[:, margin : part.shape[1] - margin], on_device))
        scores = scores.reshape(len(part), -1, len(filters), scores.shape[2])  # [sample, strand, filter, place]
        for number in range(len(filters)):
            of_filter = scores[:, :, number].reshape(len(part), -1)
            where = of_filter.argmax(axis=1)
            sites = np.flatnonzero(of_filter[np.arange(len(part)), where] >= least[number])
            strand, place = np.divmod(where[sites], scores.shape[3])
            windows = part[sites[:, None], margin + place[:, None] + along]
            turned = windows[:, ::-1, ::-1]
            counts[number] += np.where(strand[:, None, None] == 1, turned, windows).sum(axis=0)
    return counts
