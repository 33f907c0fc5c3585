"""A pathway clock (Holzscheck et al. 2021): transcriptomic age from the states of pathways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kgnn.data.samples import Samples
from kgnn.errors import KgnnError
from kgnn.knowledge.hidden_terms import insert_hidden_terms
from kgnn.knowledge.ontology import Ontology
from kgnn.layers import SubsystemSettings
from kgnn.models import RegulatoryNetwork
from kgnn.structure import Alignment, Hierarchy, compile_hierarchy
from kgnn.train import TrainConfig
from kgnn.zoo.recipe import Card, Recipe

_SETTINGS = SubsystemSettings((8, 1), "tanh", "none", heads="none", last_activation="identity")
_AGE = {"task": "regression"}
SETTINGS = {"robust": (_SETTINGS._replace(gene_dropout=0.2), _AGE), "paper": (_SETTINGS, _AGE)}
_TRAINING = TrainConfig(
    epochs=100,
    batch_size=64,
    optimizer="adamw",
    learning_rate=3e-3,
    weight_decay=0.1,
    schedule="cosine",
    scaling="standard",
    replicates=4,
)
CONFIGS = {"robust": _TRAINING, "paper": _TRAINING.updated({"loss": "absolute", "replicates": 1})}


def compile_clock(ontology: Any, samples: Samples, choices: Mapping[str, Any]) -> tuple[Hierarchy, Alignment]:
    """Compile gene sets with a hidden layer each."""
    if not isinstance(ontology, Ontology):
        raise KgnnError(
            f"pathway_clock is compiled from an ontology or gene sets, but {type(ontology).__name__} is given. See "
            "kgnn zoo pathway_clock."
        )
    return compile_hierarchy(insert_hidden_terms(ontology), samples.genes, **choices)


pathway_clock = Recipe(
    card=Card(
        name="pathway_clock",
        title="Transcriptomic age as a sum over pathways, each a small network over its genes",
        year=2021,
        doi="10.1038/s41514-021-00068-5",
        inputs="gene sets or an ontology under one root (such as the 50 hallmarks); samples of expression with an age",
        versions={
            "robust": "squared error, dropout 0.2 of genes, four replicates",
            "paper": "absolute error, one network",
        },
        differs=(
            "no code is public, and the article gives the architecture in words: eight hidden units and one state a "
            "pathway, tanh and AdamW are choices of kgnn",
            "the state of a pathway is read in years (its weight times its change), so that signs mean something and "
            "replicates can be averaged",
            "an ontology of several levels may take the place of flat gene sets",
        ),
    ),
    model=RegulatoryNetwork,
    settings=SETTINGS,
    configs=CONFIGS,
    options={"dropout": float, "gene_dropout": float, "activation": str},
    compiler=compile_clock,
    tasks=("regression",),
)
r"""Age as the sum of one number a pathway, each the end of a small network over the pathway's genes.

.. math:: \hat a = b + \sum_p w_p h_p, \qquad h_p = \tanh(v_p^\top \tanh(W_p x_{\mathrm{genes}(p)} + c_p) + d_p)

Since the last step is a sum, a change of age is the sum of changes in years that the pathways make:
`kgnn.perturb.dose_response` reads both from virtual knockdowns.

- `hierarchy`: Compiled from gene sets under one root with a hidden layer each (`insert_hidden_terms`).

References:
    Holzscheck et al. 2021, npj Aging and Mechanisms of Disease 7:15, doi:10.1038/s41514-021-00068-5.
"""
