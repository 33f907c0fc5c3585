"""`perturbed`: what a gene-set autoencoder predicts of every sample as genes or terms are knocked down, in AnnData."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.data.h5ad import from_anndata
from kgnn.errors import AlignmentError, KgnnError, name_some
from kgnn.interpret.term_activity import autoencoder_of, directions, said_replicate
from kgnn.perturb.knockdown import knocked_down_value
from kgnn.train.compilation import enable_compilation_cache
from kgnn.train.run import Run

if TYPE_CHECKING:
    import anndata

CHUNK = 512
KEY = "kgnn_perturbed"


def perturbed(
    data: anndata.AnnData,
    run: Run,
    genes: Sequence[str] = (),
    subsystems: Sequence[str] = (),
    *,
    dose: float = 1.0,
    layer: str | None = None,
    gene_names: str | None = None,
    replicate: int | None = None,
) -> anndata.AnnData:
    r"""Knock genes and terms down in every sample, all of them together, and write how its prediction changes.

    A gene goes from its value toward 0 in what the encoder reads, a term from its state toward its reference in the
    decoder. The change is that of the *reconstruction*, sample by sample; `kgnn.knockdown` has the mean over samples,
    with an interval. The encoder has seen no perturbed cell: what it predicts far from its samples is a hypothesis.

    Args:
        data: Samples with the genes of the model.
        run: A run of a gene-set autoencoder.
        genes: Genes to knock down.
        subsystems: Ids of terms to knock down.
        dose: 1 for all of the way, 0 for none.
        layer: See `annotate`.
        gene_names: See `annotate`.
        replicate: See `kgnn.interpret.replicate_read`.

    Returns:
        A copy with ``obsm["kgnn_change"]``, a table ``[sample, gene]`` of changes of the reconstruction in the unit of
        the genes; ``obsm["kgnn_activity_change"]``, a table ``[sample, term]`` in the unit of `term_activity`; and
        ``uns["kgnn_perturbed"]``, what was done.

    Raises:
        AlignmentError: If the model does not know a gene or term, or the data lack a gene of it.
        KgnnError: If nothing is named, or the dose is not between 0 and 1.
        RunError: If the model is no gene-set autoencoder.
    """
    import pandas

    model = autoencoder_of(run, replicate)
    if not genes and not subsystems:
        raise KgnnError("neither genes nor subsystems are named. Name at least one.")
    if not 0 <= dose <= 1:
        raise KgnnError(f"dose is {dose:g}, but must be between 0 (nothing) and 1 (a complete knockdown).")
    columns = _places(genes, model.genes, "genes")
    gate = np.ones(len(model.terms), np.float32)
    gate[_places(subsystems, model.terms, "terms")] = 1 - dose
    samples = from_anndata(data, meaning=run.samples.meaning, layer=layer, gene_names=gene_names)
    before = np.asarray(samples.with_genes(model.genes).gene_values(), np.float32)
    after = before.copy()
    after[:, columns] += dose * (knocked_down_value(samples) - after[:, columns])
    enable_compilation_cache()
    graph, state = nnx.split(model)
    found = [
        _change(graph, state, before[first : first + CHUNK], after[first : first + CHUNK], jnp.asarray(gate))
        for first in range(0, len(before), CHUNK)
    ]
    output, activity = (np.concatenate(each) for each in zip(*found, strict=True))
    copy: Any = data.copy()
    copy.obsm["kgnn_change"] = pandas.DataFrame(output, index=data.obs_names, columns=list(model.output_names))
    copy.obsm["kgnn_activity_change"] = pandas.DataFrame(activity, index=data.obs_names, columns=list(model.terms))
    copy.uns[KEY] = {
        "genes": list(genes),
        "subsystems": list(subsystems),
        "dose": dose,
        **said_replicate(run, replicate),
    }
    return copy


def _places(names: Sequence[str], known: Sequence[str], what: str) -> list[int]:
    unknown = [name for name in names if name not in known]
    if unknown:
        raise AlignmentError(
            f"the model does not know {len(unknown):,} of {len(names):,} {what}: {name_some(unknown)}. Its {what} are "
            f"{name_some(known)}."
        )
    return [known.index(name) for name in names]


@partial(jax.jit, static_argnums=0)
def _change(graph: Any, state: Any, before: Array, after: Array, gate: Array) -> tuple[Array, Array]:
    """Changes of the output ``[sample, gene]`` and of activities ``[sample, term]``."""
    model = nnx.merge(graph, state)
    first, second = model(before), model(after, gate=gate)
    moved = (second.states - first.states).reshape(len(before), len(model.terms), -1)
    return second.output - first.output, (moved * directions(model)[None]).sum(axis=2)
