"""Which rows of a result table a picture shows; every choice that a picture makes for the reader is made here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from kgnn.errors import KgnnError, name_some

if TYPE_CHECKING:
    import pandas as pd

EFFECT_COLUMNS = (
    "perturbation",
    "kind",
    "dose",
    "target",
    "name",
    "label",
    "effect",
    "effect_sd",
    "n_samples",
    "unit",
)
RANKING_COLUMNS = (
    "term",
    "name",
    "level",
    "n_genes",
    "output",
    "measure",
    "importance",
    "null_mean",
    "null_sd",
    "p_value",
    "q_value",
    "rank",
)


def require_columns(table: pd.DataFrame, columns: Iterable[str], made_by: str) -> None:
    """Refuse a table that is empty or lacks columns.

    Args:
        table: What the user gave.
        columns: What a picture reads.
        made_by: The function that makes such a table.

    Raises:
        KgnnError: If it does not fit.
    """
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise KgnnError(
            f"the table lacks {len(missing)} columns: {name_some(missing)}. Pass the table that {made_by} returns."
        )
    if table.empty:
        raise KgnnError(f"the table has no rows, so there is nothing to draw. Make it with {made_by}.")


def rows_where(table: pd.DataFrame, keep: Any) -> pd.DataFrame:
    """Some rows of a table.

    Args:
        table: Any table.
        keep: One bool a row.

    Returns:
        The rows, in their order.
    """
    found: Any = table.loc[keep]
    return found


def distinct(table: pd.DataFrame, column: str) -> list[Any]:
    """What a column holds, each value once in order of first sight.

    Args:
        table: Any table.
        column: One of its columns.

    Returns:
        The values.
    """
    return list(dict.fromkeys(table[column]))


def records(table: pd.DataFrame) -> Iterator[Any]:
    """The rows of a table, one by one, with the columns as attributes.

    Args:
        table: Any table whose columns are named like variables.

    Returns:
        Named tuples.
    """
    return iter(table.itertuples(index=False, name="Row"))


def output_effects(effects: pd.DataFrame, *, output: str | None = None, dose: float | None = None) -> pd.DataFrame:
    """Effects of perturbations on predictions, at one dose.

    Args:
        effects: What `kgnn.knockdown` returns.
        output: Only this output; all where None.
        dose: Only this dose; the largest of each perturbation where None.

    Returns:
        One row a (perturbation, output).

    Raises:
        KgnnError: If the table does not fit or holds no such output or dose.
    """
    require_columns(effects, EFFECT_COLUMNS, "kgnn.knockdown")
    found = at_dose(rows_where(effects, effects["target"] == "output"), dose)
    if output is not None:
        known = distinct(found, "name")
        found = rows_where(found, found["name"] == output)
        if found.empty:
            raise KgnnError(f"output {output!r} is not in the effects. They have {len(known)}: {name_some(known)}.")
    if found.empty:
        raise KgnnError("the effects hold no output, only subsystems. Pass the whole table that kgnn.knockdown made.")
    return found.reset_index(drop=True)


def subsystem_effects(effects: pd.DataFrame, perturbation: str, *, dose: float | None = None) -> pd.DataFrame:
    """How far one perturbation moves the state of every subsystem, the most moved first.

    Args:
        effects: What `kgnn.knockdown` returns.
        perturbation: Its name, such as ``"CD79A"``.
        dose: Only this dose; the largest where None.

    Returns:
        One row a term.

    Raises:
        KgnnError: If the table does not fit or does not hold the perturbation.
    """
    require_columns(effects, EFFECT_COLUMNS, "kgnn.knockdown")
    moved = rows_where(effects, effects["target"] == "subsystem")
    found = rows_where(moved, moved["perturbation"] == perturbation)
    if found.empty:
        known = distinct(moved, "perturbation")
        raise KgnnError(
            f"perturbation {perturbation!r} has no effect on subsystems in this table, which has {len(known):,} "
            f"perturbations: {name_some(known)}. Choose one of them, or knock it down first with kgnn.knockdown."
        )
    return at_dose(found, dose).sort_values("effect", ascending=False, kind="stable").reset_index(drop=True)


def at_dose(effects: pd.DataFrame, dose: float | None) -> pd.DataFrame:
    """The rows of one dose, or of the largest dose of each perturbation.

    Args:
        effects: Rows of an effects table.
        dose: Which; None for the largest.

    Returns:
        Some of the rows.

    Raises:
        KgnnError: If no row has the dose.
    """
    if dose is None:
        largest = effects.groupby("perturbation", observed=True)["dose"].transform("max")
        return rows_where(effects, effects["dose"] == largest)
    found = rows_where(effects, effects["dose"] == dose)
    if found.empty:
        known = name_some(sorted(distinct(effects, "dose")))
        raise KgnnError(f"dose {dose} is not in the effects. Choose one that they have: {known}.")
    return found


def ranked_terms(ranking: pd.DataFrame, output: str | None = None) -> pd.DataFrame:
    """Each term once, the most important first.

    Args:
        ranking: What `kgnn.importance` returns.
        output: Rank for this output. Where None and there are several, each term stands with the output for which
            its importance is largest.

    Returns:
        One row a term.

    Raises:
        KgnnError: If the table does not fit, mixes measures or holds no such output.
    """
    require_columns(ranking, RANKING_COLUMNS, "kgnn.importance")
    measures = distinct(ranking, "measure")
    if len(measures) > 1:
        raise KgnnError(
            f"the ranking mixes {len(measures)} measures that share no unit: {name_some(measures)}. Pass one of them: "
            f"ranking[ranking['measure'] == {measures[0]!r}]."
        )
    found = ranking
    if output is not None:
        found = rows_where(ranking, ranking["output"] == output)
        if found.empty:
            known = distinct(ranking, "output")
            raise KgnnError(f"output {output!r} is not in the ranking. It has {len(known)}: {name_some(known)}.")
    by_rank = len(distinct(found, "output")) == 1
    ordered = found.sort_values("rank" if by_rank else "importance", ascending=by_rank, kind="stable")
    return ordered.drop_duplicates("term").reset_index(drop=True)


def has_null(ranking: pd.DataFrame) -> bool:
    """Whether any term was compared with a null."""
    return bool(ranking["null_mean"].notna().any())
