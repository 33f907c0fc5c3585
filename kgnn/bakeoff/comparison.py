"""`compare`: families and baselines on the same nested splits, and whether the knowledge is worth it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kgnn.bakeoff.contestants import CONTROLS, Contestant, run_fold
from kgnn.bakeoff.entries import check_entries, enter
from kgnn.bakeoff.leaks import refuse_leaks
from kgnn.bakeoff.learners import LEARNERS
from kgnn.bakeoff.splits import Fold, nested_folds
from kgnn.bakeoff.statistics import corrected_interval
from kgnn.bakeoff.store import Store
from kgnn.data.samples import Samples
from kgnn.data.write import check_ending, write_table
from kgnn.errors import unknown_choice
from kgnn.train.compilation import enable_compilation_cache
from kgnn.train.metrics import SCORES, SMALLER_IS_BETTER
from kgnn.train.progress import Progress
from kgnn.train.run import package_versions

if TYPE_CHECKING:
    import pandas

ALL_LEARNERS = ("mean", *LEARNERS)


@dataclass(frozen=True, eq=False)
class Comparison:
    """What a bake-off found.

    Attributes:
        folds: One row a contestant, seed and fold: contestant, kind (``"knowledge"``, ``"control"`` or ``"learner"``),
            seed, fold, all scores on the test samples, ``valid`` (the headline score on the inner validation samples),
            n_parameters, n_genes, chosen settings and seconds.
        score: The headline score.
        task: Kind of the targets.
        test_share: Size of a test part over that of the rest.
        versions: Versions of the packages.
        left_out: Recipes for the knowledge that was given which did not take part, each with the reason.
    """

    folds: pandas.DataFrame
    score: str
    task: str
    test_share: float
    versions: Mapping[str, str]
    left_out: Mapping[str, str] = field(default_factory=dict)

    def table(self) -> pandas.DataFrame:
        """One row a contestant, the best first: mean of the headline score, sd, 95 % interval and sizes.

        The interval is that of the mean over folds and seeds, corrected for what folds share, see
        `kgnn.bakeoff.statistics.corrected_interval`.
        """
        import pandas

        rows = []
        for name, group in self.folds.groupby("contestant", sort=False):
            found = corrected_interval(group[self.score].to_numpy(float), self.test_share)
            rows.append(
                {
                    "contestant": name, "kind": group["kind"].iloc[0], "score": self.score, "mean": found.mean,
                    "low": found.low, "high": found.high, "sd": found.sd, "n_folds": found.n,
                    "n_seeds": group["seed"].nunique(), "n_parameters": group["n_parameters"].astype(float).mean(),
                    "seconds": group["seconds"].mean(),
                }
            )  # fmt: skip
        best_first = self.score in SMALLER_IS_BETTER
        return pandas.DataFrame(rows).sort_values("mean", ascending=best_first, kind="stable", ignore_index=True)

    def worth(self) -> pandas.DataFrame:
        """Whether the knowledge is worth it here: every system against its controls and all learners, by fold.

        A positive difference speaks for the knowledge, whatever the score. ``better`` counts the folds in which it was
        better. Against ``"shuffled"`` and ``"random"`` the network is the same and the knowledge is not; against the
        others both differ. A recipe in several versions is set against those of its versions that were named later.

        Returns:
            One row a pair: system, against, difference, low, high, p_value (corrected for what folds share; not for
            the number of comparisons), better, n_folds.
        """
        import pandas

        wide = self.folds.pivot(index=["seed", "fold"], columns="contestant", values=self.score).astype(float)
        sign = -1.0 if self.score in SMALLER_IS_BETTER else 1.0
        kinds = self.folds.drop_duplicates("contestant").set_index("contestant")["kind"]
        rows = []
        systems = list(kinds.index[kinds == "knowledge"])
        for place, system in enumerate(systems):
            own = [f"{system}, {control}" for control in CONTROLS if f"{system}, {control}" in kinds.index]
            recipe = system.partition(":")[0]
            versions = [each for each in systems[place + 1 :] if each.partition(":")[0] == recipe]
            for other in [*own, *versions, *kinds.index[kinds == "learner"]]:
                difference = sign * (wide[system] - wide[other]).to_numpy()
                found = corrected_interval(difference, self.test_share)
                if not found.n:
                    # A constant has no correlation with anything.
                    continue
                rows.append(
                    {
                        "system": system, "against": other.removeprefix(f"{system}, "), "difference": found.mean,
                        "low": found.low, "high": found.high, "p_value": found.p_value,
                        "better": int((difference > 0).sum()), "n_folds": found.n,
                    }
                )  # fmt: skip
        columns = ["system", "against", "difference", "low", "high", "p_value", "better", "n_folds"]
        return pandas.DataFrame(rows, columns=columns)

    def text(self) -> str:
        """Both tables for a person, and who was left out."""
        table, worth = self.table(), self.worth()
        n = int(table["n_folds"].max())
        lines = [f"{f'{self.score}, mean of {n} folds':<34}{'mean':>8}{'95 % interval':>18}{'parameters':>12}{'s':>7}"]
        for row in table.to_dict("records"):
            size = "–" if np.isnan(row["n_parameters"]) else f"{row['n_parameters']:,.0f}"
            span = "–" if np.isnan(row["low"]) else f"{row['low']:.3f} – {row['high']:.3f}"
            mean = "–" if np.isnan(row["mean"]) else f"{row['mean']:.3f}"
            lines.append(f"  {row['contestant']:<32}{mean:>8}{span:>18}{size:>12}{row['seconds']:>7.1f}")
        if len(worth):
            lines.append("is the knowledge worth it here? difference by fold, positive for the knowledge")
        for row in worth.to_dict("records"):
            span = "–" if np.isnan(row["low"]) else f"{row['low']:+.3f} – {row['high']:+.3f}"
            name = f"{row['system']} – {row['against']}"
            p_value = "" if np.isnan(row["p_value"]) else f"p {row['p_value']:.2g}, "
            better = f"better in {row['better']} of {row['n_folds']}"
            lines.append(f"  {name:<32}{row['difference']:>+8.3f}{span:>18}   {p_value}{better}")
        for reason in dict.fromkeys(self.left_out.values()):
            who = [name for name, each in self.left_out.items() if each == reason]
            lines.append(f"left out: {', '.join(who)} ({reason.rstrip('.')})")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """A value that `json` can write, with both tables and every fold."""
        return {
            "task": self.task,
            "score": self.score,
            "table": self.table().to_dict("records"),
            "worth": self.worth().to_dict("records"),
            "folds": self.folds.to_dict("records"),
            "left_out": dict(self.left_out),
            "versions": dict(self.versions),
        }


def compare(
    samples: Samples,
    knowledge: Mapping[str, Any],
    *,
    recipes: Sequence[str] | None = None,
    controls: Sequence[str] = CONTROLS,
    learners: Sequence[str] = ALL_LEARNERS,
    n_folds: int = 5,
    seeds: int | Sequence[int] = 1,
    group: str | None = None,
    allow: Collection[str] = (),
    select: int = 0,
    valid_fraction: float = 0.2,
    score: str | None = None,
    settings: Mapping[str, Any] | None = None,
    grid: Mapping[str, Sequence[Any]] | None = None,
    out: str | PathLike[str] | None = None,
    progress: Progress | None = None,
    done: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Train families and baselines on the same nested splits, and ask whether the knowledge is worth it here.

    Every contestant learns from the training samples of a fold, chooses its settings and its epoch on the inner
    validation samples, and is scored once on the test samples, which choose nothing. Scalers, knowledge compiled over
    the genes, and the selection of genes see the training samples of the fold alone. With every recipe come its
    controls: a dense network of equal size, the same network over shuffled knowledge and over random knowledge of the
    same degrees. Where samples are nodes of a graph (chromegcn) the inputs of all samples are context, targets of none.
    Networks get at most one interval over random starts out of this: use several seeds.

    Args:
        samples: With targets.
        knowledge: By kind: ``"ontology"``, ``"network"``, ``"motifs"``, ``"contacts"``; what is compiled over all genes
            before takes part as it is.
        recipes: Names of recipes, with a version as ``"gene_transformer:plain"``; every one that fits samples and
            knowledge, in its default version, where None, and ``left_out`` says why the others do not. Autoencoders
            (``vega``, ``ontovae``, ``expimap``) never take part: they predict their own input.
        controls: Some of ``"dense"``, ``"shuffled"`` and ``"random"``, for every recipe.
        learners: Some of ``"mean"``, ``"linear"``, ``"elastic_net"``, ``"forest"`` and ``"boosting"``.
        n_folds: Folds a seed.
        seeds: Seeds, or how many; each deals the samples out anew and starts the networks anew.
        group: Covariate whose values never stand on two sides of a split, such as ``"donor"``.
        allow: Leaks that are meant, see `kgnn.bakeoff.find_leaks`.
        select: Genes to keep, selected inside every fold on its training samples; 0 for all.
        valid_fraction: Share of what is not tested that choices are made on.
        score: Headline score; that of the task where None.
        settings: Settings of training and options of recipes, for all that know them; ``"dcell.dropout"`` for one,
            ``"dcell:paper.dropout"`` for one version, whichever is nearest.
        grid: The same, with several values each, chosen among on the inner validation samples.
        out: Table to write (.tsv, .csv or .parquet), with every fold in a file beside it (``NAME.folds.tsv``). What was
            interrupted goes on where it was.
        progress: Told after every epoch.
        done: Called with the number of fits done and their total.

    Returns:
        The comparison.

    Raises:
        KgnnError: If training and test parts share relatives (see `kgnn.bakeoff.refuse_leaks`), a name is unknown, a
            recipe that was named cannot be built from samples and knowledge, or nobody can take part.
        RunError: If `out` is there already, or was begun with other arguments.

    References:
        Nadeau & Bengio 2003, doi:10.1023/A:1024068626366 (intervals); Ambroise & McLachlan 2002,
        doi:10.1073/pnas.102102699 (selection inside the folds).
    """
    enable_compilation_cache()
    task = samples.require_targets().kind
    score = SCORES[task][0] if score is None else score
    if score not in SCORES[task]:
        raise unknown_choice("score", score, SCORES[task])
    table = None if out is None else Path(out)
    if table is not None:
        check_ending(table)
    entered, unfit = enter(samples, knowledge, recipes, controls, learners, settings or {}, grid or {})
    chosen = tuple(range(seeds)) if isinstance(seeds, int) else tuple(seeds)
    splits = nested_folds(samples, n_folds, chosen, group=group, valid_fraction=valid_fraction)
    outer = [(np.concatenate([fold.train, fold.valid]), fold.test) for fold in splits]
    refuse_leaks(samples, outer, group=group, allow=allow)
    contestants, failed = check_entries(entered, samples, named=recipes is not None)
    store = Store(table, _content(samples, knowledge, contestants, splits, score, select))
    todo = [(each, fold) for fold in splits for each in contestants]
    for number, (each, fold) in enumerate(todo):
        key = (each.name, fold.seed, fold.number)
        if key not in store.rows:
            store.add(key, run_fold(each, samples, fold, score, select=select, progress=progress))
        if done is not None:
            done(number + 1, len(todo))
    share = float(np.mean([len(test) / len(rest) for rest, test in outer]))
    found = Comparison(_folds_table(store, contestants), score, task, share, package_versions(), unfit | failed)
    if table is not None:
        write_table(found.folds, table.with_name(f"{table.stem}.folds{table.suffix}"))
        write_table(found.table(), table)
        store.finish()
    return found


def _content(
    samples: Samples, knowledge: Mapping[str, Any], contestants: Sequence[Contestant], splits: Sequence[Fold],
    score: str, select: int,
) -> list[object]:  # fmt: skip
    """All that decides the results."""
    known = sorted((kind, each.fingerprint) for kind, each in knowledge.items() if each is not None)
    who = [
        (each.name, sorted(map(str, each.settings.items())), sorted(map(str, each.grid.items())))
        for each in contestants
    ]
    dealt = [(fold.seed, fold.number, *(part.tolist() for part in fold[2:])) for fold in splits]
    return [samples.fingerprint, known, who, dealt, score, select]


def _folds_table(store: Store, contestants: Sequence[Contestant]) -> pandas.DataFrame:
    import pandas

    kinds = {each.name: each.kind for each in contestants}
    order = {name: position for position, name in enumerate(kinds)}
    rows = sorted(store.rows.items(), key=lambda item: (order[item[0][0]], *item[0][1:]))
    return pandas.DataFrame(
        [
            {"contestant": name, "kind": kinds[name], "seed": seed, "fold": fold, **row}
            for (name, seed, fold), row in rows
        ]
    )
