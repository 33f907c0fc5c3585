"""One process of a training that runs as several, on one machine or many: started, watched, and its end explained.

The command starts itself once more as a worker, which computes. When another process of the training is lost, the
libraries below JAX may end the worker at once, without a chance to speak; this process stays behind, says what happened
and how to go on, and is the one that schedulers see. A worker whose watcher dies ends as well.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping
from typing import NamedTuple, NoReturn

from kgnn.errors import KgnnError

LOST = 75
"""Exit code where another process was lost: the run can be resumed (``EX_TEMPFAIL`` of sysexits.h)."""
USER_MISTAKE = 2
WORKER = "KGNN_WORKER"
JOINED = "kgnn: all processes have met"
REASON = "kgnn: lost because of "
FATAL = "Terminating process because the JAX distributed service detected fatal errors"
SIGNS_OF_LOSS = ("Gloo ", "NCCL", "coordination", "Coordination", "heartbeat", "UNAVAILABLE", "DEADLINE_EXCEEDED")
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


def is_worker() -> bool:
    """Whether this process is a worker that `run_worker` started."""
    return WORKER in os.environ


def run_worker(group: Group) -> int:
    """Run the command that this process was started with once more, as a worker, and wait for its end.

    What libraries below Python write is kept back: their notes would lie among the results on stdout. It is shown at
    the end unless a message says the same.

    Args:
        group: For messages.

    Returns:
        The exit code: that of the worker, `LOST` where another process was lost, 2 where the processes did not meet.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    alive, still_here = os.pipe()
    streams = (os.dup(1), os.dup(2), alive)
    with tempfile.TemporaryFile() as below:
        worker = subprocess.Popen(
            [sys.executable, *sys.orig_argv[1:]],
            env={**os.environ, WORKER: ",".join(map(str, streams))},
            stdout=below,
            stderr=below,
            pass_fds=streams,
            process_group=0,
        )
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        for number in before:
            signal.signal(number, lambda received, _: worker.send_signal(received))
        try:
            code = worker.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            for stream in (*streams, still_here):
                os.close(stream)
        below.seek(0)
        written = below.read().decode(errors="replace")
    code, message = explain_end(code, written, group)
    sys.stderr.write(message)
    return code


def explain_end(code: int, written: str, group: Group) -> tuple[int, str]:
    """What a worker's end means.

    Args:
        code: As `subprocess` gives it: negative for a signal.
        written: What libraries below Python wrote.
        group: For messages.

    Returns:
        The exit code, and text for stderr.
    """
    reason = _reason(written)
    if reason is not None and (code == LOST or code < 0):
        if JOINED not in written:
            return USER_MISTAKE, f"error: {_not_met(group)}\n"
        return LOST, (
            f"error: {group.me} has ended, because another process of this run was lost ({reason}). See what that "
            f"process or its machine says. {_how_to_go_on()}\n"
        )
    kept_back = "".join(line for line in written.splitlines(True) if JOINED not in line and not _is_noise(line))
    if code < 0:
        name = signal.Signals(-code).name
        hint = ", as happens when memory runs out" if -code == signal.SIGKILL else ""
        return 128 - code, f"{kept_back}error: {group.me} was ended by {name}{hint}. {_how_to_go_on()}\n"
    return code, kept_back


def become_worker() -> None:
    """Take over the streams that `run_worker` has kept for its worker, and end when it ends."""
    out, err, alive = map(int, os.environ[WORKER].split(","))
    sys.stdout = os.fdopen(out, "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors)
    sys.stderr = os.fdopen(err, "w", encoding=sys.stderr.encoding, errors=sys.stderr.errors, buffering=1)

    def end_with_watcher() -> None:
        os.read(alive, 1)
        os._exit(LOST)

    threading.Thread(target=end_with_watcher, daemon=True).start()


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


def end_worker(code: int) -> NoReturn:
    """End a worker that failed, at once: a proper farewell would wait for the others, and they for its share."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def end_worker_on(problem: Exception) -> NoReturn:
    """End a worker on an error that is no user's mistake: another process was lost, or a defect.

    Args:
        problem: The error; a defect is shown with its trace.
    """
    if isinstance(problem, (ValueError, RuntimeError)) and any(sign in str(problem) for sign in SIGNS_OF_LOSS):
        os.write(2, f"{REASON}{' '.join(str(problem).split())}\n".encode())
        end_worker(LOST)
    traceback.print_exc()
    end_worker(1)


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


def _reason(written: str) -> str | None:
    """Why another process counts as lost, in the words of the library that noticed; None where none did."""
    noticed = re.search(rf"{REASON}(.*)", written)
    if noticed is None and FATAL in written:
        noticed = re.search(r"absl::Status: (.*?)(?:\n\s*\n|RPC: |\*\*\* Check|\[type\.|\Z)", written, re.S)
    return None if noticed is None else " ".join(noticed[1].split())[:300]


def _how_to_go_on() -> str:
    command = shlex.join(["kgnn", *sys.argv[1:]])
    return f"To go on from the last checkpoint, give every process its command once more; here: {command}"


def _not_met(group: Group) -> str:
    where = f" at {group.coordinator}" if group.coordinator else ""
    if group.process_id == 0:
        return (
            f"not all {group.n_processes} processes have come{where} within {group.timeout} seconds. Start the others "
            "with the same --coordinator and --processes, or wait longer with --process-timeout."
        )
    return (
        f"{group.me} has found no coordinator{where} within {group.timeout} seconds, or not all processes came. Is "
        "process 0 running there, and may this machine connect to it? Wait longer with --process-timeout."
    )


def _is_noise(line: str) -> bool:
    return line.startswith("[Gloo] Rank ") or not line.strip()
