"""What a gene-set autoencoder says of samples: the activity of every term, and which terms mark a group."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from kgnn.data.samples import Samples
from kgnn.errors import AlignmentError, KgnnError, RunError
from kgnn.models import Model, Replicates
from kgnn.models.autoencoder import GeneSetAutoencoder
from kgnn.models.contract import Inputs
from kgnn.perturb.forward import inputs_of
from kgnn.train.compilation import enable_compilation_cache
from kgnn.train.run import Run
from kgnn.train.scoring import best_epoch

if TYPE_CHECKING:
    import pandas

CERTAIN = 2.3
"""Bayes factor from which a difference counts as certain: odds of ten to one, as expiMap has it."""
AT_ONCE = 512
"""Draws of the code that are decoded at once."""


def term_activity(run: Run, samples: Samples, *, replicate: int | None = None) -> np.ndarray:
    r"""How far the state of each term moves the genes of the term, on average, away from its mean over the samples.

    A state has no unit and no sign of its own. Its effect on the genes has both:

    .. math:: a_{it} = \Big(\frac{1}{|t|}\sum_{g \in t} \frac{\partial \hat x_g}{\partial h_t}\Big)
        \cdot (h_{it} - \bar h_t)

    Args:
        run: A run of a gene-set autoencoder.
        samples: With the genes of the model.
        replicate: See `replicate_read`: one network is read, since the states of several have no common sign or scale.

    Returns:
        float32 ``[sample, term]``, in units of the decoder's output: standard deviations of a gene where training
        standardized them, logarithms of the mean for counts.

    Raises:
        AlignmentError: If the samples lack a gene of the model.
        RunError: If the model is no gene-set autoencoder.
    """
    model = autoencoder_of(run, replicate)
    enable_compilation_cache()
    graph, state = nnx.split(model)
    inputs = inputs_of(samples.with_genes(model.genes))
    found = np.asarray(_activity(graph, state, _codes(graph, state, inputs)[0]))
    return (found - found.mean(axis=1, keepdims=True)).T


def latent_enrichment(
    run: Run,
    samples: Samples,
    groups: Sequence[str] | np.ndarray,
    *,
    draws: int = 5_000,
    seed: int = 0,
    replicate: int | None = None,
) -> pandas.DataFrame:
    r"""Which terms are more active in a group of samples than in all others.

    Pairs of a sample of the group and one of the others are drawn, and a code of each from its posterior:

    .. math:: p = P(a_{\mathrm{in}} > a_{\mathrm{out}}), \qquad \mathrm{BF} = \ln\frac{p}{1 - p}

    A Bayes factor says how sure the difference is, not how large: a set that hardly moves its genes can have a high
    one. Of the differences that are sure, the largest come first, as one reads a table of expressed genes.

    It compares the samples at hand as the model sees them; it is no test of a hypothesis about a population, and cells
    of one donor are not independent.

    Args:
        run: A run of a gene-set autoencoder.
        samples: With the genes of the model.
        groups: Name of the group of every sample, at least two in all.
        draws: Pairs a group.
        seed: Of the draws.
        replicate: See `replicate_read`.

    Returns:
        One row a group and term, by group; first those with a factor of at least 2.3 by their difference, then the
        others by the factor (`rank_enriched`): ``group``, ``term``, ``name``, ``n_genes``,
        ``bayes_factor`` (bounded by the number of draws), ``probability``, ``difference`` (mean activity of the group
        less that of the others) and ``effect`` (the difference in standard deviations of the draws).

    Raises:
        AlignmentError: If groups and samples differ in number, or the samples lack a gene.
        KgnnError: If there is one group only.
        RunError: If the model is no gene-set autoencoder.

    References:
        Lopez et al. 2018, Nature Methods 15:1053, doi:10.1038/s41592-018-0229-2 (Bayes factors of differences);
        Seninge et al. 2021, doi:10.1038/s41467-021-26017-0; Lotfollahi et al. 2023, doi:10.1038/s41556-022-01072-x.

    Differs from the paper:
        Activities have the sign of the change that they make in the genes of the term, so no sign has to be guessed.
    """
    import pandas

    model = autoencoder_of(run, replicate)
    of_sample = np.asarray(groups).astype(str)
    if of_sample.shape != (len(samples),):
        raise AlignmentError(f"{of_sample.size:,} groups for {len(samples):,} samples. Give one name a sample.")
    names = np.unique(of_sample)
    if len(names) < 2:
        raise KgnnError(f"all samples are of one group ({', '.join(names)}). Give at least two to compare.")
    enable_compilation_cache()
    graph, state = nnx.split(model)
    codes = _codes(graph, state, inputs_of(samples.with_genes(model.genes)))
    random = np.random.default_rng(seed)
    parts = []
    for name in names:
        inside = _drawn(graph, state, codes, random.choice(np.flatnonzero(of_sample == name), draws), random)
        outside = _drawn(graph, state, codes, random.choice(np.flatnonzero(of_sample != name), draws), random)
        parts.append(_compared(run, name, inside, outside))
    return pandas.concat(parts, ignore_index=True)


def replicate_read(run: Run, replicate: int | None = None) -> int | None:
    """Which of the replicates of a run the activities of terms are read from.

    Args:
        run: The run.
        replicate: Its number, from 0; where None, the one that scores best on validation samples (without any, on test,
            else on training samples), or the first where the run holds no scores of each, as after a migration.

    Returns:
        The number; None for a run of one network.

    Raises:
        RunError: If a number is given for a run of one network.
        KgnnError: If there are fewer replicates.
    """
    if not isinstance(run.model, Replicates):
        if replicate is not None:
            raise RunError(f"replicate {replicate} is asked for, but the run holds one network. Leave it out.")
        return None
    if replicate is None:
        scores = run.metrics.get("replicates", {})
        part = next((name for name in ("valid", "test", "train") if name in scores), None)
        score = run.metrics["score"]
        return 0 if part is None else best_epoch(scores[part][score]["each"], score) - 1
    run.model.member(replicate)
    return replicate


def is_autoencoder(model: Model) -> bool:
    """Whether a model, or its replicates, are gene-set autoencoders."""
    return isinstance(model.stacked if isinstance(model, Replicates) else model, GeneSetAutoencoder)


def said_replicate(run: Run, replicate: int | None = None) -> dict[str, int]:
    """An entry ``replicate`` for a record, where activities are read from one of several networks."""
    number = replicate_read(run, replicate)
    return {} if number is None else {"replicate": number}


def autoencoder_of(run: Run, replicate: int | None = None) -> Any:
    """The gene-set autoencoder of a run.

    Args:
        run: The run.
        replicate: See `replicate_read`.

    Returns:
        Its model; of replicates, one of them.

    Raises:
        RunError: If the model is another.
    """
    if not is_autoencoder(run.model):
        kind = run.model.stacked if isinstance(run.model, Replicates) else run.model
        raise RunError(
            f"the model of this run is a {type(kind).__name__}, but activities of this kind are those of a gene-set "
            "autoencoder. Give such a run."
        )
    number = replicate_read(run, replicate)
    return run.model if number is None else run.model.member(number)  # type: ignore[attr-defined]


def _compared(run: Run, group: str, inside: np.ndarray, outside: np.ndarray) -> pandas.DataFrame:
    """Rows of one group, from activities ``[term, draw]`` of pairs."""
    import pandas

    hierarchy, draws = run.hierarchy, inside.shape[1]
    higher = (inside > outside).sum(axis=1) + 0.5 * (inside == outside).sum(axis=1)
    probability = (higher + 0.5) / (draws + 1)
    difference = inside.mean(axis=1) - outside.mean(axis=1)
    spread = np.sqrt(0.5 * (inside.var(axis=1) + outside.var(axis=1)))
    table = pandas.DataFrame(
        {
            "group": group,
            "term": list(hierarchy.terms),
            "name": list(hierarchy.term_names),
            "n_genes": hierarchy.n_genes_of_term,
            "bayes_factor": np.log(probability / (1 - probability)),
            "probability": probability,
            "difference": difference,
            "effect": np.divide(difference, spread, out=np.zeros_like(difference), where=spread > 0),
        }
    )
    return rank_enriched(table)


def rank_enriched(table: pandas.DataFrame) -> pandas.DataFrame:
    """Rows of one group in the order of `latent_enrichment`.

    Args:
        table: With ``bayes_factor`` and ``difference``, such as the mean of several fits.

    Returns:
        The same rows.
    """
    certain = table["bayes_factor"].to_numpy() >= CERTAIN
    within = np.where(certain, table["difference"], table["bayes_factor"])
    return table.iloc[np.lexsort((-within, ~certain))]


def _drawn(graph: Any, state: Any, codes: tuple[Array, Array], rows: np.ndarray, random: Any) -> np.ndarray:
    """Activities ``[term, draw]`` of codes drawn from the posteriors of some samples."""
    mean, deviation = (np.asarray(each) for each in codes)
    found = []
    for first in range(0, len(rows), AT_ONCE):
        # The last rows are filled up, so that every call is one program.
        here = np.resize(rows[first : first + AT_ONCE], AT_ONCE)
        drawn = mean[:, here] + deviation[:, here] * random.standard_normal((len(mean), AT_ONCE)).astype(np.float32)
        found.append(np.asarray(_activity(graph, state, jnp.asarray(drawn)))[:, : len(rows) - first])
    return np.concatenate(found, axis=1)


@partial(jax.jit, static_argnums=0)
def _codes(graph: nnx.GraphDef, state: Any, inputs: Inputs) -> tuple[Array, Array]:
    return nnx.merge(graph, state).posterior(inputs)


@partial(jax.jit, static_argnums=0)
def _activity(graph: nnx.GraphDef, state: Any, codes: Array) -> Array:
    """``[term, sample]`` from codes ``[latent, sample]``."""
    model = nnx.merge(graph, state)
    states, _ = model.decoder(codes)
    blocks = states.reshape(len(model.terms), -1, codes.shape[1])
    return (blocks * directions(model)[:, :, None]).sum(axis=1)


def directions(model: GeneSetAutoencoder) -> Array:
    """Mean change of the genes of each term per unit of each of its states, at the mean code, ``[term, state]``."""
    hierarchy, decoder = model.hierarchy, model.decoder
    n_states = decoder.settings.n_states
    zero = jnp.zeros((decoder.n_latent, 1))

    def genes(shift: Array) -> Array:
        return decoder(zero, shift=shift)[1][:, 0]

    pull = jax.vjp(genes, jnp.zeros(hierarchy.n_terms * n_states))[1]
    term = np.repeat(np.arange(hierarchy.n_terms), hierarchy.n_genes_of_term)
    share = np.zeros((hierarchy.n_terms, hierarchy.n_genes), np.float32)
    share[term, np.concatenate(hierarchy.gene_sets)] = 1.0 / hierarchy.n_genes_of_term[term]

    def one(given: tuple[Array, Array]) -> Array:
        weights, own = given
        return jax.lax.dynamic_slice_in_dim(pull(weights)[0], own * n_states, n_states)

    return jax.lax.map(one, (jnp.asarray(share), jnp.arange(hierarchy.n_terms)))
