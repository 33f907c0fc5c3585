"""The PyTorch designs compute what kgnn computes, the check would notice if not, and the mask is kept in the loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flax import nnx

from benchmarks.measuring.workloads import distinct_samples
from kgnn.data import Samples, random_ontology
from kgnn.models import DrugResponseNetwork
from kgnn.structure import compile_hierarchy
from kgnn.zoo import drugcell

torch = pytest.importorskip("torch", reason="PyTorch is not installed: it comes with the extra kgnn[bench]")

BITS = 211
DESIGNS = ("published", "sparse levels")


@pytest.fixture(scope="module")
def samples() -> Samples:
    return distinct_samples(hierarchy(), 60, density=0.3, bits=BITS)


@pytest.fixture(scope="module")
def model() -> DrugResponseNetwork:
    from benchmarks.peers.weights import lively_model

    return lively_model(drugcell(hierarchy(), n_fingerprint=BITS, rngs=nnx.Rngs(0), version="paper"))


@pytest.fixture(scope="module")
def findings(model: DrugResponseNetwork, samples: Samples) -> dict[str, Any]:
    from benchmarks.peers.agreement import findings_of

    return findings_of(model, samples)


def hierarchy() -> Any:
    return compile_hierarchy(random_ontology(11, 19, seed=8))[0]


def peer(design: str, model: DrugResponseNetwork) -> Any:
    from benchmarks.peers.published import PublishedDesign
    from benchmarks.peers.sparse_levels import SparseLevels
    from benchmarks.peers.weights import read_weights

    return {"published": PublishedDesign, "sparse levels": SparseLevels}[design](read_weights(model))


def test_the_hierarchy_has_what_can_go_wrong() -> None:
    """Terms without direct genes, with several children, on several levels; genes on several terms."""
    compiled = hierarchy()
    assert min(map(len, compiled.genes_of_term)) == 0
    assert max(map(len, compiled.children_of_term)) > 2
    assert compiled.n_levels > 3
    assert len(compiled.annotation_gene) > compiled.n_genes
    levels_apart = compiled.level_of_term[compiled.relation_parent] - compiled.level_of_term[compiled.relation_child]
    assert levels_apart.max() > 1


@pytest.mark.parametrize("design", DESIGNS)
def test_a_peer_computes_what_kgnn_computes(
    design: str, model: DrugResponseNetwork, samples: Samples, findings: dict[str, Any]
) -> None:
    from benchmarks.peers.agreement import TOLERANCE, check_agreement

    fresh = peer(design, model)
    before = {name: value.clone() for name, value in fresh.state_dict().items()}
    found = check_agreement(findings, fresh, samples, same_step=design == "published")
    assert max(value for value in found if value is not None) <= TOLERANCE == 1e-4
    assert (found.next_loss is None) == (design != "published")
    assert all(torch.equal(value, before[name]) for name, value in fresh.state_dict().items())
    assert float(np.std(findings["output"])) > 100 * TOLERANCE, "all outputs are alike"


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("part", ["head", "norm", "bias"])
def test_a_peer_with_one_other_weight_is_refused(
    design: str, part: str, model: DrugResponseNetwork, samples: Samples, findings: dict[str, Any]
) -> None:
    from benchmarks.peers.agreement import check_agreement

    wrong = peer(design, model)
    # The first parameter of a term, of a head or of a normalization, whatever the design calls it.
    name = next(each for each, _ in wrong.named_parameters() if part in each)
    with torch.no_grad():
        dict(wrong.named_parameters())[name].view(-1)[0] += 0.1
    with pytest.raises(ValueError, match="does not compute what kgnn computes"):
        check_agreement(findings, wrong, samples, same_step=False)


def test_the_mask_of_the_published_design_keeps_weights_at_zero(model: DrugResponseNetwork, samples: Samples) -> None:
    network = peer("published", model)
    inputs: Any = samples.inputs()
    arrays = [inputs["genotype"], inputs["fingerprint"], samples.require_targets().values]
    batch = [torch.as_tensor(array.astype(np.float32)) for array in arrays]
    optimizer = network.optimizer()
    losses = [float(network.train_step(optimizer, *batch)) for _ in range(5)]
    assert losses[-1] < losses[0]
    for term, layer in network.gene_layers.items():
        outside = layer.weight.detach()[network.masks[term] == 0]
        assert float(outside.abs().max()) == 0.0
    n_annotations = len(hierarchy().annotation_gene)
    dense = sum(layer.weight.numel() for layer in network.gene_layers.values())
    assert dense == n_annotations * hierarchy().n_genes
