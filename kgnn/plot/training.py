"""Pictures of a training: its course, and its scores beside those of the baselines."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from kgnn.errors import KgnnError
from kgnn.plot.canvas import BLUE, FAINT, INK, MUTED, QUIET, SMALL, VERMILLION, name_rows, new_figure, write_axes
from kgnn.plot.selection import require_columns

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOWER_IS_BETTER = frozenset({"mse", "rmse", "mae", "loss", "brier", "log_loss"})
SPLITS = ("test", "valid", "train")
_WIDE_RANGE = 20.0  # of the loss, from which its axis is logarithmic
_FEW_DIGITS = 0.1


class Score(NamedTuple):
    """One number: who reached what on which samples; ``value`` is NaN where the metric is undefined."""

    who: str
    split: str
    metric: str
    value: float


def list_scores(metrics: Mapping[str, Any]) -> list[Score]:
    """Every score of a run, the model before the baselines, held-out samples before the training samples.

    Args:
        metrics: A run's ``metrics``.

    Returns:
        One record a number, the headline metric first within each split.

    Raises:
        KgnnError: If there are no scores.
    """
    fitted = {"model": metrics.get("model") or {}, **(metrics.get("baselines") or {})}
    known = {split for scores in fitted.values() for split in scores}
    splits = [split for split in SPLITS if split in known] + sorted(known - set(SPLITS))
    listed = list(_scores(fitted, splits, str(metrics.get("score", ""))))
    if not any(score.who == "model" for score in listed):
        raise KgnnError("the metrics hold no score of the model. Pass run.metrics of a finished training.")
    return listed


def _scores(fitted: Mapping[str, Any], splits: list[str], headline: str) -> Iterator[Score]:
    for split in splits:
        names = dict.fromkeys(name for scores in fitted.values() for name in scores.get(split) or {})
        for metric in sorted(names, key=lambda name: name != headline):
            for who, scores in fitted.items():
                found = scores.get(split) or {}
                if metric in found:
                    yield Score(who, split, metric, math.nan if found[metric] is None else float(found[metric]))


def format_score(value: float) -> str:
    """A score with three digits that say something.

    Args:
        value: A finite number.

    Returns:
        For example ``'0.674'`` or ``'0.0164'``.
    """
    return f"{value:.3f}" if abs(value) >= _FEW_DIGITS or value == 0 else f"{value:#.3g}"


def best_baseline(metrics: Mapping[str, Any]) -> tuple[Score, Score] | None:
    """The model's headline score and the best baseline's, on the samples furthest from the training.

    Args:
        metrics: A run's ``metrics``.

    Returns:
        Model and baseline on the test samples, on the validation samples where no test was made, or None where no
        baseline was scored.
    """
    headline = str(metrics.get("score", ""))
    sign = -1.0 if headline in LOWER_IS_BETTER else 1.0
    defined = [score for score in list_scores(metrics) if score.metric == headline and math.isfinite(score.value)]
    for split in ("test", "valid"):
        model = [score for score in defined if score.split == split and score.who == "model"]
        others = [score for score in defined if score.split == split and score.who != "model"]
        if model and others:
            return model[0], max(others, key=lambda score: sign * score.value)
    return None


def learning_curve(history: pd.DataFrame, *, score: str = "score", best_epoch: int | None = None) -> Figure:
    """Loss and scores over the epochs.

    A validation score that falls while the training score rises is overfitting; the epoch that was kept is the one
    marked, chosen on validation samples.

    Args:
        history: A run's ``history``: columns ``epoch``, ``loss`` and, where they were measured, ``train_score`` and
            ``valid_score``.
        score: What the scores are, for the axis.
        best_epoch: The epoch whose weights were kept; not marked where None.

    Returns:
        A matplotlib figure.

    Raises:
        KgnnError: If the table does not fit, or matplotlib is not installed.

    Example:
        >>> import pandas as pd
        >>> figure = learning_curve(pd.DataFrame({"epoch": [1, 2, 3], "loss": [0.9, 0.5, 0.4]}))
        >>> len(figure.axes)
        1
    """
    require_columns(history, ("epoch", "loss"), "kgnn.fit (run.history)")
    measured = [name for name in ("train_score", "valid_score") if name in history and any(history[name].notna())]
    figure, grid = new_figure(4.6 * (1 + bool(measured)), 3.3, columns=1 + bool(measured))
    loss = history["loss"].to_numpy(dtype=float)
    _lines(grid[0][0], history, {"loss": ("training loss", INK, "-")})
    if 0 < loss.min() < loss.max() / _WIDE_RANGE:
        grid[0][0].set_yscale("log")
    write_axes(grid[0][0], title="Loss", x="epoch", y="training loss")
    if measured:
        looks = {"train_score": ("training samples", MUTED, "--"), "valid_score": ("validation samples", BLUE, "-")}
        _lines(grid[0][1], history, {name: looks[name] for name in measured})
        write_axes(grid[0][1], title=score.capitalize(), x="epoch", y=score)
        grid[0][1].legend(frameon=False, fontsize=SMALL, loc="best")
    for panel in grid[0]:
        panel.locator_params(axis="x", integer=True)
        panel.grid(axis="y", color=FAINT, linewidth=0.6)
        if best_epoch is not None:
            _mark_epoch(panel, best_epoch)
    return figure


def _lines(panel: Axes, history: pd.DataFrame, looks: Mapping[str, tuple[str, str, str]]) -> None:
    for column, (label, color, style) in looks.items():
        drawn = history[["epoch", column]].dropna()
        marker = "o" if len(drawn) == 1 else None
        panel.plot(drawn["epoch"], drawn[column], style, color=color, label=label, linewidth=1.6, marker=marker)


def _mark_epoch(panel: Axes, epoch: int) -> None:
    panel.axvline(epoch, color=VERMILLION, linewidth=1, linestyle=":")
    place = panel.get_xaxis_transform()
    low, high = panel.get_xlim()
    side = "right" if epoch > (low + high) / 2 else "left"
    text = f" kept: epoch {epoch} "
    panel.text(epoch, 1.0, text, transform=place, ha=side, va="top", fontsize=SMALL, color=VERMILLION)


def scores(metrics: Mapping[str, Any]) -> Figure:
    """Scores of the model beside those of every baseline, a panel for each metric and split.

    A visible network is worth its structure where it comes near to a dense network and a ridge regression or passes
    them; a baseline above the model means that this run shows no gain in prediction.

    Of replicates, each dot is the score of one network by itself; the bar is that of their mean prediction.

    Args:
        metrics: A run's ``metrics``: ``score`` (the headline metric, shown first), ``model``, ``baselines`` and, of
            replicates, ``replicates``.

    Returns:
        A matplotlib figure; splits are rows (test first), metrics are columns.

    Raises:
        KgnnError: If there are no scores, or matplotlib is not installed.
    """
    listed = list_scores(metrics)
    held_out = [score for score in listed if score.split != "train"] or listed
    splits = list(dict.fromkeys(score.split for score in held_out))
    names = list(dict.fromkeys(score.metric for score in held_out))
    who = list(dict.fromkeys(score.who for score in held_out))
    width, height = 1.2 + 2.2 * max(len(names), 2), len(splits) * (0.75 + 0.3 * len(who)) + 0.1
    figure, grid = new_figure(width, height, len(splits), len(names))
    counts = metrics.get("n_samples") or {}
    for split, row in zip(splits, grid, strict=True):
        for metric, panel in zip(names, row, strict=True):
            values = {s.who: s.value for s in held_out if s.split == split and s.metric == metric}
            each = replicate_scores(metrics, split, metric).get("each", ())
            _bars(panel, who, values, [score for score in each if score is not None])
            title = f"{split} (n = {counts[split]:,})" if split in counts else split
            lower = " (lower is better)" if metric in LOWER_IS_BETTER else ""
            write_axes(panel, title=title if panel is row[0] else "", x=metric + lower)
            panel.tick_params(axis="y", labelleft=panel is row[0])
    return figure


def replicate_scores(metrics: Mapping[str, Any], split: str, metric: str) -> Mapping[str, Any]:
    """Scores of the networks by themselves: ``each``, ``mean``, ``sd``, ``low`` and ``high``.

    Args:
        metrics: A run's ``metrics``.
        split: Name of the part.
        metric: Name of the score.

    Returns:
        Empty for a single network.
    """
    return (metrics.get("replicates") or {}).get(split, {}).get(metric) or {}


def _bars(panel: Axes, who: list[str], values: Mapping[str, float], each: list[float]) -> None:
    finite = {name: value for name, value in values.items() if math.isfinite(value)}
    rows = [who.index(name) for name in finite]
    panel.barh(rows, list(finite.values()), height=0.62, color=[BLUE if who[row] == "model" else QUIET for row in rows])
    panel.axvline(0, color=QUIET, linewidth=0.8)
    name_rows(panel, who)
    if each:
        at = who.index("model")
        panel.plot(each, [at] * len(each), "o", color=INK, markersize=2.5, alpha=0.6, markeredgewidth=0)
    low, high = min([0.0, *finite.values(), *each]), max([0.0, *finite.values(), *each])
    panel.set_xlim(low, high + 0.3 * (high - low or 1.0))
    for row, name in enumerate(who):
        value = finite.get(name)
        if value is None:
            text, place = "undefined" if name in values else "not scored", 0.0
        else:
            text, place = format_score(value), max(value, 0.0, *(each if name == "model" else ()))
        strong = "bold" if name == "model" else "normal"
        panel.text(place, row, f" {text}", ha="left", va="center", fontsize=SMALL, color=INK, fontweight=strong)
    panel.locator_params(axis="x", nbins=4)
    panel.grid(axis="x", color=FAINT, linewidth=0.6)
