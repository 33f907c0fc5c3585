"""Simulated regulation with planted nodes: counts of genes, two classes of samples, and the graph between them.

Three regimes in which a trained network's node weights are hard to read, after the simulations of the KPNN paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kgnn.data.measured import Targets
from kgnn.data.samples import Samples
from kgnn.errors import KgnnError, unknown_choice
from kgnn.knowledge.edges import build_network
from kgnn.knowledge.network import Network
from kgnn.knowledge.provenance import Provenance

REGULATORY_KINDS = ("planted", "hubs", "redundant")
OUTPUT = "output"
_N_REGULATORS, _N_SIGNALS, _N_PLANTED, _N_HUBS = 24, 8, 4, 8
_GENES_OF_EACH = 5
_FEW = (1, 2, 1, 2)
_N_PARENTS = (1,) * 6 + (2,) * 4 + (3,) * 4 + (4,) * 3 + (6, 8, 9)
_DEPTH, _DISPERSION = 20_000, 0.15


@dataclass(frozen=True, eq=False)
class RegulatoryToy:
    """What `regulatory_toy` returns.

    Attributes:
        network: Genes, 24 regulators that read them, 8 signals that read regulators, and the output.
        samples: Counts, with the label ``"output"``.
        planted: Regulators whose genes differ between the classes.
        above: Nodes on a way from a planted one to the output: signal passes through them, whatever else they read.
        others: All other regulators and signals: they read genes that differ by no more than the background.
    """

    network: Network
    samples: Samples
    planted: tuple[str, ...]
    above: tuple[str, ...]
    others: tuple[str, ...]


def regulatory_toy(
    kind: str = "planted", *, n_samples: int = 400, fold: float = 2.0, background: float = 1.25, seed: int = 0
) -> RegulatoryToy:
    r"""A regulatory graph, and counts in which the genes of a few regulators tell two classes apart.

    Every regulator reads five genes of its own and acts on some of eight signals, which act on the output; most act on
    one or two, a few on all of them and on the output itself, as in a graph without scale. The genes of the planted
    regulators are `fold` times up or down in one class; all other genes are too, but only by `background`, as in any
    comparison of cells. A network leans on what is well connected, and so:

    - ``"planted"``: the planted regulators are ordinary ones, which act on one or two signals.
    - ``"hubs"``: a planted one acts on a single signal, while eight others act on all signals and on the output.
    - ``"redundant"``: as the first, and the planted regulators come in pairs that read the same genes: the network may
      use either.

    Counts are negative binomial around log-normal means, at depths that differ between samples.

    Args:
        kind: ``"planted"``, ``"hubs"`` or ``"redundant"``.
        n_samples: Number of samples, half of each class.
        fold: Factor between the classes for the genes of planted regulators.
        background: The same for all other genes.
        seed: Of graph and counts.

    Returns:
        Graph, counts and the truth.

    Raises:
        KgnnError: If the kind is unknown or there are fewer than 4 samples.

    References:
        Fortelny & Bock 2020, Genome Biology 21:190, doi:10.1186/s13059-020-02100-5.

    Example:
        >>> example = regulatory_toy("hubs", n_samples=10)
        >>> len(example.planted), example.samples.inputs().shape
        (4, (10, 120))
    """
    if kind not in REGULATORY_KINDS:
        raise unknown_choice("kind", kind, REGULATORY_KINDS)
    if n_samples < 4:
        raise KgnnError(f"n_samples is {n_samples}. Give at least 4.")
    random = np.random.default_rng(seed)
    names = [f"R{number:02d}" for number in random.permutation(_N_REGULATORS)]
    planted, signals = names[:_N_PLANTED], [f"S{number}" for number in range(_N_SIGNALS)]
    genes_of, n_parents = _genes(names, kind), _parents(kind, random)
    edges = [(f"{gene}_gene", regulator) for regulator in names for gene in genes_of[regulator]]
    edges += [(signal, OUTPUT) for signal in signals]
    for regulator, n in zip(names, n_parents, strict=True):
        edges += [(regulator, str(signal)) for signal in random.choice(signals, min(n, _N_SIGNALS), replace=False)]
        edges += [(regulator, OUTPUT)] if n > _N_SIGNALS else []
    network = _network(edges, f"regulatory_toy({kind!r}, seed={seed})")
    above = {target for source, target in edges if source in planted} - {OUTPUT}
    affected = {gene for regulator in planted for gene in genes_of[regulator]}
    others = [node for node in (*names, *signals) if node not in planted and node not in above]
    samples = _samples(network, affected, n_samples, (fold, background), random)
    return RegulatoryToy(network, samples, tuple(sorted(planted)), tuple(sorted(above)), tuple(sorted(others)))


def _genes(names: list[str], kind: str) -> dict[str, list[str]]:
    """Genes of every regulator; in the redundant regime, planted regulators 0 and 1 read the same, as do 2 and 3."""
    found = {
        name: [f"G{number * _GENES_OF_EACH + place:03d}" for place in range(_GENES_OF_EACH)]
        for number, name in enumerate(names)
    }
    if kind == "redundant":
        for position in range(1, _N_PLANTED, 2):
            found[names[position]] = found[names[position - 1]]
    return found


def _parents(kind: str, random: np.random.Generator) -> list[int]:
    """On how many signals each regulator acts, the planted ones first; one more than there are: the output as well."""
    rest = random.permutation(_N_PARENTS).tolist()
    if kind != "hubs":
        return [*_FEW, *rest]
    return [1] * _N_PLANTED + [_N_SIGNALS + 1] * _N_HUBS + rest[_N_HUBS:]


def _network(edges: list[tuple[str, str]], made: str) -> Network:
    names = sorted({name for edge in edges for name in edge})
    place = {name: position for position, name in enumerate(names)}
    types = ["gene" if name.endswith("_gene") else "output" if name == OUTPUT else "node" for name in names]
    source, target = (np.array([place[edge[end]] for edge in edges], np.int32) for end in (0, 1))
    return build_network(names, source, target, directed=True, node_types=types, provenance=Provenance().after(made))


def _samples(
    network: Network, affected: set[str], n_samples: int, folds: tuple[float, float], random: np.random.Generator
) -> Samples:
    genes = tuple(name.removesuffix("_gene") for name in network.nodes if name.endswith("_gene"))
    label = np.arange(n_samples) % 2
    factor = np.ones((n_samples, len(genes)))
    for position, gene in enumerate(genes):
        fold = folds[gene not in affected]
        factor[label == 1, position] = random.choice([1 / fold, fold])
    share = random.lognormal(0, 1, len(genes))[None, :] * factor
    share /= share.sum(axis=1, keepdims=True)
    mean = share * random.lognormal(np.log(_DEPTH), 0.3, n_samples)[:, None]
    counts = random.poisson(mean * random.gamma(1 / _DISPERSION, _DISPERSION, mean.shape)).astype(np.float32)
    order = random.permutation(n_samples)
    targets = Targets(label[order, None].astype(np.float32), (OUTPUT,), "labels")
    return Samples.from_values(
        counts[order], genes, meaning="abundance", targets=targets, provenance=network.provenance
    )
