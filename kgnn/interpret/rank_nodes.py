"""`rank_nodes`: the nodes of a trained regulatory network by their weights, beside networks on control inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kgnn.data.samples import Samples
from kgnn.errors import AlignmentError, KgnnError, RunError, name_some
from kgnn.interpret.moderated import FEWEST_ROWS
from kgnn.interpret.node_weights import compare_with_controls, node_weights, weight_sizes
from kgnn.models import Replicates
from kgnn.models.contract import term_facts
from kgnn.train.compilation import enable_compilation_cache
from kgnn.train.metrics import SMALLER_IS_BETTER
from kgnn.train.run import Run
from kgnn.train.spread import spread

if TYPE_CHECKING:
    import pandas

MEASURE = "node_weights"


def rank_nodes(
    run: Run,
    controls: Run | None = None,
    *,
    samples: Samples | None = None,
    normalize: str = "minmax",
    step: float | None = None,
    least_score: float | None = None,
) -> pandas.DataFrame:
    """Rank the nodes of a network by `node_weights`; with controls, by what their place does not explain.

    Without controls the ranking is by size, which mostly tells how well connected a node is. Control networks are
    trained like the real ones, on samples of `kgnn.data.control_samples`.

    Args:
        run: A run whose terms have one state each, such as ``kpnn``.
        controls: A run of the same network on control inputs.
        samples: Samples to measure the weights of `run` on; its held-out samples where None. Those of the controls are
            their own held-out samples.
        normalize: See `compare_with_controls`; without controls weights keep their unit.
        step: See `node_weights`: None for exact derivatives, or 0.001 for the paper's central difference.
        least_score: Leave out replicates of either run whose own score is below (an error: above) it, or undefined. The
            score is the one that the run names, on what it held out: of a run with ``score="accuracy"``, 0.8 leaves
            out a test error above 0.2, as the paper does. None keeps all.

    Returns:
        The columns of `kgnn.importance` (importance is the mean absolute weight over replicates, null_mean and null_sd
        are those of the controls, NaN without) and sign (mean sign over replicates), difference and t, see
        `compare_with_controls`; n_replicates and n_controls count the networks that were kept. Outputs, which are nodes
        as well, are left out.

    Raises:
        AlignmentError: If the nodes or outputs of the two runs differ, or the samples lack a gene.
        KgnnError: If terms have several states, either run has one replicate only and both are given, or too few have
            the least score.
        RunError: If either run has no sample to measure on, or no scores where a least one is given.
    """
    import pandas

    enable_compilation_cache()
    nodes, outputs = _inner_nodes(run), run.output_names
    fewest = 1 if controls is None else FEWEST_ROWS
    weights = _weights(run, samples, step)[_kept(run, "replicates", least_score, fewest), : len(nodes)]
    place = {node: position for position, node in enumerate(nodes)}
    if controls is None:
        table, null = _by_size(weights, nodes, outputs), None
    else:
        _refuse_other(run, controls)
        null = _weights(controls, None, step)[_kept(controls, "controls", least_score, fewest), : len(nodes)]
        table = compare_with_controls(weights, null, nodes, outputs=outputs, normalize=normalize)
    facts, parts = term_facts(run.model), []
    for position, output in enumerate(outputs):
        rows = table[table["output"] == output]
        at = [place[node] for node in rows["node"]]
        sizes = weight_sizes(weights[:, at, position], "none" if null is None else normalize)
        scale = sizes if null is None else weight_sizes(null[:, at, position], normalize)
        among, signed = spread(iter(sizes)), spread(iter(weights[:, at, position]))
        columns = {
            "term": rows["node"],
            "name": [facts.names[each] for each in at],
            "level": facts.levels[at],
            "n_genes": facts.n_genes[at],
            "output": output,
            "measure": MEASURE,
            "importance": among.mean,
            "importance_low": among.mean - among.half_width,
            "importance_high": among.mean + among.half_width,
            "same_sign": signed.same_sign,
            "n_replicates": among.n,
            "n_controls": 0 if null is None else len(null),
            "null_mean": rows["control"],
            "null_sd": np.nan if null is None else scale.std(axis=0, ddof=1),
            **{name: rows[name] for name in ("p_value", "q_value", "sign", "difference", "t", "rank")},
        }
        parts.append(pandas.DataFrame(columns))
    return pandas.concat(parts, ignore_index=True)


def _inner_nodes(run: Run) -> tuple[str, ...]:
    """The terms but for those that are outputs, which come last."""
    model: Any = run.model.stacked if isinstance(run.model, Replicates) else run.model
    return tuple(model.terms[: len(model.terms) - len(getattr(model, "output_rows", (0,)))])


def _kept(run: Run, what: str, least_score: float | None, fewest: int) -> np.ndarray:
    """Numbers of the networks that predict well enough what their run held out."""
    model, name = run.model, run.metrics["score"]
    if least_score is None:
        return np.arange(model.n_replicates if isinstance(model, Replicates) else 1)
    scored = run.metrics.get("replicates" if isinstance(model, Replicates) else "model", {})
    part = next((each for each in ("test", "valid", "train") if each in scored), None)
    if part is None:
        raise RunError(f"the run of the {what} holds no scores of each, as after a migration. Leave least_score out.")
    each = scored[part][name]["each"] if isinstance(model, Replicates) else [scored[part][name]]
    scores = np.array([np.nan if score is None else score for score in each])
    good = scores <= least_score if name in SMALLER_IS_BETTER else scores >= least_score
    if good.sum() < fewest:
        failed = [f"{number} ({scores[number]:.3g})" for number in np.flatnonzero(~good)]
        raise KgnnError(
            f"{len(failed)} of {len(scores)} {what} do not reach {name} {least_score:g} on {part} samples: "
            f"{name_some(failed)}. Train longer or more of them, or choose another least_score."
        )
    return np.flatnonzero(good)


def _weights(run: Run, samples: Samples | None, step: float | None) -> np.ndarray:
    chosen = run.samples if samples is None else samples
    if not len(chosen):
        raise RunError("the run holds no samples to measure node weights on. Give samples.")
    return node_weights(run.model, chosen.with_genes(run.model.genes).gene_values(), step=step)


def _refuse_other(run: Run, controls: Run) -> None:
    for what, own, other in (
        ("nodes", run.model.terms, controls.model.terms),
        ("outputs", run.output_names, controls.output_names),
    ):
        if tuple(own) != tuple(other):
            differing = sorted(set(own) ^ set(other)) or list(own)
            raise AlignmentError(
                f"the {what} of the run and of its controls differ: {name_some(differing)}. Train the controls "
                "with the same network, and targets of the same names."
            )


def _by_size(weights: np.ndarray, nodes: tuple[str, ...], outputs: tuple[str, ...]) -> pandas.DataFrame:
    """The columns of `compare_with_controls` where there are none."""
    import pandas

    parts = []
    for position, output in enumerate(outputs):
        size = np.abs(weights[:, :, position]).mean(axis=0)
        order = np.argsort(-size, kind="stable")
        columns = {
            "output": output,
            "node": [nodes[each] for each in order],
            "sign": np.sign(weights[:, order, position]).mean(axis=0),
            "rank": np.arange(1, len(nodes) + 1),
        }
        unknown = dict.fromkeys(("control", "difference", "t", "p_value", "q_value"), np.nan)
        parts.append(pandas.DataFrame({**columns, **unknown}))
    return pandas.concat(parts, ignore_index=True)
