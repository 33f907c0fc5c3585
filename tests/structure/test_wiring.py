"""The ends of weights, as stated for the drawing."""

from __future__ import annotations

import numpy as np

from kgnn.structure import compile_hierarchy
from kgnn.structure.wiring import child_states, weight_ends, wire


def test_ends_of_the_drawing(drawn):
    # States 1 2 1 2 1 of C, D, B, A, R, so C has 0, D 1 and 2, B 3, A 4 and 5, R 6; A has no genes.
    hierarchy, _ = compile_hierarchy(drawn)
    states = np.array([1, 2, 1, 2, 1])
    genes = weight_ends(hierarchy.genes_of_term, states)
    assert genes.source.tolist() == [0, 1, 1, 1, 2, 2, 3, 3, 4, 5, 6]
    assert genes.target.tolist() == [0, 0, 1, 2, 1, 2, 1, 2, 3, 3, 6]
    assert genes.slot.tolist() == [0, 1, 2, 2, 3, 3, 4, 4, 5, 6, 7]
    below = child_states(hierarchy, states)
    # B is above D, A above C and D, R above D, B and A.
    assert [each.tolist() for each in below] == [[], [], [1, 2], [0, 1, 2], [1, 2, 3, 4, 5]]
    children = weight_ends(below, states)
    assert children.source.tolist() == [1, 2, 0, 0, 1, 1, 2, 2, 1, 2, 3, 4, 5]
    assert children.target.tolist() == [3, 3, 4, 5, 4, 5, 4, 5, 6, 6, 6, 6, 6]
    wiring = wire(hierarchy, states)
    assert wiring.gene_targets.tolist() == genes.target.tolist()
    assert wiring.child_targets.tolist() == children.target.tolist()


def test_ends_agree_with_the_places_where_weights_are_laid_out(drawn):
    """From the padded products, independently: the row that a weight's place belongs to is that of its target."""
    hierarchy, _ = compile_hierarchy(drawn)
    for price in (0, 10, 10_000):
        wiring = wire(hierarchy, np.array([1, 2, 1, 2, 1]), price=price)
        for products, targets in ((wiring.genes, wiring.gene_targets), (wiring.children, wiring.child_targets)):
            found = np.full(len(targets), -1)
            for (first, _), each in zip(wiring.levels, products, strict=True):
                if each is None:
                    continue
                place = 0
                output = 0
                for blocks, outputs, slots in each.shapes:
                    for lane in range(output, output + blocks * outputs):
                        row = lane if each.outputs is None else each.outputs[lane]
                        for weight in each.weights[place : place + slots]:
                            if weight < len(targets):
                                found[weight] = wiring.state_of_row[first + row]
                        place += slots
                    output += blocks * outputs
            assert found.tolist() == targets.tolist()
