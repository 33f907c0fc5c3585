"""`knockdown`: virtual knockdowns of genes, gene pairs and subsystems, as one tidy table."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from kgnn.data.samples import Modality, Samples
from kgnn.errors import KgnnError, unknown_choice
from kgnn.perturb.forward import changes, inputs_of
from kgnn.perturb.natural import SCALES
from kgnn.perturb.plan import Plan, make_plan
from kgnn.perturb.reach import Anywhere, Reach, reach_in
from kgnn.perturb.replicates import spread_of_effects
from kgnn.perturb.table import COLUMNS as COLUMNS
from kgnn.perturb.table import gather, make_table
from kgnn.train.compilation import enable_compilation_cache
from kgnn.train.run import Run

if TYPE_CHECKING:
    import pandas

KNOCKED_DOWN = {"alteration": 1.0, "abundance": 0.0}
"""What a gene's value becomes when it is knocked down: an altered gene, or an absent product."""
MOST_STATE_ROWS = 30_000_000
"""Rows on subsystems that a table may have; such a table takes some 3 GB."""
_LOG = logging.getLogger(__name__)


def knockdown(
    run: Run,
    genes: str | Iterable[str] | None = None,
    *,
    pairs: str | Iterable[tuple[str, str]] | None = None,
    subsystems: str | Iterable[str] | None = None,
    samples: Samples | None = None,
    dose: float = 1.0,
    scale: str = "natural",
    states: bool = True,
    max_samples: int = 256,
    progress: Callable[[int, int], None] | None = None,
) -> pandas.DataFrame:
    r"""Predict what happens when genes, pairs of genes or subsystems are knocked down.

    An altered gene (``meaning="alteration"``) goes to 1, an abundance to 0, in the units of the samples (the model
    scales inside); a dose between 0 and 1 goes that share of the way. A subsystem is knocked down by replacing its
    state by its mean over the training samples. The effect is that of the *network*: it says what the model has
    learned, and is a hypothesis about the cell.

    .. math:: \Delta_p = \frac{1}{N}\sum_i f(x_i^{(p)}) - f(x_i), \qquad
        \epsilon_{ij} = f_{ij} - f_i - f_j + f_0

    Args:
        run: A run, from `kgnn.fit` or `kgnn.load_run`.
        genes: Gene names, one name, or ``"all"``.
        pairs: Pairs of gene names; or ``"all"`` for every pair of `genes` (of all genes where `genes` is None). Both
            genes of a pair are knocked down by themselves as well.
        subsystems: Term ids, one id, or ``"all"``.
        samples: Samples to perturb. Where None: for alterations alone, the wild type (nothing altered); else the
            run's held-out samples.
        dose: Between 0 (nothing) and 1 (complete).
        scale: Of the predictions: ``"natural"`` (the target's unit; probabilities for classes and labels), or
            ``"log_odds"`` for classes and labels, which also moves where a probability is close to 0 or 1.
        states: Whether to report the change of every subsystem's state as well.
        max_samples: Most samples to average over, drawn with the run's seed where there are more.
        progress: Called with the number of perturbations done and their total.

    Returns:
        A table. Rows with target ``"output"`` hold the mean change of a prediction (``effect``, in ``unit``), its
        standard deviation over samples (NaN for one sample), the mean prediction without the perturbation and, for
        pairs, the epistasis. For classes and labels all of these are probabilities, of classes they sum to 0 over the
        outputs; a pair that is additive in the logits has some epistasis in probability. Rows with target
        ``"subsystem"`` hold the root mean square change of a term's states; terms of a visible network that cannot
        change, because they are not above the perturbed gene or subsystem, are left out. Of replicates
        (``n_replicates``), the effect is that of their mean; ``effect_low`` to ``effect_high`` is a 95 % t-interval
        around it from the effects of the networks by themselves (NaN for one network), and ``same_sign`` counts those
        whose effect has its sign. The interval is about other random starts, not about other samples.

    Raises:
        AlignmentError: If the model does not know a gene or term; the message names them and what is close.
        KgnnError: If there is nothing to knock down, the samples have no value that means absent, or the table would
            be too large.

    References:
        Ma et al. 2018, doi:10.1038/nmeth.4627 (genotypes); Holzscheck et al. 2021, doi:10.1038/s41514-021-00068-5
        (virtual knockdown of expression).
    """
    check_how(run, dose, scale)
    enable_compilation_cache()
    plan = make_plan(run.model, genes, pairs, subsystems)
    samples = _some(run, samples_to_perturb(run, samples), max_samples)
    value = knocked_down_value(samples) if plan.has_genes else 0.0
    reach = reach_in(run.model) if states and run.model.terms else None
    if reach is not None:
        _refuse_too_large(reach, plan)
    changes_of = partial(
        changes,
        inputs=inputs_of(samples),
        perturbations=plan.perturbations,
        dose=dose,
        value=value,
        modality=samples.gene_modality,
        scale=scale,
    )
    found = gather(plan, changes_of(run.model), reach, progress)
    among = spread_of_effects(run.model, plan, found, reach, changes_of)
    return make_table(run, plan, found, among, dose, len(samples), scale)


