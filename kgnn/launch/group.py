"""Processes that train one model together: which of them this is, how they meet, and how they part."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import NamedTuple

from kgnn.errors import KgnnError

JOINED = "kgnn: all processes have met"
"""What a process writes, below Python, when all have come."""
CLUSTERS = {
    "SLURM": ("SLURM_STEP_NODELIST", "SLURM_PROCID", "SLURM_NTASKS"),
    "Open MPI": ("OMPI_MCA_orte_hnp_uri", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
}
"""Variables of a task that a cluster started: where they meet, which it is, how many there are."""


class Group(NamedTuple):
    """Processes that train one model together, and which of them this is.

    Attributes:
        coordinator: ``HOST:PORT`` of process 0; None to be told by the cluster.
        n_processes: How many there are; None to be told by the cluster.
        process_id: Which one this is, from 0; None to be told by the cluster.
        timeout: Seconds after which a process that does not answer counts as lost.
    """

    coordinator: str | None
    n_processes: int | None
    process_id: int | None
    timeout: int

    @property
    def me(self) -> str:
        """This process, for a message."""
        return "this process" if self.process_id is None else f"process {self.process_id} of {self.n_processes}"


def asked_group(
    coordinator: str | None,
    processes: str | None,
    process_id: int | None,
    timeout: int,
    environment: Mapping[str, str] = os.environ,
) -> Group | None:
    """The group that options ask for.

    Args:
        coordinator: ``HOST:PORT`` of process 0.
        processes: How many processes there are, or ``"auto"`` to take all three from the cluster's environment.
        process_id: Which one this is.
        timeout: Seconds to wait for a process that does not answer.
        environment: Where a cluster (SLURM, Open MPI) leaves its variables.

    Returns:
        The group; None where this process trains alone.

    Raises:
        KgnnError: If the options do not fit each other, or this is one of several tasks of a cluster and nothing says
            whether they belong together.

    Example:
        >>> asked_group("node1:9871", "4", 3, 60, {}).me
        'process 3 of 4'
    """
    if timeout < 1:
        raise KgnnError(f"--process-timeout is {timeout}. Give at least 1 second.")
    _check_address(coordinator)
    if processes == "auto":
        return Group(coordinator, None, process_id, timeout)
    if processes is None:
        if coordinator is not None or process_id is not None:
            raise KgnnError("--coordinator or --process-id is given without --processes. Give their number, or auto.")
        _refuse_unexplained_tasks(environment)
        return None
    if not processes.isdecimal() or int(processes) < 1:
        raise KgnnError(f"--processes is {processes!r}. Give a number of at least 1, or auto.")
    number = int(processes)
    if process_id is not None and not 0 <= process_id < number:
        raise KgnnError(f"--process-id is {process_id}, but --processes is {number}. Give one of 0 to {number - 1}.")
    if number == 1:
        return None
    if coordinator is None or process_id is None:
        missing = "--coordinator" if coordinator is None else "--process-id"
        raise KgnnError(
            f"--processes is {number}, but {missing} is missing. Give --coordinator HOST:PORT of process 0 and "
            "--process-id, or --processes auto on a cluster."
        )
    return Group(coordinator, number, process_id, timeout)


def join_group(group: Group) -> None:
    """Meet the other processes, before anything is computed.

    Args:
        group: The group.

    Raises:
        KgnnError: If the cluster's environment says nothing, or the port is taken.
    """
    import jax

    if group.process_id == 0 and group.coordinator is not None:
        _refuse_taken_port(group.coordinator)
    # It would catch SIGTERM, and a process that is told to end would go on.
    jax.config.update("jax_enable_preemption_service", False)
    seconds = group.timeout
    try:
        jax.distributed.initialize(
            group.coordinator,
            group.n_processes,
            group.process_id,
            cluster_detection_method="deactivate" if group.n_processes else None,
            initialization_timeout=seconds,
            heartbeat_timeout_seconds=seconds,
            shutdown_timeout_seconds=seconds,
        )
    except (ValueError, RuntimeError) as problem:
        if group.n_processes is None:
            raise KgnnError(
                f"--processes is auto, but no SLURM, Open MPI or Kubernetes job can be recognized ({problem}). Give "
                "--coordinator, --processes and --process-id."
            ) from None
        raise KgnnError(
            f"{group.me} cannot join at {group.coordinator} ({problem}). Choose another port, the same for all."
        ) from None
    os.write(1, f"{JOINED}\n".encode())


def leave_group() -> None:
    """Part from the other processes after the work is done."""
    import jax

    from kgnn.train.processes import wait_for_all

    wait_for_all("the end")
    jax.distributed.shutdown()


def _check_address(coordinator: str | None) -> None:
    if coordinator is not None:
        host, _, port = coordinator.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
            raise KgnnError(f"--coordinator is {coordinator!r}. Give HOST:PORT, such as node001:9871.")


def _refuse_taken_port(coordinator: str) -> None:
    """JAX does not survive a port that it cannot listen at."""
    port = int(coordinator.rpartition(":")[2])
    both = socket.has_dualstack_ipv6()
    try:
        socket.create_server(
            ("", port), family=socket.AF_INET6 if both else socket.AF_INET, dualstack_ipv6=both
        ).close()
    except OSError as problem:
        why = os.strerror(problem.errno or 0)
        raise KgnnError(
            f"--coordinator is {coordinator}, but this machine cannot listen at that port ({why}). Choose another "
            "one, the same for all processes."
        ) from None


def _refuse_unexplained_tasks(environment: Mapping[str, str]) -> None:
    for cluster, (where, which, how_many) in CLUSTERS.items():
        if where in environment and int(environment.get(how_many, "1")) > 1:
            raise KgnnError(
                f"this is task {environment.get(which)} of {environment[how_many]} that {cluster} has started. Give "
                "--processes auto to train one model together, or --processes 1 to train a model of its own."
            )
