"""The measured layout: the choice from a fake clock, what is kept of it, and that it changes no result."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import kgnn
from kgnn.data import random_ontology
from kgnn.errors import KgnnError
from kgnn.layers import Layout, StateRule, Subsystems, SubsystemSettings, Tuning
from kgnn.layers.layout import default_layout, keep_layout, layout_here
from kgnn.layers.tiles import SAMPLES_OF_A_TILE, samples_of_a_tile, tile_size
from kgnn.layers.tune import compile_step
from kgnn.structure import compile_hierarchy
from kgnn.structure.buckets import PRICE_OF_A_BUCKET
from tests.models.compiled import jit
from tests.models.weights import in_double_precision

# 1,500 states: enough for the default tile to be the smallest one, of 128 samples.
N_TERMS, N_GENES, N_STATES = 300, 500, 5
HIERARCHY, _ = compile_hierarchy(random_ontology(N_TERMS, N_GENES, 3))
STATES = np.full(N_TERMS, N_STATES)
DEFAULT = default_layout(N_TERMS * N_STATES)
SETTINGS = SubsystemSettings(N_STATES, norm="after", heads="tanh_linear")
# Terms differ in their states; with so few of them only low prices give other products.
FEWER, _ = compile_hierarchy(random_ontology(20, 80, 5))
UNEQUAL = SETTINGS._replace(n_states=StateRule(2, 0.2))
LAYOUTS = [Layout(price, size) for price, size in ((1, 64), (10, 128), (30, 256), (3_000, 1_000))]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch) -> Path:
    """An empty cache folder that is in use."""
    monkeypatch.setenv("KGNN_CACHE", str(tmp_path))
    monkeypatch.delenv("KGNN_COMPILATION_CACHE", raising=False)
    return tmp_path / "layouts"


class Clock:
    """Steps take as long as a rule says, compiling two seconds; another program disturbs every fifth step."""

    def __init__(self, seconds):
        self.now, self.seconds = 0.0, seconds
        self.compiled: list[Layout] = []
        self.n_steps = 0
        self.disturbance = 50.0

    def __call__(self) -> float:
        return self.now

    def prepare(self, layout: Layout):
        self.now += 2.0
        self.compiled.append(layout)

        def step() -> None:
            self.n_steps += 1
            self.now += self.seconds(layout) + self.disturbance * (self.n_steps % 5 == 0)

        return step


def tuned(seconds, **arguments) -> tuple[Tuning, Clock]:
    clock = Clock(seconds)
    return kgnn.tune(HIERARCHY, SETTINGS, prepare=clock.prepare, clock=clock, **arguments), clock


def chosen(tuning: Tuning) -> tuple[int, int]:
    return tuning.layout.price, tuning.layout.samples_of_a_tile


# --- the choice


def test_the_price_is_chosen_first_and_then_the_tile():
    told = []
    tuning, clock = tuned(
        lambda layout: layout.price / 1_000 + (256 - layout.samples_of_a_tile) / 1_000,
        progress=lambda done, total: told.append((done, total)),
    )
    assert chosen(tuning) == (1_000, 256) and tuning.layout.measured
    assert [(each.stage, each.price, each.samples_of_a_tile) for each in tuning.candidates] == [
        ("price", 3_000, 128), ("price", 1_000, 128), ("price", 9_000, 128),
        ("tile", 1_000, 128), ("tile", 1_000, 64), ("tile", 1_000, 256),
    ]  # fmt: skip
    measured = {(each.price, each.samples_of_a_tile): each.measured_seconds for each in tuning.candidates}
    # One disturbed step in five does not move the median.
    assert measured[1_000, 256] == pytest.approx(1.0) and measured[3_000, 128] == pytest.approx(3.128)
    # Twice as many calls, of a network as small as this: not worth a try.
    assert measured[1_000, 64] is None
    assert {each.compile_seconds for each in tuning.candidates} == {2.0, None}
    # The price that won is not compiled anew for the second stage.
    assert len(clock.compiled) == len(set(clock.compiled)) == 4
    assert told[0] == (0, 6) and told[-1] == (6, 6) and sorted(told) == told
    text = tuning.table().splitlines()
    assert len(text) == 7 and [line.split()[1:3] for line in text if line.endswith("chosen")] == [["1000", "256"]]
    assert json.loads(json.dumps(tuning.to_json()))["layout"] == {
        "price": 1_000, "samples_of_a_tile": 256, "measured": True,
    }  # fmt: skip


def test_the_default_stays_unless_another_is_clearly_faster():
    for gain, expected in ((0.02, DEFAULT.price), (0.05, 9_000)):
        tuning, _ = tuned(lambda layout, gain=gain: 1.0 - gain * (layout.price == 9_000))
        assert chosen(tuning) == (expected, DEFAULT.samples_of_a_tile)


def test_a_median_that_is_luck_does_not_count():
    # 9,000 is faster by a tenth in four rounds of seven and slower by a tenth in three, and the first always the same.
    rounds = iter([0.0, 0.9, 1.1, 0.9, 1.1, 0.9, 1.1, 0.9])

    def seconds(layout: Layout) -> float:
        return next(rounds) if layout.price == 9_000 and layout.samples_of_a_tile == 128 else 1.0

    clock = Clock(seconds)
    clock.disturbance = 0.0
    tuning = kgnn.tune(HIERARCHY, SETTINGS, prepare=clock.prepare, clock=clock)
    measured = {each.price: each.measured_seconds for each in tuning.candidates if each.stage == "price"}
    assert measured[9_000] == pytest.approx(0.9) and tuning.layout.price == DEFAULT.price


def test_what_is_predicted_to_be_slow_is_not_tried(monkeypatch):
    monkeypatch.setattr(import_module("kgnn.layers.tune"), "PRICES", (PRICE_OF_A_BUCKET, 10**9, 9_000))
    tuning, clock = tuned(lambda layout: 0.1 if layout.price == 10**9 else 1.0)
    rows = {each.price: each for each in tuning.candidates if each.stage == "price"}
    assert rows[10**9].predicted_seconds > 1.5 * min(each.predicted_seconds for each in rows.values())
    assert (rows[10**9].measured_seconds, rows[10**9].compile_seconds) == (None, None)
    assert 10**9 not in {layout.price for layout in clock.compiled} and tuning.layout.price == PRICE_OF_A_BUCKET
    assert "not tried" in tuning.table()


def test_layouts_that_come_out_equal_are_tried_once():
    small, _ = compile_hierarchy(random_ontology(6, 10, 0))
    clock = Clock(lambda layout: 1.0)
    tuning = kgnn.tune(small, SETTINGS, batch_size=100, prepare=clock.prepare, clock=clock)
    assert clock.compiled == [default_layout(6 * N_STATES)]
    assert [each.stage for each in tuning.candidates] == ["price", "tile"]


def test_something_must_be_timed():
    with pytest.raises(KgnnError, match="batch_size is 0"):
        kgnn.tune(HIERARCHY, batch_size=0)
    with pytest.raises(KgnnError, match="repeats is -1"):
        kgnn.tune(HIERARCHY, repeats=-1)


def test_a_step_on_this_device(cache):
    small, _ = compile_hierarchy(random_ontology(6, 10, 0))
    found = []

    def prepare(layout: Layout):
        step = compile_step(small, SETTINGS, layout, (40, 2))
        return lambda: found.append(step())

    tuning = kgnn.tune(small, SETTINGS, batch_size=40, repeats=1, prepare=prepare)
    assert all(each.measured_seconds > 0 and each.compile_seconds > 0 for each in tuning.candidates)
    assert tuning.path.parent == cache and layout_here(small, np.full(6, N_STATES)) == tuning.layout
    # A warm-up, and one step in each of the two stages.
    assert len(found) == 3
    assert all(np.isfinite(leaf).all() and (np.asarray(leaf) != 0).any() for leaf in jax.tree.leaves(found[-1]))


# --- what is kept


def test_networks_built_later_take_the_choice(cache):
    before = Subsystems(HIERARCHY, SETTINGS, 1, rngs=nnx.Rngs(0))
    assert before.layout == DEFAULT and not before.layout.measured
    tuning, _ = tuned(lambda layout: layout.price / 1_000)
    assert [path.name for path in cache.iterdir()] == [tuning.path.name]
    after = Subsystems(HIERARCHY, SETTINGS, 1, rngs=nnx.Rngs(0))
    assert after.layout == tuning.layout == Layout(1_000, 128, measured=True)
    assert after.wiring != before.wiring
    assert Subsystems(HIERARCHY, SETTINGS, 1, layout=DEFAULT, rngs=nnx.Rngs(0)).wiring == before.wiring
    # Nothing for other states, or another hierarchy.
    assert not layout_here(HIERARCHY, STATES + 1).measured
    other, _ = compile_hierarchy(random_ontology(N_TERMS, N_GENES, 4))
    assert not layout_here(other, STATES).measured


@pytest.mark.parametrize(
    ("what", "value"),
    [("jax.__version__", "0.0.1"), ("kgnn.layers.layout.VERSION", 0), ("os.sched_getaffinity", lambda _: range(77))],
)
def test_a_choice_from_elsewhere_does_not_count(cache, monkeypatch, what, value):
    keep_layout(HIERARCHY, STATES, Layout(1_000, 64))
    assert layout_here(HIERARCHY, STATES) == Layout(1_000, 64, measured=True)
    monkeypatch.setattr(what, value)
    assert layout_here(HIERARCHY, STATES) == DEFAULT


def test_processes_that_train_together_run_one_program(cache, monkeypatch):
    keep_layout(HIERARCHY, STATES, Layout(1_000, 64))
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    assert layout_here(HIERARCHY, STATES) == DEFAULT


DAMAGED = {
    "empty": lambda text: "",
    "cut": lambda text: text[: len(text) // 2],
    "not text": lambda text: b"\xff\xfe\x00",
    "a list": lambda text: "[1]",
    "a number": lambda text: "7",
    "no layout": lambda text: json.dumps({"key": json.loads(text)["key"]}),
    "no number": lambda text: text.replace("1000", '"1000"'),
    "true": lambda text: text.replace("1000", "true"),
    "negative": lambda text: text.replace("1000", "-5"),
    "null": lambda text: text.replace("1000", "null"),
    "another key": lambda text: text.replace(HIERARCHY.fingerprint, "0" * 64),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_file_is_ignored_and_rewritten(cache, damage):
    path = keep_layout(HIERARCHY, STATES, Layout(1_000, 64))
    sound = path.read_text(encoding="utf-8")
    damaged = DAMAGED[damage](sound)
    assert damaged != sound
    path.write_bytes(damaged if isinstance(damaged, bytes) else damaged.encode())
    assert layout_here(HIERARCHY, STATES) == DEFAULT
    tuning, _ = tuned(lambda layout: layout.price / 1_000)
    assert tuning.path == path and layout_here(HIERARCHY, STATES) == tuning.layout
    assert [found.name for found in cache.iterdir()] == [path.name]


def test_the_cache_can_be_off_elsewhere_or_not_to_be_had(cache, tmp_path, monkeypatch):
    keep_layout(HIERARCHY, STATES, Layout(1_000, 64))
    monkeypatch.setenv("KGNN_COMPILATION_CACHE", "Off")
    assert layout_here(HIERARCHY, STATES) == DEFAULT and keep_layout(HIERARCHY, STATES, DEFAULT) is None
    assert tuned(lambda layout: 1.0)[0].path is None
    monkeypatch.setenv("KGNN_COMPILATION_CACHE", str(tmp_path / "named"))
    assert layout_here(HIERARCHY, STATES) == DEFAULT
    assert keep_layout(HIERARCHY, STATES, Layout(9_000, 64)).parent == tmp_path / "named" / "layouts"
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("KGNN_COMPILATION_CACHE", str(tmp_path / "file"))
    assert layout_here(HIERARCHY, STATES) == DEFAULT and keep_layout(HIERARCHY, STATES, DEFAULT) is None


# --- the same function


def subsystems(layout: Layout) -> Subsystems:
    return Subsystems(FEWER, UNEQUAL, 2, layout=layout, rngs=nnx.Rngs(1))


def outcome(layout: Layout, *, double: bool = False, n_samples: int = 300) -> dict[str, np.ndarray]:
    """States, heads, running statistics and gradients of a training step, by name."""
    with jax.enable_x64(double):
        module = in_double_precision(subsystems(layout)) if double else subsystems(layout)
        found = _outcome(module, n_samples, jnp.float64 if double else jnp.float32)
        return {name: np.asarray(values) for name, values in found.items()}


def _outcome(module: Subsystems, n_samples: int, kind: Any) -> dict[str, Any]:
    graph, params, rest = nnx.split(module, nnx.Param, ...)
    rng = np.random.default_rng(2)
    genes = jnp.asarray(rng.normal(size=(n_samples, FEWER.n_genes)), kind)
    towards = jnp.asarray(rng.normal(size=(len(module.term_of_state), n_samples)), kind)

    @jit
    def step(params, genes):
        def loss(params, genes):
            module = nnx.merge(graph, params, rest, copy=True)
            states, _, heads = module(genes, train=True)
            loss = jnp.square(states - towards).mean() + jnp.square(heads).mean()
            return loss, (states, heads, module.norm.mean[...], module.norm.variance[...])

        return jax.grad(loss, argnums=(0, 1), has_aux=True)(params, genes)

    gradients, (states, heads, mean, variance) = step(params, genes)
    found = {"states": states, "heads": heads, "mean": mean, "variance": variance, "genes": gradients[1]}
    return found | {str(path): leaf[...] for path, leaf in nnx.to_flat_state(gradients[0])}


def test_the_layouts_differ():
    shapes = {tuple(each.shapes for each in subsystems(layout).wiring.genes) for layout in LAYOUTS}
    assert len(shapes) == len(LAYOUTS)


@pytest.mark.parametrize(("double", "tolerance"), [(False, 1e-5), (True, 1e-10)], ids=["float32", "float64"])
def test_every_layout_computes_the_same(double, tolerance):
    plain = outcome(Layout(PRICE_OF_A_BUCKET, 128), double=double)
    if not double:
        # A normalization takes nearly all of the bias before it away: its gradient is the rest of numbers that cancel.
        del plain["('bias',)"]
    assert len(plain) >= 12 and {values.dtype for values in plain.values()} == {np.dtype(f"f{8 if double else 4}")}
    for layout in LAYOUTS[: 2 if double else None]:
        found = outcome(layout, double=double)
        for name, expected in plain.items():
            scale = np.abs(expected).max()
            assert scale > 0, name
            np.testing.assert_allclose(
                found[name] / scale, expected / scale, rtol=0, atol=tolerance, err_msg=f"{name} {layout}"
            )


def test_tiles_of_the_rule_and_of_a_measurement():
    assert samples_of_a_tile(20_000) == SAMPLES_OF_A_TILE == samples_of_a_tile(1_024) == 128
    assert samples_of_a_tile(100) == 1_296
    assert tile_size(1_000, 64) == 64 and tile_size(100, 128) == 100 and tile_size(300, 128) == 112
