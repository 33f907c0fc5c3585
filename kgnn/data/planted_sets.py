"""`planted_gene_sets`: expression made by gene sets of which the prior misses some members and claims others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kgnn.data.own_targets import with_own_targets
from kgnn.data.samples import Samples
from kgnn.errors import KgnnError
from kgnn.knowledge.ontology import Annotation, Ontology, Relation, Term
from kgnn.knowledge.provenance import Provenance


@dataclass(frozen=True, eq=False)
class PlantedSets:
    """What `planted_gene_sets` returns.

    Attributes:
        ontology: The prior: gene sets below one root, with members missing and others that do not belong.
        samples: Abundances whose targets are their own values.
        activity: float32 ``[sample, set]``: what made them.
        missing: (gene, set) pairs that made the data and that the prior lacks.
        superfluous: (gene, set) pairs that the prior has and that made nothing.
    """

    ontology: Ontology
    samples: Samples
    activity: np.ndarray
    missing: frozenset[tuple[str, str]]
    superfluous: frozenset[tuple[str, str]]


def planted_gene_sets(
    n_samples: int = 400,
    n_sets: int = 8,
    genes_per_set: int = 12,
    *,
    n_missing: int = 16,
    n_superfluous: int = 16,
    noise: float = 1.0,
    seed: int = 0,
) -> PlantedSets:
    r"""Expression of genes in sets whose activities vary from sample to sample.

    .. math:: x_{ig} = \sum_{t \ni g} w_{gt} a_{it} + \sigma \epsilon_{ig} + 5, \qquad a, \epsilon \sim
        \mathcal N(0, 1), \quad w \sim U(0.7, 1.3)

    Every gene belongs to one set by the prior. A missing pair adds a second, true set to a gene that the prior does not
    tell of; a superfluous one is told of and false.

    Args:
        n_samples: Number of samples.
        n_sets: Number of sets.
        genes_per_set: Genes of every set by the prior, before superfluous ones.
        n_missing: True pairs that the prior lacks.
        n_superfluous: False pairs that it has.
        noise: :math:`\sigma`.
        seed: Same arguments and seed, same data.

    Returns:
        Prior, samples and truth.

    Raises:
        KgnnError: If there are not as many pairs to plant.

    Example:
        >>> planted = planted_gene_sets(50, 3, 4, n_missing=2, n_superfluous=1)
        >>> len(planted.samples), len(planted.samples.genes), len(planted.missing)
        (50, 12, 2)
    """
    free = n_sets * (n_sets - 1) * genes_per_set
    if min(n_samples, n_sets) < 2 or n_missing + n_superfluous > free or min(n_missing, n_superfluous) < 0:
        raise KgnnError(
            f"{n_missing} missing and {n_superfluous} superfluous pairs among {n_sets} sets of {genes_per_set} genes "
            f"and {n_samples} samples cannot be planted. There are {free} pairs; take at least 2 sets and 2 samples."
        )
    random = np.random.default_rng(seed)
    own = np.repeat(np.arange(n_sets), genes_per_set)
    genes = [f"G{gene:03d}" for gene in range(len(own))]
    sets = [f"SET:{number:02d}" for number in range(n_sets)]
    truth = own[:, None] == np.arange(n_sets)
    others = np.argwhere(~truth)[random.permutation(free)[: n_missing + n_superfluous]]
    missing, superfluous = others[:n_missing], others[n_missing:]
    prior = truth.copy()
    prior[tuple(superfluous.T)] = True
    truth[tuple(missing.T)] = True
    activity = random.standard_normal((n_samples, n_sets))
    weights = truth * random.uniform(0.7, 1.3, truth.shape)
    values = activity @ weights.T + noise * random.standard_normal((n_samples, len(genes))) + 5
    ontology = Ontology(
        {"ROOT": Term("ROOT", "all sets"), **{each: Term(each, f"planted set {each[4:]}") for each in sets}},
        tuple(Relation(each, "ROOT") for each in sets),
        tuple(Annotation(genes[gene], sets[each]) for gene, each in np.argwhere(prior)),
        Provenance().after(f"planted_gene_sets(seed={seed})"),
    )
    samples = Samples.from_values(values.astype(np.float32), genes, meaning="abundance")

    def named(pairs: np.ndarray) -> frozenset[tuple[str, str]]:
        return frozenset((genes[gene], sets[each]) for gene, each in pairs)

    return PlantedSets(
        ontology, with_own_targets(samples), activity.astype(np.float32), named(missing), named(superfluous)
    )
