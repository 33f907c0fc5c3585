"""Networks for tests: drawn at random, in every form that a network can have."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from kgnn.knowledge import Network, build_network
from kgnn.knowledge.edges import Coded

NAMES = ("TP53", "HLA-DRB1", "a b", "μ/β", "x_y.z", "C(2)+", "1")
EVIDENCE = ("", "physical: Two-hybrid", "in vivo", "pd", "μ")


@st.composite
def networks(draw: st.DrawFn, weighted: bool = True) -> Network:
    """A network of up to seven nodes: directed or not, signed, weighted, typed, with parallel edges and loops."""
    n_rows = draw(st.integers(0, 12))
    place = st.integers(0, len(NAMES) - 1)
    rows = [
        (draw(place), draw(place), draw(st.sampled_from([0.25, 1.0, 1 / 3])) if weighted else 1.0,
         draw(st.sampled_from([-1, 0, 1])), draw(st.booleans()), draw(st.integers(0, len(EVIDENCE) - 1)))
        for _ in range(n_rows)
    ]  # fmt: skip
    columns = [np.array(column) for column in zip(*rows, strict=True)] or [np.zeros(0, np.int32)] * 6
    types = [draw(st.sampled_from(["", "gene", "complex"])) if weighted else "" for _ in NAMES]
    return build_network(
        NAMES, columns[0], columns[1], weight=columns[2], sign=columns[3], directed=columns[4].astype(bool),
        evidence=Coded(columns[5].astype(np.int32), list(EVIDENCE)), node_types=types,
        keep_unconnected=draw(st.booleans()),
    )  # fmt: skip


def edges_of(network: Network) -> list[tuple]:
    return [tuple(edge) for edge in network.edges]
