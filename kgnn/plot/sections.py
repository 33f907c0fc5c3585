"""The report's sections on a run: what it is, how well it predicts, what it was made from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kgnn.errors import name_some
from kgnn.plot.page import (
    Column,
    definitions,
    escape,
    linked,
    missing,
    paragraph,
    picture,
    plain_table,
    section,
)
from kgnn.plot.training import (
    LOWER_IS_BETTER,
    Score,
    best_baseline,
    format_score,
    learning_curve,
    list_scores,
    replicate_scores,
    scores,
)

if TYPE_CHECKING:
    from kgnn.train import Run

_SMALL = 0.02  # a difference in score that another seed or split can turn round
_DIGEST = 12
BASELINES = {
    "mean": "the mean or the class shares of the training samples",
    "ridge": "penalized linear regression on the same features",
    "logistic": "penalized logistic regression on the same features",
    "dense": "a network of equal size without the hierarchy",
    "shuffled": "the same hierarchy over shuffled genes",
}
SPLIT_NAMES = {"train": "training", "valid": "validation", "test": "test"}


def summarize(run: Run) -> str:
    """The paragraph at the top of the page: what was made, from what, and whether it is any good."""
    hierarchy, metrics = run.hierarchy, run.metrics
    sentences = [
        f"A visible network is a neural network wired like published biology: here {hierarchy.n_terms:,} subsystems in "
        f"{hierarchy.n_levels} levels over {hierarchy.n_genes:,} genes, each subsystem fed only by its own genes and "
        f"the subsystems below it.",
        f"This one was trained to {_purpose(metrics, run.output_names)}.",
    ]
    counts = metrics.get("n_samples") or {}
    if counts:
        listed = ", ".join(f"{counts[split]:,} {name}" for split, name in SPLIT_NAMES.items() if counts.get(split))
        sentences.append(f"Samples: {listed}.")
    return paragraph(" ".join([*sentences, compare(metrics)]), "lead")


def _purpose(metrics: Mapping[str, Any], outputs: Sequence[str]) -> str:
    named = name_some(outputs)
    if metrics.get("task") == "classes":
        return f"tell {len(outputs)} classes apart ({named})"
    return f"predict {named}"


def compare(metrics: Mapping[str, Any]) -> str:
    """One honest sentence on the model and its best baseline.

    Args:
        metrics: A run's ``metrics``.

    Returns:
        Text, not escaped.
    """
    pair = best_baseline(metrics)
    name = str(metrics.get("score", "score"))
    if pair is None:
        found = [score for score in list_scores(metrics) if score.who == "model" and score.metric == name]
        reached = (
            f"It reaches {name} {format_score(found[0].value)} on the {_split(found[0])} samples. " if found else ""
        )
        return f"{reached}No baseline was scored, so nothing can be said about what the structure is worth."
    model, other = pair
    gain = _gain(metrics, model, other)
    reached = (
        f"On the {_split(model)} samples it reaches {name} {format_score(model.value)}; the best baseline, "
        f"{other.who}, reaches {format_score(other.value)}."
    )
    beats = f"beats its best baseline by {format_score(gain)}" if gain > 0 else "does not beat its best baseline"
    return f"{reached} The model {beats}."


def caution(metrics: Mapping[str, Any]) -> str:
    """What to keep in mind when the model is no better than a baseline, or hardly.

    Args:
        metrics: A run's ``metrics``.

    Returns:
        Text, not escaped; empty where the model is clearly ahead or no baseline was scored.
    """
    pair = best_baseline(metrics)
    if pair is None:
        return ""
    gain = _gain(metrics, *pair)
    sentences = []
    if gain <= 0:
        sentences.append(
            f"The baseline {pair[1].who} is as good or better: read what is inside the model as hypotheses, and do not "
            "take its structure as proven by its score."
        )
    shuffled = [score for score in list_scores(metrics) if score[:3] == ("shuffled", pair[0].split, pair[0].metric)]
    if shuffled and _gain(metrics, pair[0], shuffled[0]) <= 0:
        sentences.append("The same network over shuffled genes predicts as well: here knowledge does not help.")
    if abs(gain) < _SMALL:
        sentences.append("A difference this small can turn round with another seed or split; repeat the training.")
    return " ".join(sentences)


def _gain(metrics: Mapping[str, Any], model: Score, other: Score) -> float:
    """By how much the model is better; negative where it is worse."""
    gain = model.value - other.value
    return -gain if metrics.get("score") in LOWER_IS_BETTER else gain


def _split(score: Score) -> str:
    return SPLIT_NAMES.get(score.split, score.split)


def score_section(run: Run) -> str:
    """Scores of the model beside the baselines, as a table and a picture."""
    listed = list_scores(run.metrics)
    table = {(score.who, score.split, score.metric): score.value for score in listed}
    names = list(dict.fromkeys(score.metric for score in listed))
    rows = []
    for split, who in dict.fromkeys((score.split, score.who) for score in listed):
        name = f"<strong>{escape(who)}</strong>" if who == "model" else escape(who)
        cells = [_score_cell(table, who, split, metric) for metric in names]
        rows.append([escape(SPLIT_NAMES.get(split, split)), name, *cells])
        if who == "model" and run.metrics.get("replicates"):
            rows.append(["", "its networks, each by itself", *(_interval_cell(run, split, name) for name in names)])
    columns = [Column("Samples"), Column("Predictor"), *(Column(metric, "number") for metric in names)]
    advice = caution(run.metrics)
    fitted = [f"{who}: {BASELINES[who]}" for who in run.metrics.get("baselines") or {} if who in BASELINES]
    caption = f"Held-out scores. {'; '.join([*fitted, 'bold in the table: the best on the same samples'])}."
    if run.metrics.get("replicates"):
        caption += " Dots: the networks, each by itself; the bar is their mean prediction."
    return section(
        "scores",
        "Scores beside baselines",
        paragraph(advice, "note") if advice else "",
        plain_table(columns, rows),
        picture(scores(run.metrics), caption, "Bars of the scores of the model and of each baseline"),
    )


def _interval_cell(run: Run, split: str, metric: str) -> str:
    """Mean over the networks, with the half width of its 95 % t-interval."""
    found = replicate_scores(run.metrics, split, metric)
    if not found or found["low"] is None or not math.isfinite(found["low"]):
        return "–"
    half = (found["high"] - found["low"]) / 2
    title = f"mean and 95 % t-interval over {len(found['each'])} networks, sd {found['sd']:.3g}"
    return f'<span title="{title}">{format_score(found["mean"])} ± {half:.2g}</span>'


def _score_cell(table: Mapping[tuple[str, str, str], float], who: str, split: str, metric: str) -> str:
    value = table.get((who, split, metric))
    column = [v for (_, s, m), v in table.items() if (s, m) == (split, metric) and math.isfinite(v)]
    best = (min if metric in LOWER_IS_BETTER else max)(column, default=None)
    if value is None or not math.isfinite(value):
        return "–" if value is None else "undefined"
    return f"<strong>{format_score(value)}</strong>" if value == best and len(column) > 1 else format_score(value)


def training_section(run: Run) -> str:
    """The learning curve."""
    best = run.metrics.get("best_epoch")
    if run.history is None or run.history.empty:
        return section(
            "training", "Learning curve", missing("This run has no history.", "run = kgnn.fit(model, samples)")
        )
    caption = f"The weights of epoch {best} were kept." if best is not None else "The last weights were kept."
    name = str(run.metrics.get("score", "score"))
    curve = learning_curve(run.history, score=name, best_epoch=best)
    return section(
        "training", "Learning curve", picture(curve, caption, "Lines of the loss and of the scores over the epochs")
    )


def provenance_section(run: Run) -> str:
    """What was trained on what: sources, transformations and what the alignment lost."""
    columns = [Column(name) for name in ("File", "Release", "Licence", "SHA-256", "Cite")]
    rows = [
        [
            escape(source.name),
            escape(source.release or "not stated"),
            escape(source.licence or "not stated"),
            f'<code title="{escape(source.sha256)}">{escape(source.sha256[:_DIGEST])}</code>',
            linked(source.citation) if source.citation else "not stated",
        ]
        for source in run.provenance.sources
    ]
    sources = plain_table(columns, rows) if rows else paragraph("No source was recorded.", "note")
    steps = "".join(f"<li>{escape(step)}</li>" for step in run.provenance.transformations)
    done = f"<h3>What was done to it</h3><ol>{steps}</ol>" if steps else ""
    met = "<h3>How data and knowledge met</h3>"
    met += _alignment(run.alignment) if run.alignment else paragraph("No alignment was recorded.", "note")
    print_of = (
        f"<p>Fingerprint of the compiled hierarchy: <code>{escape(run.hierarchy.fingerprint[:_DIGEST])}</code></p>"
    )
    return section("provenance", "What was trained on what", sources, done, met, print_of)


def _alignment(record: Mapping[str, Any]) -> str:
    """Counts, then every loss with its reason."""
    counts = definitions({name: value for name, value in record.items() if name != "losses"})
    losses = record.get("losses") or ()
    if not losses:
        return counts
    columns = [Column("Lost"), Column("Why", "name"), Column("How many", "number")]
    rows = [[escape(what), escape(reason), f"{number:,}"] for what, reason, number in losses]
    return counts + plain_table(columns, rows)


def settings_section(run: Run) -> str:
    """Settings, versions and seed: what is needed to do it again."""
    metrics = run.metrics
    facts: dict[str, Any] = {"recipe": metrics.get("recipe") or "visible network", "seed": run.seed}
    facts |= {name: metrics[name] for name in ("n_parameters", "best_epoch") if metrics.get(name) is not None}
    if metrics.get("seconds") is not None:
        facts["training"] = f"{metrics['seconds']:,.0f} s"
    return section(
        "settings",
        "Settings, versions, seed",
        definitions(facts),
        "<h3>Settings</h3>",
        definitions(run.config),
        "<h3>Versions</h3>",
        definitions(run.versions),
    )
