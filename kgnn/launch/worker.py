"""The process that computes, and the one that stays behind, watches it and explains its end."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from typing import NoReturn

from kgnn.launch.group import JOINED, Group

LOST = 75
"""Exit code where another process was lost: the run can be resumed (``EX_TEMPFAIL`` of sysexits.h)."""
USER_MISTAKE = 2
WORKER = "KGNN_WORKER"
REASON = "kgnn: lost because of "
FATAL = "Terminating process because the JAX distributed service detected fatal errors"
SIGNS_OF_LOSS = ("Gloo ", "NCCL", "coordination", "Coordination", "heartbeat", "UNAVAILABLE", "DEADLINE_EXCEEDED")


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
