"""What recipes share that reconstruct their samples: targets that are the samples' own genes, and options by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flax import nnx

from kgnn.data.own_targets import with_own_targets
from kgnn.data.samples import Samples
from kgnn.errors import AlignmentError, name_some
from kgnn.layers.decoder import DecoderSettings
from kgnn.models.autoencoder import GeneSetAutoencoder
from kgnn.structure import Hierarchy

OPTIONS = {
    "n_states": int, "latent": str, "skips": str, "non_negative": bool, "term_price": float, "edge_price": float,
    "soft": float, "background": bool, "dropout": float, "latent_dropout": float, "kl_weight": float, "likelihood": str,
}  # fmt: skip
"""Options that every gene-set autoencoder takes."""
BASELINES = ("mean", "shuffled")
"""Those that mean something for a reconstruction: without a bottleneck, any other repeats its input."""


def own_targets(samples: Samples, structure: Any) -> Samples:
    """The samples with the genes of the structure, which they are to reconstruct."""
    return with_own_targets(samples.with_genes(structure.genes))


def reconstructing(
    hierarchy: Hierarchy, settings: DecoderSettings, *, outputs: int | Sequence[str], rngs: nnx.Rngs, **others: Any
) -> GeneSetAutoencoder:
    """A gene-set autoencoder, after a look at what it is to reconstruct.

    Args:
        hierarchy: The compiled hierarchy.
        settings: Of the decoder.
        outputs: Names of the targets, or their number; 1 where they are not known yet.
        rngs: Streams ``params`` and ``dropout``.
        **others: Further arguments of `GeneSetAutoencoder`.

    Returns:
        The model.

    Raises:
        AlignmentError: If the targets are not the genes.
    """
    given = outputs in (1, hierarchy.n_genes) if isinstance(outputs, int) else tuple(outputs) == hierarchy.genes
    if not given:
        named = str(outputs) if isinstance(outputs, int) else name_some(outputs)
        raise AlignmentError(
            f"the targets are {named}, but this model reconstructs its {hierarchy.n_genes:,} genes. Give samples of "
            "kgnn.data.with_own_targets, or train it with kgnn train or kgnn.zoo.fit_recipe."
        )
    return GeneSetAutoencoder(hierarchy, settings, **others, rngs=rngs)


RECONSTRUCTION: dict[str, Any] = {
    "model": reconstructing,
    "options": OPTIONS,
    "compiling": {"unannotated": "root"},
    "tasks": ("regression",),
    "prepare": own_targets,
    "baselines": BASELINES,
}
"""What these recipes have in common."""
