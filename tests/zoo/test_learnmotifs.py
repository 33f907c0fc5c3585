"""learnMotifs on planted sequences: what is planted stays, decoys go, and what nobody knows is found."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kgnn.data import plant_motifs, sequence_samples
from kgnn.errors import AlignmentError, KgnnError, TrainingError
from kgnn.interpret import compare_motifs, learned_motifs, motif_effects
from kgnn.knowledge import Motif, MotifSet, read_motifs
from kgnn.models import MotifNetwork
from kgnn.structure import compile_kernels, take_motifs
from kgnn.train import fit
from kgnn.train.device_data import device_data
from kgnn.train.engine import Engine
from kgnn.zoo.learnmotifs import _go_on_from, learn_motifs, learnmotifs
from kgnn.zoo.sequence_inputs import positions_of


def word(letters: str, name: str) -> Motif:
    counts = [[85.0 * (base == letter) + 5.0 for base in "ACGT"] for letter in letters]
    return Motif.from_counts(name, counts)


NOVEL = word("GAACGATTGC", "novel")
CONFIG = learnmotifs.config("both").updated({"checkpoint_every": 0})


@pytest.mark.slow
def test_planted_jaspar_motifs_are_kept_decoys_discarded_and_the_novel_one_is_found(shared_data):
    jaspar = read_motifs(shared_data / "jaspar" / "JASPAR2024_CORE_vertebrates_latest.jaspar")
    causal, decoys = jaspar.select(["MA0083.3", "MA0050.4"]), jaspar.select(["MA0035.5", "MA0108.3"])
    planted = plant_motifs(MotifSet((*causal, NOVEL)), decoys, n_samples=2_000, length=120)
    kernels = compile_kernels(MotifSet((*causal, *decoys)), both_strands=True, kind="information")
    found = learn_motifs(kernels, planted.samples, CONFIG)
    assert set(found.kept) == set(causal.ids)
    assert set(found.discarded) == set(decoys.ids)
    effects = motif_effects(found.known.model).set_index("motif")["effect"]
    assert (effects[list(decoys.ids)] <= 0.05).all() and (effects[list(causal.ids)] > 1).all()
    network = found.run.model
    assert isinstance(network, MotifNetwork) and network.new is not None
    filters, offset = (np.asarray(each[...]) for each in (network.new.filters, network.new.offset))
    assert filters.min() >= 0 and filters.sum(axis=2).max() <= 2 + 1e-5 and offset.max() <= 0
    bound = planted.samples.take(planted.samples.require_targets().values[:, 0] == 1)
    motifs = learned_motifs(network, bound)
    new = motifs.select([motif for motif in found.new if motif in motifs]).trim(0.25)
    assert compare_motifs(new, MotifSet((NOVEL,)))["similarity"][0] >= 0.9


def test_the_constraint_holds_after_every_update_of_a_fit():
    decoy = MotifSet((word("TTTGCATAAA", "decoy"),))
    samples = plant_motifs(MotifSet((NOVEL,)), decoy, n_samples=60, length=50).samples
    kernels = compile_kernels(decoy, both_strands=True, kind="information")
    model = learnmotifs(kernels, n_positions=50, outputs=("bound",), n_new=3, new_width=10, rngs=nnx.Rngs(0))
    # One batch an epoch, so that the state after every epoch is that after every update.
    engine = Engine(model, CONFIG.updated({"batch_size": 60, "learning_rate": 0.2}), 60)
    state, data, bound = engine.start(model, 0), device_data(samples), False
    for _ in range(30):
        state, _ = engine.train_epoch(state, data)
        new, effects = state.params["new"], state.params["output_layer"]["kernel"][...]
        filters, offset = new["filters"][...], new["offset"][...]
        assert filters.min() >= 0 and filters.sum(axis=-1).max() <= 2 + 1e-5
        assert offset.max() <= 0 and effects.min() >= 0
        bound |= bool((filters == 0).any()) and bool((filters.sum(axis=-1) > 1.99).any())
    assert bound


def test_where_no_known_motif_has_an_effect_all_filters_are_new():
    decoy = MotifSet((word("TTTGCATAAA", "decoy"),))
    planted = plant_motifs(MotifSet((NOVEL,)), decoy, n_samples=300, length=50)
    kernels = compile_kernels(decoy, both_strands=True, kind="information")
    found = learn_motifs(kernels, planted.samples, CONFIG.updated({"epochs": 4}), least_effect=3.0, n_new=2)
    assert (found.kept, found.discarded) == ((), ("decoy",))
    assert found.run.model.terms == ("new_1", "new_2")


def test_replicates_are_refused():
    decoy = MotifSet((word("TTTGCATAAA", "decoy"),))
    samples = plant_motifs(MotifSet((NOVEL,)), decoy, n_samples=40, length=50).samples
    kernels = compile_kernels(decoy, both_strands=True, kind="information")
    with pytest.raises(TrainingError, match="replicates is 2, but .* Set replicates=1"):
        learn_motifs(kernels, samples, CONFIG.updated({"epochs": 1, "replicates": 2}))
    run = fit(
        learnmotifs(kernels, n_positions=50, outputs=("bound",), rngs=nnx.Rngs(0)), samples,
        CONFIG.updated({"epochs": 1, "replicates": 2}), baselines=(),
    )  # fmt: skip
    for read in (motif_effects, lambda model: learned_motifs(model, samples)):
        with pytest.raises(KgnnError, match="one MotifNetwork, but Replicates is given"):
            read(run.model)  # type: ignore[arg-type]
    assert len(motif_effects(run.model.member(0))) == 13  # type: ignore[attr-defined]


def test_new_filters_learn_what_the_first_fit_has_left():
    two = MotifSet((word("TTTGCATAAA", "a"), word("CCGGTACC", "b")))
    kernels = compile_kernels(two, both_strands=True, kind="information")
    first = learnmotifs(kernels, n_positions=30, version="known", rngs=nnx.Rngs(0))
    first.output_layer.kernel[...] = jnp.array([[0.5, 2.5]])
    first.output_layer.bias[...] = jnp.array([-1.5])
    first.known.offset[...] = jnp.array([-4.0, -6.0])
    second = learnmotifs(take_motifs(kernels, ["b"]), n_positions=30, n_new=2, rngs=nnx.Rngs(1))
    _go_on_from(first, second)
    np.testing.assert_allclose(second.output_layer.kernel[...], [[2.5, 1.0, 1.0]])
    np.testing.assert_allclose(second.output_layer.bias[...], [-2.5])
    np.testing.assert_allclose(second.known.offset[...], [-6.0])


def test_samples_must_be_sequences():
    with pytest.raises(AlignmentError, match="no bases at positions"):
        positions_of(sequence_samples(["ACGT"]).with_genes(["1A", "1C", "1G"]))