def knocked_down_value(samples: Samples) -> float:
    """The value of a gene that is knocked down, by the meaning of the samples.

    Args:
        samples: What is to be perturbed.

    Returns:
        1 for alterations, 0 for abundances.

    Raises:
        KgnnError: If a knockdown has no meaning for such values.
    """
    if samples.meaning not in KNOCKED_DOWN:
        raise KgnnError(
            f"the values are of meaning {samples.meaning!r}, and a knockdown of a gene has no value for it. Read the "
            "samples with meaning='alteration' (1 = altered) or meaning='abundance' (0 = absent), or knock down "
            "subsystems."
        )
    if samples.meaning == "abundance":
        values = samples.gene_values()
        negative = float((values < 0).mean())
        if negative:
            _LOG.warning(
                "%.1f %% of the abundances are negative (lowest %.3g), so 0 does not mean absent: a knockdown sets a "
                "gene to an ordinary value. Use values that were not centered, such as log counts.",
                100 * negative,
                values.min(),
            )
    return KNOCKED_DOWN[samples.meaning]


def wild_type_sample(samples: Samples) -> Samples:
    """One sample in which no gene is altered.

    Args:
        samples: With alterations as their only modality.

    Returns:
        The sample, without a target.
    """
    name = samples.gene_modality
    table = Modality(np.zeros((1, len(samples.genes)), np.float32), samples.genes, ("wild type",), samples.meaning)
    return Samples(("wild type",), {name: table}, {name: np.zeros(1, np.int32)})


def samples_to_perturb(run: Run, samples: Samples | None) -> Samples:
    """The samples that a knockdown is made in, with the genes of the model.

    Args:
        run: The run.
        samples: Those that were given, if any.

    Returns:
        The given ones; else, for alterations alone, the wild type; else the run's held-out samples.

    Raises:
        KgnnError: If there is none.
    """
    if samples is None:
        samples = run.samples
        if samples.meaning == "alteration" and len(samples.modalities) == 1:
            samples = wild_type_sample(samples)
    if not len(samples):
        raise KgnnError("there are no samples to perturb. Give at least one.")
    return samples.with_genes(run.model.genes)


def check_how(run: Run, dose: float, scale: str) -> None:
    """Refuse a dose or a scale that means nothing.

    Raises:
        KgnnError: If the dose is not between 0 and 1, or the scale is unknown or not that of the model's task.
    """
    if not 0 <= dose <= 1:
        raise KgnnError(f"dose is {dose:g}, but must be between 0 (nothing) and 1 (a complete knockdown).")
    if scale not in SCALES:
        raise unknown_choice("scale", scale, SCALES)
    if scale == "log_odds" and run.model.task == "regression":
        raise KgnnError("scale is 'log_odds', but the model predicts numbers, not classes. Leave it out.")


def _some(run: Run, samples: Samples, most: int) -> Samples:
    """The samples, or as many as asked for, drawn with the run's seed."""
    if most < 1:
        raise KgnnError(f"max_samples is {most}, but at least 1 sample is needed.")
    if len(samples) <= most:
        return samples
    return samples.take(np.sort(np.random.default_rng(run.seed).choice(len(samples), most, replace=False)))


def _refuse_too_large(reach: Reach | Anywhere, plan: Plan) -> None:
    rows = reach.at_most(plan.perturbations)
    if rows > MOST_STATE_ROWS:
        raise KgnnError(
            f"{len(plan.names):,} perturbations may change {rows:,} states of subsystems, more than a table can hold "
            f"({MOST_STATE_ROWS:,}). Pass states=False, or name fewer genes or pairs."
        )
