"""The published design of DrugCell in plain PyTorch: a module a term, dense gene layers, the mask in the loop.

Every term with direct genes has a dense layer from *all* genes to its own, of which only one weight a row means
anything; a mask of the same size multiplies the weights once at the start and their gradient after every backward
pass. Memory and work therefore grow with annotations × genes.

References:
    Kuenzi et al. 2020, Cancer Cell 38:672, doi:10.1016/j.ccell.2020.09.014.
"""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn

from .blocks import Block, Design, DrugAndJoin, copy_into, gradient_of
from .weights import DrugCellWeights


class PublishedDesign(Design):
    """The network; see the module.

    Args:
        weights: Weights to start from.
    """

    def __init__(self, weights: DrugCellWeights):
        super().__init__()
        self.children_of_term = [children.tolist() for children in weights.children_of_term]
        self.gene_layers = nn.ModuleDict()
        self.masks: dict[str, Tensor] = {}
        for term, genes in enumerate(weights.genes_of_term):
            if len(genes):
                layer = nn.Linear(weights.n_genes, len(genes))
                mask = torch.zeros_like(layer.weight)
                mask[torch.arange(len(genes)), torch.as_tensor(genes.astype("int64"))] = 1.0
                copy_into(layer.weight, mask.numpy() * weights.gene_weight[term][:, None])
                copy_into(layer.bias, weights.gene_bias[term])
                self.gene_layers[str(term)] = layer
                self.masks[str(term)] = mask
        self.terms = nn.ModuleList(Block(layer) for layer in weights.terms)
        self.rest = DrugAndJoin(weights)

    def forward(self, genes: Tensor, fingerprints: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The prediction ``[sample, 1]``, and every auxiliary head: of the terms, then of the drug layers."""
        states: list[Tensor] = []
        heads: list[Tensor] = []
        for term, block in enumerate(self.terms):
            inputs = [states[child] for child in self.children_of_term[term]]
            if str(term) in self.gene_layers:
                inputs.append(self.gene_layers[str(term)](genes))
            states.append(block(torch.cat(inputs, dim=1)))
            heads.append(block.head(states[-1]))  # type: ignore[operator]
        output, drug_heads = self.rest(states[-1], fingerprints)
        return output, heads + drug_heads

    def shared_gradients(self) -> dict[str, Tensor]:
        """Gradients of arrays that kgnn has as well; see `peers.agreement`."""
        blocks, of_children = list(self.terms), []
        for children, block in zip(self.children_of_term, blocks, strict=True):
            gradient = gradient_of(block.linear.weight)
            of_children.append(gradient[:, : len(children) * len(gradient)].reshape(-1))
        return self.rest.shared_gradients() | {
            "child weights": torch.cat(of_children),
            "term scale": torch.cat([gradient_of(block.norm.weight) for block in blocks]),
            "head weight": torch.cat([gradient_of(block.head.second.weight) for block in blocks]),
        }

    def to_device(self, device: str) -> Self:
        """The network and its masks on a device."""
        self.masks = {term: mask.to(device) for term, mask in self.masks.items()}
        return super().to_device(device)

    def mask_gradients(self) -> None:
        """Keep the weights at zero that stand for no annotation."""
        for term, mask in self.masks.items():
            gradient_of(self.gene_layers[term].weight).mul_(mask)
