"""`screen` against calls of the model by hand: every sample by itself, pairs and their epistasis, what is kept."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np
import pandas
import pytest
from flax import nnx

import kgnn
from kgnn.data import Samples
from kgnn.errors import AlignmentError, KgnnError, RunError
from kgnn.models import DenseNetwork
from kgnn.perturb import screen_blocks, screen_tables
from tests.models.compiled import call
from tests.perturb.runs import (
    ABOVE,
    GENES,
    N_DRUGS,
    by_hand,
    network,
    response_network,
    run_of,
    samples,
    some_run,
    terms_of_states,
)
from tests.perturb.runs import screen as screened_cells

OUTPUTS = ("growth", "size")


@cache
def altered_run():
    return run_of(network(2), samples(9, meaning="alteration", seed=4))


def knocked_down(run, *genes: str, dose: float = 1.0) -> np.ndarray:
    value = 1.0 if run.samples.meaning == "alteration" else 0.0
    changed = run.samples.gene_values().astype(np.float32)
    columns = [GENES.index(gene) for gene in genes]
    changed[:, columns] = (1 - dose) * changed[:, columns] + dose * value
    return changed


def effects(table: pandas.DataFrame, perturbation: str, column: str = "effect", outputs=OUTPUTS) -> np.ndarray:
    rows = table[table["perturbation"] == perturbation]
    return rows[[f"{column}_{output}" for output in outputs]].to_numpy()


def ranked(table: pandas.DataFrame, perturbation: str, top_k: int) -> list[dict[str, float]]:
    """The subsystems of every sample and their changes."""
    rows = table[table["perturbation"] == perturbation]
    names = [rows[f"subsystem_{n + 1}"].astype(object).to_numpy() for n in range(top_k)]
    change = [rows[f"change_{n + 1}"].to_numpy() for n in range(top_k)]
    return [
        {name[row]: float(value[row]) for name, value in zip(names, change, strict=True) if isinstance(name[row], str)}
        for row in range(len(rows))
    ]


def expected_change(run, before, after) -> list[dict[str, float]]:
    term_of_state = terms_of_states(run)
    squared = np.square(np.asarray(after.states) - np.asarray(before.states))
    return [
        {
            term: squared[sample, term_of_state == position].mean() ** 0.5
            for position, term in enumerate(run.hierarchy.terms)
            if squared[sample, term_of_state == position].any()
        }
        for sample in range(len(squared))
    ]


@pytest.mark.parametrize(("kind", "dose"), [("one", 0.5), ("replicates", 1.0)])
def test_single_genes_and_all_pairs_in_every_sample(kind: str, dose: float) -> None:
    run = some_run(kind)
    table = kgnn.screen(run, ["a1", "a2", "d.1", "r"], pairs="all", dose=dose, top_k=5)
    assert len(table) == 13 * (4 + 6)
    assert table["sample"].tolist() == list(run.samples.names) * 10
    before = by_hand(run, run.samples.gene_values())
    delta = {}
    for names in [*combinations(["a1", "a2", "d.1", "r"], 1), *combinations(["a1", "a2", "d.1", "r"], 2)]:
        after = by_hand(run, knocked_down(run, *names, dose=dose))
        delta[names] = after.output - before.output
        np.testing.assert_allclose(effects(table, "+".join(names)), delta[names], atol=1e-5, rtol=1e-5)
        found, expected = ranked(table, "+".join(names), 5), expected_change(run, before, after)
        above = {term for name in names for term in ABOVE[name]}
        for sample in range(13):
            assert found[sample].keys() == above
            assert list(found[sample].values()) == sorted(found[sample].values(), reverse=True)
            for term in above:
                assert found[sample][term] == pytest.approx(expected[sample][term], abs=1e-5, rel=1e-5)
    of_pair = delta["a2", "d.1"] - delta[("a2",)] - delta[("d.1",)]
    np.testing.assert_allclose(effects(table, "a2+d.1", "epistasis"), of_pair, atol=2e-5)
    assert np.abs(of_pair).max() > 1e-3
    assert np.isnan(effects(table, "a2", "epistasis")).all()
    parts = effects(table, "a2+d.1") - effects(table, "a2") - effects(table, "d.1")
    np.testing.assert_allclose(effects(table, "a2+d.1", "epistasis"), parts, atol=1e-6)


def test_a_gene_that_is_altered_already_changes_exactly_nothing() -> None:
    run = altered_run()
    table = kgnn.screen(run, "all", pairs="all", samples=run.samples, top_k=3)
    altered = run.samples.gene_values() == 1
    assert altered.any() and not altered.all()
    for position, gene in enumerate(GENES):
        found = effects(table, gene)
        assert ((found == 0).all(axis=1) == altered[:, position]).all()
        assert [not each for each in ranked(table, gene, 3)] == altered[:, position].tolist()
    for one, other in combinations(range(8), 2):
        found, name = effects(table, f"{GENES[one]}+{GENES[other]}"), f"{GENES[one]}+{GENES[other]}"
        np.testing.assert_array_equal(found[altered[:, one] & altered[:, other]], 0)
        # The other gene alone does what the pair does; the network is the same, only on another path.
        alone = altered[:, one] & ~altered[:, other]
        np.testing.assert_allclose(found[alone], effects(table, GENES[other])[alone], atol=1e-6)
        np.testing.assert_allclose(effects(table, name, "epistasis")[alone], 0, atol=1e-6)
    nothing = kgnn.screen(run, "all", pairs="all", samples=run.samples, dose=0.0)
    assert (nothing[["effect_growth", "effect_size", "change_1"]] == 0).all(axis=None)


def test_a_screen_agrees_with_knockdown_and_starts_from_the_same_samples() -> None:
    run = altered_run()
    wild_type = kgnn.screen(run, "all")
    assert set(wild_type["sample"]) == {"wild type"}
    means = kgnn.knockdown(run, "all")
    means = means[means["target"] == "output"]
    np.testing.assert_allclose(means["effect"], wild_type[["effect_growth", "effect_size"]].to_numpy().reshape(-1))
    assert len(kgnn.screen(some_run(), "a1")) == 13


@pytest.mark.parametrize(("task", "scale"), [("classes", "natural"), ("labels", "log_odds")])
def test_probabilities_and_log_odds(task: str, scale: str) -> None:
    run = some_run(task=task)
    before, after = (
        by_hand(run, values).output for values in (run.samples.gene_values(), knocked_down(run, "d:2", "a1"))
    )
    if task == "classes":
        before, after = jax.nn.softmax(before), jax.nn.softmax(after)
    table = kgnn.screen(run, pairs=[("d:2", "a1")], scale=scale, top_k=0)
    found = effects(table, "d:2+a1", outputs=run.output_names)
    np.testing.assert_allclose(found, np.asarray(after - before), atol=1e-5, rtol=1e-5)
    assert not [column for column in table if column.startswith(("subsystem", "change"))]


def test_cells_are_shared_among_the_samples_of_a_drug_screen() -> None:
    data = screened_cells()
    run = run_of(response_network(), data)
    inputs = {name: jnp.asarray(values, jnp.float32) for name, values in dict(data.inputs()).items()}
    before = call(run.model, inputs)
    cell = data.row_of_sample["genotype"]
    for shared in (data, screened_cells(shared=False)):
        table = kgnn.screen(run, ["d.1", "r"], pairs="all", samples=shared, top_k=4)
        for name in ("d.1", "d.1+r"):
            columns = [GENES.index(gene) for gene in name.split("+")]
            after = call(run.model, {**inputs, "genotype": inputs["genotype"].at[:, jnp.asarray(columns)].set(1.0)})
            delta = after.output - before.output
            np.testing.assert_allclose(effects(table, name, outputs=("response",)), delta, atol=1e-5)
            expected = expected_change(run, before, after)
            for sample, found in enumerate(ranked(table, name, 4)):
                assert found == pytest.approx(expected[sample], abs=1e-5)
            altered = data.gene_values()[:, columns].all(axis=1)
            assert ((effects(table, name, outputs=("response",)) == 0)[:, 0] == altered).all()
    assert len(cell) == 7 * N_DRUGS


def test_blocks_change_nothing(monkeypatch) -> None:
    run = some_run()
    whole = kgnn.screen(run, "all", pairs="all", top_k=3)
    calls = []
    for name, value in (("ROWS", 7), ("COLUMNS", 6), ("PAIR_COLUMNS", 11), ("MOST_STATES", 15 * 17)):
        monkeypatch.setattr(screen_blocks, name, value)
    parts = kgnn.screen(run, "all", pairs="all", top_k=3, progress=lambda *each: calls.append(each))
    assert len(calls) > 20 and calls[-1] == (36 * 13, 36 * 13)
    assert calls == sorted(calls)
    keys = ["perturbation", "sample"]
    whole, parts = (each.astype({key: str for key in keys}).sort_values(keys) for each in (whole, parts))
    assert whole["perturbation"].tolist() == parts["perturbation"].tolist()
    for column in whole.columns[3:]:
        if column.startswith("subsystem"):
            assert whole[column].astype(str).tolist() == parts[column].astype(str).tolist()
        else:
            np.testing.assert_allclose(whole[column], parts[column], atol=1e-5, rtol=1e-5)


def test_threshold_and_top() -> None:
    run = altered_run()
    options = {"genes": "all", "pairs": "all", "samples": run.samples, "top_k": 2}
    everything = kgnn.screen(run, **options)
    strength = everything[["effect_growth", "effect_size"]].abs().max(axis=1)
    middle = float(strength.median())
    kept = kgnn.screen(run, **options, threshold=middle)
    pandas.testing.assert_frame_equal(kept, everything[strength >= middle].reset_index(drop=True))
    strongest = kgnn.screen(run, **options, top=10)
    expected = everything.loc[strength.sort_values(ascending=False, kind="stable").index[:10]].reset_index(drop=True)
    pandas.testing.assert_frame_equal(strongest, expected)
    assert len(kgnn.screen(run, **options, top=10**9)) == len(everything)
    assert kgnn.screen(run, **options, threshold=1e9).empty


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"genes": "a1", "dose": 1.5}, "dose is 1.5"),
        ({"genes": "a1", "scale": "percent"}, "percent"),
        ({"genes": "a1", "scale": "log_odds"}, "the model predicts numbers"),
        ({"genes": "a1", "top_k": -1}, "top_k is -1"),
        ({"genes": "a1", "threshold": -0.1}, "threshold is -0.1"),
        ({"genes": "a1", "threshold": float("nan")}, "threshold is nan"),
        ({"genes": "a1", "top": 0}, "top is 0"),
        ({}, "there is nothing to knock down"),
        ({"pairs": "every"}, "pairs is 'every'"),
        ({"genes": "a1", "out": "screen.tsv"}, "ending of the result of a screen"),
        ({"genes": "a1", "out": "screen.zarr", "top": 3}, "without threshold or top"),
    ],
)
def test_arguments_that_mean_nothing(arguments, message) -> None:
    with pytest.raises(KgnnError, match=message):
        kgnn.screen(some_run(), **arguments)


def test_what_cannot_be_screened(monkeypatch) -> None:
    run = some_run()
    with pytest.raises(AlignmentError, match="does not know 1 gene: A1. Did you mean a1"):
        kgnn.screen(run, "A1")
    signal = Samples.from_values(run.samples.gene_values(), GENES, meaning="signal")
    with pytest.raises(KgnnError, match="meaning 'signal'"):
        kgnn.screen(run, "a1", samples=signal)
    with pytest.raises(RunError, match="has no hierarchy"):
        kgnn.screen(replace(run, model=DenseNetwork(GENES, hidden=4, rngs=nnx.Rngs(0))), "a1")
    monkeypatch.setattr(screen_tables, "MOST_ROWS", 100)
    with pytest.raises(KgnnError, match=r"has 104 rows or more, .* holds 100. Write it to a file with out="):
        kgnn.screen(run, "all")
    with pytest.raises(KgnnError, match="has 104 rows or more"):
        kgnn.screen(run, "all", threshold=1e-30)
    assert len(kgnn.screen(run, "all", top=100, top_k=0)) == 100
