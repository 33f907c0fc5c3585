"""The compiled epoch: every sample once, padding without weight, averages, class weights, one compilation."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kgnn.data import Modality, Samples, Targets
from kgnn.layers import SubsystemSettings
from kgnn.models import DrugResponseNetwork, Replicates, VisibleNetwork
from kgnn.train import count_parameters, predict
from kgnn.train.device_data import batch_inputs, device_data
from kgnn.train.engine import Engine, make_optimizer, trained_module
from kgnn.train.loop import class_weights, start_model
from kgnn.train.predict import SMALLEST_CHUNK, forward, padded_chunks
from kgnn.train.reference import set_reference
from kgnn.train.shared_rows import ROWS_TOGETHER
from tests.train.small import GENES, arrays_of, quick, small_hierarchy, small_model, small_samples


def test_every_sample_is_used_once_an_epoch_and_padding_not_at_all() -> None:
    """Two batches of seven samples whose squared targets are powers of two: the loss tells which were in which."""
    squares = 2.0 ** np.arange(7)
    samples = Samples.from_values(
        np.ones((7, len(GENES)), np.uint8), GENES, meaning="alteration",
        targets=Targets(np.sqrt(squares)[:, None], ("growth",), "regression"),
    )  # fmt: skip
    config = quick(batch_size=3, learning_rate=1e-30, standardize_targets=False)
    model = small_model(settings=SubsystemSettings(2, norm="none", initial_scale=1e-12))
    engine = Engine(model, config, 7)
    assert (engine.n_batches, engine.batch_size) == (2, 4)
    state, data = engine.start(model, 0), device_data(samples)
    in_the_small_batch = []
    for _ in range(3):
        state, (output, auxiliary) = engine.run_epoch(state, data)
        # Twice the mean is a/4 + b/3 with a + b = 127; b is a sum of three different powers of two.
        b = 24 * float(output) - 3 * squares.sum()
        assert b == pytest.approx(round(b), abs=1e-2)
        in_the_small_batch.append(round(b))
        assert round(b).bit_count() == 3
        assert float(auxiliary) == pytest.approx(3 * float(output), rel=1e-4)
    assert len(set(in_the_small_batch)) > 1, "the order is the same in every epoch"
    assert int(state.step) == 6


@pytest.mark.parametrize("n", [2, 16, 17, 40, 100])
def test_batches_are_nearly_equal_and_none_is_dropped(n: int) -> None:
    engine = Engine(small_model(), quick(batch_size=16), n)
    assert 0 <= engine.n_batches * engine.batch_size - n < engine.n_batches
    assert abs(engine.batch_size - 16) <= 8 or n < 16


def test_the_average_is_that_of_the_formula_and_one_program_serves_all_epochs() -> None:
    config = quick(average=0.4, batch_size=41, replicates=2)
    model = start_model(small_model(), small_samples(), config)
    assert isinstance(model, Replicates)
    engine = Engine(model, config, 41)
    state, data = engine.start(model, 0), device_data(small_samples())
    expected = arrays_of(state.params)
    statistics = arrays_of(nnx.filter_state(state.rest, nnx.BatchStat))
    for step in range(4):
        state, _ = engine.run_epoch(state, data)
        decay = min(0.4, (1 + step) / (10 + step))
        for total, now in ((expected, state.params), (statistics, nnx.filter_state(state.rest, nnx.BatchStat))):
            for name, array in arrays_of(now).items():
                total[name] = decay * total[name] + (1 - decay) * array
    assert engine.run_epoch._cache_size() == 1
    params, rest = engine.kept(state)
    for name, array in arrays_of(params).items():
        np.testing.assert_allclose(array, expected[name], rtol=2e-5, atol=1e-7, err_msg=name)
    found = arrays_of(nnx.filter_state(rest, nnx.BatchStat))
    for name, array in statistics.items():
        np.testing.assert_allclose(found[name], array, rtol=2e-5, atol=1e-6, err_msg=name)
    # What is kept stays readable after further epochs.
    engine.run_epoch(state, data)
    assert np.isfinite(jax.tree.leaves(params)[0]).all()


def test_the_gradient_is_clipped_before_anything_else() -> None:
    gradient = jnp.array([30.0, 40.0])
    optimizer = make_optimizer(quick(clip_norm=5.0, b1=0.0), 10)
    _, state = optimizer.update(gradient, optimizer.init(gradient), gradient)
    moments = [leaf for leaf in jax.tree.leaves(state) if leaf.shape == (2,)]
    np.testing.assert_allclose(moments[0], [3.0, 4.0], rtol=1e-6)


def test_class_weights_are_one_on_average_and_equal_between_classes() -> None:
    codes = np.array([0] * 7 + [2] * 2 + [3], np.int32)
    samples = Samples.from_values(
        np.zeros((10, 1)), ["g"], meaning="abundance", targets=Targets(codes, ("a", "absent", "b", "rare"), "classes")
    )
    assert class_weights(samples, quick()) is None
    weights = class_weights(samples, quick(class_weights="balanced"))
    assert weights is not None
    np.testing.assert_allclose(weights, [10 / 21] * 7 + [10 / 6] * 2 + [10 / 3])
    assert weights.sum() == pytest.approx(10)


def test_class_weights_reach_the_loss_and_leave_batch_statistics_alone() -> None:
    samples = small_samples(12, "classes")
    config = quick(batch_size=12, learning_rate=1e-30)
    model = start_model(small_model(task="classes"), samples, config)
    engine = Engine(model, config, 12)
    weights = np.where(samples.targets.values == 1, 5.0, 1.0)
    plain, _ = engine.run_epoch(engine.start(model, 0), device_data(samples))
    weighed, (output, _) = engine.run_epoch(engine.start(model, 0), device_data(samples, weights))
    for name, array in arrays_of(nnx.filter_state(plain.rest, nnx.BatchStat)).items():
        np.testing.assert_array_equal(array, arrays_of(weighed.rest)[name], err_msg=name)
    logits = np.asarray(model(jnp.asarray(samples.gene_values()), train=True).output, np.float64)
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(12), samples.targets.values]
    assert float(output) == pytest.approx(losses @ weights / weights.sum(), rel=1e-5)


def test_auxiliary_heads_are_addressed_by_name_and_the_root_has_none() -> None:
    samples, model = small_samples(9), small_model()
    assert model.heads == ("B", "C", "A")
    assert model.hierarchy is not None
    assert model.hierarchy.root == "R"
    assert "R" not in model.heads
    config = quick(batch_size=9, auxiliary_weight=0.25, standardize_targets=False, scaling="none", learning_rate=1e-30)
    engine = Engine(model, config, 9)
    for shifted in model.heads:
        _, params, rest = nnx.split(model, nnx.Param, ...)
        changed = nnx.merge(engine.graph, params, rest, copy=True)
        head = model.heads.index(shifted)
        changed.subsystems.heads.bias[...] = changed.subsystems.heads.bias[...].at[head].add(7.0)
        _, (output, auxiliary) = engine.run_epoch(engine.start(changed, 0), device_data(samples))
        prediction = changed(jnp.asarray(samples.gene_values()), train=True)
        error = np.asarray(prediction.auxiliary)[:, :, 0] - samples.targets.values
        by_name = dict(zip(model.heads, np.square(error).mean(axis=0), strict=True))
        assert max(by_name, key=lambda name: by_name[name]) == shifted
        assert float(auxiliary) == pytest.approx(sum(by_name.values()), rel=1e-4)
        main = np.square(np.asarray(prediction.output) - samples.targets.values).mean()
        assert float(output) == pytest.approx(main, rel=1e-4)


def test_the_gradient_is_that_of_the_output_plus_the_weighted_auxiliary_losses() -> None:
    samples, model = small_samples(9), small_model()
    config = quick(batch_size=9, auxiliary_weight=0.25, standardize_targets=False, scaling="none", b1=0.0)
    engine = Engine(model, config, 9)
    state, _ = engine.run_epoch(engine.start(model, 0), device_data(samples))
    moment = next(part.mu for part in jax.tree.leaves(state.optimizer, is_leaf=_has_moment) if _has_moment(part))
    graph, params, rest = nnx.split(model, nnx.Param, ...)
    genes, target = jnp.asarray(samples.gene_values()), jnp.asarray(samples.targets.values)

    def loss(params: Any) -> Any:
        prediction = nnx.merge(graph, params, rest, copy=True)(genes, train=True)
        total = jnp.square(prediction.output - target).mean()
        for head in range(3):
            total = total + 0.25 * jnp.square(prediction.auxiliary[:, head] - target).mean()
        return total

    expected = arrays_of(jax.jit(jax.grad(loss))(params))
    for name, array in arrays_of(moment).items():
        np.testing.assert_allclose(array, expected[name], rtol=1e-3, atol=1e-5, err_msg=name)


def _has_moment(part: Any) -> bool:
    return hasattr(part, "mu")


def screen(n_cells: int, n_drugs: int, n: int) -> Samples:
    rng = np.random.default_rng(n)
    cells = Modality((rng.random((n_cells, 7)) < 0.5).astype(np.uint8), GENES, names("c", n_cells), "alteration")
    drugs = Modality(
        (rng.random((n_drugs, 5)) < 0.5).astype(np.uint8), names("bit", 5), names("d", n_drugs), "signal"
    )  # fmt: skip
    return Samples(
        names=names("pair", n),
        modalities={"genotype": cells, "fingerprint": drugs},
        row_of_sample={
            "genotype": np.arange(n, dtype=np.int32) % n_cells, "fingerprint": np.arange(n, dtype=np.int32) % n_drugs
        },
        targets=Targets(rng.normal(size=(n, 1)), ("response",), "regression"),
    )  # fmt: skip


def names(what: str, n: int) -> tuple[str, ...]:
    return tuple(f"{what} {position}" for position in range(n))


def test_tables_of_a_screen_are_filled_up_without_changing_predictions() -> None:
    model = DrugResponseNetwork(small_hierarchy(), 5, SubsystemSettings(2), drug_layers=(4, 3), rngs=nnx.Rngs(0))
    samples = screen(6, 4, 70)
    data = device_data(samples)
    assert {name: table.shape[0] for name, table in data.tables.items()} == {
        "genotype": ROWS_TOGETHER, "fingerprint": ROWS_TOGETHER
    }  # fmt: skip
    one_by_one = {name: jnp.asarray(values) for name, values in samples.inputs().items()}
    expected = np.asarray(model(one_by_one).output)
    np.testing.assert_allclose(predict(model, samples), expected, rtol=1e-5, atol=1e-6)
    trained = model(batch_inputs(data, jnp.arange(70)), train=True).output
    again = DrugResponseNetwork(small_hierarchy(), 5, SubsystemSettings(2), drug_layers=(4, 3), rngs=nnx.Rngs(0))
    np.testing.assert_allclose(trained, again(one_by_one, train=True).output, rtol=1e-4, atol=1e-5)
    for name, array in arrays_of(nnx.state(model, nnx.BatchStat)).items():
        np.testing.assert_allclose(array, arrays_of(again)[name], rtol=1e-4, atol=1e-5, err_msg=name)


def test_parts_of_one_screen_share_a_program() -> None:
    model = DrugResponseNetwork(small_hierarchy(), 5, SubsystemSettings(2), drug_layers=(4, 3), rngs=nnx.Rngs(0))
    predict(model, screen(6, 4, 70))
    compiled = forward._cache_size()
    for n_cells, n_drugs, n in ((5, 4, 71), (6, 2, 12), (3, 3, 200)):
        assert predict(model, screen(n_cells, n_drugs, n)).shape == (n, 1)
    assert forward._cache_size() == compiled


def test_chunks_cover_all_samples_once() -> None:
    for n, chunk in ((1, 1024), (300, 512), (700, 512), (1024, 1024), (2500, 1024), (70, 64)):
        chunks = padded_chunks(n, chunk)
        assert len({len(index) for index, _ in chunks}) == 1
        assert len(chunks[0][0]) <= max(chunk, SMALLEST_CHUNK)
        real = np.concatenate([index[present > 0] for index, present in chunks])
        np.testing.assert_array_equal(real, np.arange(n))


def test_predictions_do_not_depend_on_the_chunk() -> None:
    model, samples = small_model(), small_samples(41)
    np.testing.assert_allclose(predict(model, samples, chunk=16), predict(model, samples), rtol=1e-5, atol=1e-6)


def test_the_reference_is_the_mean_state_of_every_replicate() -> None:
    samples = small_samples(23)
    members = [small_model(seed) for seed in (3, 4)]
    model = Replicates(members)
    set_reference(model, samples)
    genes = jnp.asarray(samples.gene_values())
    for number, member in enumerate(members):
        mean = np.asarray(member(genes).states).mean(axis=0)
        np.testing.assert_allclose(model.stacked.subsystems.reference[...][number], mean, rtol=1e-5, atol=1e-6)


def test_parameters_are_counted_without_padding() -> None:
    model = small_model()
    n_genes, n_children, n_terms = 7, 3, 4
    linear = 2 * n_genes + 2 * 2 * n_children + 2 * n_terms
    normalization, heads, output = 2 * 2 * n_terms, (2 + 1) * 3, 2 + 1
    expected = linear + normalization + heads + output
    assert count_parameters(model) == expected
    assert count_parameters(Replicates([model, small_model(1), small_model(2)])) == 3 * expected
    with_gene_layer = small_model(settings=SubsystemSettings(2, gene_layer=True))
    assert count_parameters(with_gene_layer) == expected + 2 * n_genes
    assert trained_module(model) is model
    assert isinstance(model, VisibleNetwork)
