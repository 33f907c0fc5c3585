"""learnMotifs (Ploenzke & Irizarry 2018): effects of known motifs, and new motifs that explain what is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx

from kgnn.data.samples import Samples
from kgnn.errors import TrainingError
from kgnn.interpret.learned_motifs import motif_effects
from kgnn.models import MotifNetwork, MotifSettings
from kgnn.structure import Kernels, blank_kernels, take_motifs
from kgnn.train import Run, TrainConfig, fit
from kgnn.zoo.recipe import Card, Recipe
from kgnn.zoo.sequence_inputs import positions_of

LEAST_EFFECT = 0.05
"""Effect below which a filter is discarded, as in the paper."""
_BOTH = MotifSettings(
    filters="frozen", unit="raw", activation="sigmoid", effects=True, n_new=12, new_width=14,
    effect_price=0.02, position_price=0.01,
)  # fmt: skip
SETTINGS = {"both": _BOTH, "known": _BOTH._replace(n_new=0), "free": _BOTH._replace(filters="constrained")}
_CONFIG = TrainConfig(epochs=20, batch_size=64, learning_rate=0.02)
CONFIGS = dict.fromkeys(SETTINGS, _CONFIG)


@dataclass(frozen=True, eq=False)
class LearnedMotifs:
    """What `learn_motifs` found.

    Attributes:
        known: The first run, with all known motifs and no others.
        kept: Ids of the known motifs that have an effect.
        discarded: Ids of those that have none.
        run: The second run: kept motifs and new filters.
        new: Ids of the new filters that have an effect.
    """

    known: Run
    kept: tuple[str, ...]
    discarded: tuple[str, ...]
    run: Run
    new: tuple[str, ...]


def learn_motifs(
    kernels: Kernels,
    samples: Samples,
    config: TrainConfig | None = None,
    *,
    test: Samples | None = None,
    least_effect: float = LEAST_EFFECT,
    **settings: Any,
) -> LearnedMotifs:
    """Discard the known motifs that explain nothing, then learn new ones for what is left.

    Args:
        kernels: The known motifs, compiled with kind ``"information"``.
        samples: Sequences with a label, from `kgnn.data.sequence_samples`.
        config: Settings of both fits; those of the recipe where None.
        test: Test samples, scored once a fit.
        least_effect: Effect, on any output, up to which a motif is discarded.
        **settings: Fields of `MotifSettings` to replace, such as ``n_new``.

    Returns:
        Both runs, and what was kept and discarded.

    Raises:
        TrainingError: If the settings ask for replicates.
    """
    config = _CONFIG if config is None else config
    if config.replicates > 1:
        raise TrainingError(
            f"replicates is {config.replicates}, but what a first network discards is left out of a second one. Set "
            "replicates=1, and call learn_motifs with several seeds."
        )
    target = samples.require_targets()
    arguments: dict[str, Any] = {**positions_of(samples), "outputs": target.names, "task": target.kind}

    def fitted(
        version: str, motifs: Kernels, seed: int, start: Run | None = None, **changed: Any
    ) -> tuple[Run, tuple[str, ...]]:
        model = learnmotifs(motifs, version=version, rngs=nnx.Rngs(seed), **arguments, **settings | changed)
        if start is not None:
            _go_on_from(start.model, model)  # type: ignore[arg-type]
        run = fit(model, samples, config, test=test, baselines=(), recipe="learnmotifs")
        effects = motif_effects(run.model).groupby("motif")["effect"].max()  # type: ignore[arg-type]
        return run, tuple(motif for motif in model.terms if effects[motif] > least_effect)

    first, kept = fitted("known", kernels, config.seed, n_new=0)
    discarded = tuple(motif for motif in first.model.terms if motif not in kept)
    if kept:
        second, found = fitted("both", take_motifs(kernels, kept), config.seed + 1, first)
    else:
        n_new, width = (settings.get(name, getattr(_BOTH, name)) for name in ("n_new", "new_width"))
        blank = blank_kernels(n_new, width, both_strands=kernels.both_strands)
        second, found = fitted("free", blank, config.seed + 1, initial="random", n_new=0)
    return LearnedMotifs(first, kept, discarded, second, tuple(motif for motif in found if motif not in kept))


def _go_on_from(first: MotifNetwork, second: MotifNetwork) -> None:
    """Let the known motifs begin where the first fit has left them, so that new filters learn what these leave."""
    kept = np.array([first.terms.index(motif) for motif in second.terms[: second.known.n_motifs]])
    effects = first.output_layer.kernel[...]
    second.known.offset[...] = first.known.offset[...][kept]
    before = second.output_layer.kernel[...]
    known = jnp.asarray(effects)[:, kept]
    second.output_layer.kernel[...] = jnp.concatenate([known, before[:, len(kept) :]], axis=1)
    second.output_layer.bias[...] = first.output_layer.bias[...] - 0.5 * before[:, len(kept) :].sum(axis=1)


learnmotifs = Recipe(
    card=Card(
        name="learnmotifs",
        title="Effects of known motifs, and new motifs under an information constraint",
        year=2018,
        doi="10.1101/411934",
        inputs="motifs (JASPAR, MEME …); sequences of one length with a label",
        versions={
            "both": "known motifs as published, and twelve new filters",
            "known": "known motifs alone, to see which have an effect",
            "free": "known motifs that are trained further under the constraint",
        },
        differs=(
            "the price of positions, the constraint and the bound of effects at 0 are proximal steps after the "
            "optimizer's, so they hold after every update, not at the end of an epoch; the price of effects is an L1 "
            "term of the loss",
            "an offset begins where a random sequence of that length reaches a score of 0, without looking at samples; "
            "the paper takes the mean maximum over 256 of them",
            "one filter reads both strands; the paper offers that as an option",
            "no group lasso on whole positions: their price grows from the middle of the filter",
        ),
    ),
    model=MotifNetwork,
    settings=SETTINGS,
    tasks=("labels", "classes", "regression"),
    configs=CONFIGS,
    options={"n_new": int, "new_width": int, "effect_price": float, "position_price": float},
    modalities=("sequence",),
    knowledge="motifs",
    compiling={"both_strands": True, "kind": "information"},
    from_samples=positions_of,
)
r"""A network that can be read as a list: every filter a sequence logo, every weight the effect of one motif.

.. math:: \operatorname{logit} = b + \sum_m \beta_m \max_p \sigma(s_{mp}), \qquad \beta_m \ge 0

Trained filters stay letter heights of a logo: after every step they are projected onto what a position of DNA can
hold (`kgnn.layers.InformationBound`).

- `kernels`: The compiled motifs, of kind ``"information"``.
- `n_positions`: Letters of a sequence.

References:
    Ploenzke & Irizarry 2018, bioRxiv 411934, doi:10.1101/411934.
"""
