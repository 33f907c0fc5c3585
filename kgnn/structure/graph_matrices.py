"""Matrices of a graph: Laplacian, Chebyshev basis, and the random walk with restart. SciPy, in double precision.

Rows are receivers and columns senders, so that ``matrix @ values`` is one step of messages. Padding is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kgnn.errors import AlignmentError, KgnnError, StructureError, unknown_choice
from kgnn.structure.adjacency import Adjacency

if TYPE_CHECKING:
    from scipy.sparse import csr_array

LAPLACIANS = ("combinatorial", "symmetric")

_FEW_NODES = 64


def graph_matrix(adjacency: Adjacency, *, normalized: bool = True) -> csr_array:
    """The graph as a sparse matrix of its real nodes.

    Args:
        adjacency: The graph.
        normalized: Whether to take coefficients, else weights.

    Returns:
        float64 ``[node, node]``, receivers in rows; parallel edges are added up.

    Example:
        >>> from kgnn.knowledge import build_network
        >>> from kgnn.structure import compile_adjacency
        >>> adjacency, _ = compile_adjacency(build_network(["A", "B"], np.array([0]), np.array([1]), directed=True))
        >>> graph_matrix(adjacency).toarray()
        array([[0., 0.],
               [1., 0.]])
    """
    from scipy.sparse import coo_array

    real = slice(0, adjacency.n_edges)
    values = (adjacency.coefficient if normalized else adjacency.weight)[real]
    ends = (adjacency.receivers[real], adjacency.senders[real])
    return coo_array((values, ends), shape=(adjacency.n_nodes, adjacency.n_nodes)).tocsr()


def laplacian(adjacency: Adjacency, kind: str = "combinatorial") -> csr_array:
    r"""The Laplacian of a graph, from its weights (coefficients play no part).

    .. math:: L = D - A, \qquad L_\text{sym} = D^{-1/2} L D^{-1/2}

    :math:`D` holds the sums of absolute weights that each node receives. A node without an edge has a row of zeros.

    Args:
        adjacency: The graph.
        kind: ``"combinatorial"`` or ``"symmetric"``.

    Returns:
        float64 ``[node, node]``.

    Raises:
        StructureError: If the symmetric one is asked of a graph that is not: compile it with ``direction="both"``.
        KgnnError: If the kind is unknown.

    References:
        Chung 1997, Spectral Graph Theory. Signed graphs: Kunegis et al. 2010, doi:10.1137/1.9781611972801.49.
    """
    from scipy.sparse import diags_array

    if kind not in LAPLACIANS:
        raise unknown_choice("kind", kind, LAPLACIANS)
    matrix: Any = graph_matrix(adjacency, normalized=False)
    degree = np.asarray(abs(matrix).sum(axis=1)).ravel()
    found: Any = diags_array(degree) - matrix
    if kind == "symmetric":
        if abs(matrix - matrix.T).max() > 1e-12 * max(1.0, abs(matrix).max()):
            raise StructureError(
                "the symmetric Laplacian needs a graph that is the same in both directions. Compile the network with "
                "direction='both'."
            )
        scale = np.divide(1.0, np.sqrt(degree), out=np.zeros(len(degree)), where=degree > 0)
        found = diags_array(scale) @ found @ diags_array(scale)
    return found.tocsr()


def largest_eigenvalue(matrix: Any) -> float:
    """The largest eigenvalue of a symmetric matrix.

    Args:
        matrix: ``[node, node]``, sparse, such as a Laplacian.

    Returns:
        The eigenvalue.
    """
    from scipy.sparse.linalg import eigsh

    if matrix.shape[0] <= _FEW_NODES:
        return float(np.linalg.eigvalsh(matrix.toarray())[-1])
    # A fixed start makes the result the same in every process.
    start = np.random.default_rng(0).normal(size=matrix.shape[0])
    return float(eigsh(matrix, k=1, which="LA", v0=start, return_eigenvectors=False)[0])


def chebyshev_basis(matrix: Any, order: int, *, largest: float | None = None) -> tuple[Any, ...]:
    r"""Chebyshev polynomials of a Laplacian, scaled to eigenvalues between −1 and 1.

    .. math:: \tilde L = \frac{2}{\lambda} L - I, \quad T_0 = I, \quad T_1 = \tilde L, \quad
        T_k = 2 \tilde L T_{k-1} - T_{k-2}

    The matrices fill up as `order` grows; for a large graph apply them instead (`chebyshev_features`).

    Args:
        matrix: Symmetric Laplacian, ``[node, node]``, sparse.
        order: Highest power.
        largest: Its largest eigenvalue :math:`\lambda`; computed where None.

    Returns:
        ``order + 1`` sparse matrices.

    Raises:
        KgnnError: If `order` is negative or the largest eigenvalue is not above 0.

    References:
        Defferrard, Bresson, Vandergheynst 2016, arXiv:1606.09375.
    """
    from scipy.sparse import eye_array

    return tuple(_chebyshev(matrix, eye_array(matrix.shape[0], format="csr"), order, largest))


def chebyshev_features(matrix: Any, values: np.ndarray, order: int, *, largest: float | None = None) -> np.ndarray:
    """Chebyshev polynomials of a Laplacian applied to values on the nodes.

    Args:
        matrix: Symmetric Laplacian, ``[node, node]``, sparse.
        values: ``[node, feature]``.
        order: Highest power.
        largest: The largest eigenvalue; computed where None.

    Returns:
        ``[power, node, feature]``.

    Raises:
        KgnnError: As `chebyshev_basis`.
    """
    return np.stack(_chebyshev(matrix, np.asarray(values, dtype=np.float64), order, largest))


def _chebyshev(matrix: Any, start: Any, order: int, largest: float | None) -> list[Any]:
    if order < 0:
        raise KgnnError(f"order is {order}, and the basis begins with 0. Use 0 or more.")
    largest = largest_eigenvalue(matrix) if largest is None else largest
    if largest <= 0:
        raise KgnnError(f"the largest eigenvalue is {largest:g}, so the graph has no edge. Use a graph with edges.")

    def step(values: Any) -> Any:
        return (2.0 / largest) * (matrix @ values) - values

    found = [start]
    if order:
        found.append(step(start))
    for _ in range(2, order + 1):
        found.append(2.0 * step(found[-1]) - found[-2])
    return found


def random_walk_with_restart(
    adjacency: Adjacency,
    seeds: np.ndarray,
    *,
    restart: float = 0.5,
    tolerance: float = 1e-12,
    max_steps: int = 10_000,
) -> np.ndarray:
    r"""Where a walker is found that starts from seeds again and again.

    .. math:: p = (1 - r) W p + r\, p_0

    :math:`W` holds the weights, those that leave a node scaled to a sum of 1. From a node that nothing leaves, the
    walker goes back to the seeds, so that the result sums to 1. High values near hubs are expected: compare with seeds
    drawn at random.

    Args:
        adjacency: The graph; its weights count, whatever its normalization, and none may be negative.
        seeds: ``[node]`` or ``[node, set]``, not negative; each set is scaled to a sum of 1.
        restart: Probability :math:`r` of going back at each step.
        tolerance: Sum of absolute changes at which to stop.
        max_steps: Most steps.

    Returns:
        Probabilities in the form of `seeds`.

    Raises:
        AlignmentError: If `seeds` has not a row for each node.
        KgnnError: If seeds, weights or `restart` are out of range, or `max_steps` are not enough.

    References:
        Köhler et al. 2008, American Journal of Human Genetics 82:949, doi:10.1016/j.ajhg.2008.02.013.
    """
    start = np.asarray(seeds, dtype=np.float64)
    if len(start) != adjacency.n_nodes:
        raise AlignmentError(f"seeds has {len(start):,} rows, the graph {adjacency.n_nodes:,} nodes. Give one a node.")
    if not 0 < restart <= 1:
        raise KgnnError(f"restart is {restart}. Use a probability above 0 and up to 1.")
    if (start < 0).any() or not (start.sum(axis=0) > 0).all():
        raise KgnnError("seeds are negative, or a set has none. Give each set at least one positive seed.")
    matrix = graph_matrix(adjacency, normalized=False)
    if matrix.nnz and matrix.data.min() < 0:
        raise KgnnError("a random walk needs weights that are not negative. Compile with signs='ignore'.")
    start = start / start.sum(axis=0)
    leaving = np.asarray(matrix.sum(axis=0)).ravel()
    share = np.divide(1.0, leaving, out=np.zeros(len(leaving)), where=leaving > 0)
    ends = leaving == 0
    shape = (-1, *[1] * (start.ndim - 1))
    found = start
    for _ in range(max_steps):
        walked = matrix @ (found * share.reshape(shape)) + start * found[ends].sum(axis=0)
        walked = (1 - restart) * walked + restart * start
        change = np.abs(walked - found).sum(axis=0).max()
        found = walked
        if change <= tolerance:
            return found
    raise KgnnError(f"the walk still changed by {change:g} after {max_steps:,} steps. Raise max_steps or restart.")
