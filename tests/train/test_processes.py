"""Two processes of the real command train one model; one of them is killed, and the run goes on to the same end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas
import pytest

from kgnn.launch.worker import LOST, WORKER
from kgnn.train import load_run, predict
from tests.commands import succeed
from tests.conftest import REPOSITORY, Trained

EPOCHS = 12
TIMEOUT = 60
QUICK_TO_COMPILE = "--xla_backend_optimization_level=0"


def words_of(trained: Trained) -> tuple[str, ...]:
    words = list(trained.words)
    words[words.index("--epochs") + 1] = str(EPOCHS)
    return (*words, "--set", "batch_size=16")


@pytest.fixture(scope="module")
def alone(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of one process, uninterrupted."""
    out = tmp_path_factory.mktemp("alone") / "run"
    succeed(*words_of(trained), "--out", out)
    return out


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def pair(trained: Trained, out: Path, *more: str) -> Iterator[list[subprocess.Popen[str]]]:
    """``kgnn train`` as two processes that meet at a free port."""
    command = [sys.executable, "-c", "from kgnn.cli import main; main()", *words_of(trained), "--out", str(out)]
    command += ["--coordinator", f"127.0.0.1:{free_port()}", "--processes", "2", "--process-timeout", str(TIMEOUT)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "JAX_PLATFORMS": "cpu", "XLA_FLAGS": QUICK_TO_COMPILE}
    started = [
        subprocess.Popen(
            [*command, "--process-id", str(number), *more],
            env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for number in range(2)
    ]  # fmt: skip
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                stream.close()


def wait_for_checkpoint(out: Path, processes: list[subprocess.Popen[str]]) -> None:
    while not (out / "checkpoint" / "checkpoint.json").exists():
        ended = [process for process in processes if process.poll() is not None]
        assert not ended, ended[0].communicate()
        time.sleep(0.005)


@pytest.mark.slow
def test_a_killed_process_ends_the_other_and_the_run_goes_on_to_the_same_end(
    trained: Trained, alone: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    with pair(trained, out, "--json") as processes:
        wait_for_checkpoint(out, processes)
        processes[1].send_signal(signal.SIGKILL)
        killed = time.monotonic()
        printed, message = processes[0].communicate(timeout=3 * TIMEOUT)
        # A broken connection is noticed at once, silence after the limit; the rest is for a busy machine.
        assert time.monotonic() - killed < 2 * TIMEOUT
    assert (processes[0].returncode, printed) == (LOST, ""), message
    assert message.startswith("error: process 0 of 2 has ended, because another process of this run was lost (")
    assert "To go on from the last checkpoint, give every process its command once more; here: kgnn train" in message
    assert message.count("\n") == 1
    record = json.loads((out / "checkpoint" / "checkpoint.json").read_text())
    assert 0 < record["epoch"] < EPOCHS
    assert not (out / "metrics.json").exists()

    with pair(trained, out, "--json") as processes:
        ended = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], ended
    assert [text for _, text in ended] == ["", ""]
    # The first process writes and prints, and nothing but its result.
    assert json.loads(ended[0][0])["best_epoch"] == json.loads((alone / "metrics.json").read_text())["best_epoch"]
    assert ended[1][0] == ""

    histories = [
        pandas.read_csv(folder / "history.tsv", sep="\t", float_precision="round_trip") for folder in (alone, out)
    ]
    assert list(histories[1]["loss"][: record["epoch"]]) == [row["loss"] for row in record["history"]]
    np.testing.assert_allclose(histories[0].to_numpy(), histories[1].to_numpy(), rtol=1e-4, atol=1e-4)
    runs = [load_run(folder) for folder in (alone, out)]
    expected, found = (predict(run.model, trained.samples) for run in runs)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
    assert runs[0].config == runs[1].config
    assert not (out / "checkpoint").exists()


SMALL_TALK = """
import sys
from kgnn.errors import TrainingError
from kgnn.launch import Group, join_group, leave_group
from kgnn.train.processes import is_first_process, require_same, share, wait_for_all

number = int(sys.argv[1])
join_group(Group(sys.argv[2], 2, number, 20))
words = [share(b"first" * 300 if number == 0 else b"second").decode(), share(b"" if number == 0 else b"x").decode()]
require_same("samples", lambda: "the same")
wait_for_all("the middle")
try:
    require_same("samples", lambda: f"samples of {number}")
except TrainingError as problem:
    words.append(str(problem))
print(is_first_process(), *words, sep="|", file=sys.stderr)
leave_group()
"""


def test_processes_share_what_the_first_has_and_refuse_to_differ() -> None:
    """Without the command around them."""
    address = f"127.0.0.1:{free_port()}"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "JAX_PLATFORMS": "cpu"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SMALL_TALK, str(number), address],
            env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for number in range(2)
    ]  # fmt: skip
    said = [process.communicate(timeout=100)[1].splitlines()[-1] for process in processes]
    heard = f"{'first' * 300}||samples of process 1 (of 2) differ from those of process 0. Give every process the same"
    assert [text.startswith(f"{first}|{heard}") for text, first in zip(said, (True, False), strict=True)] == [
        True,
        True,
    ]


def test_a_coordinator_that_does_not_answer_is_one_line(trained: Trained, tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from kgnn.cli import main; main()", *words_of(trained)]
    address = f"127.0.0.1:{free_port()}"
    command += ["--coordinator", address, "--processes", "2", "--process-id", "1", "--process-timeout", "1"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    environment.pop(WORKER, None)
    ended = subprocess.run(
        [*command, "--out", str(tmp_path / "run")], env=environment, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"error: process 1 of 2 has found no coordinator at {address} within 1 seconds")
    assert ended.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken_is_one_line(trained: Trained, tmp_path: Path) -> None:
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-c", "from kgnn.cli import main; main()", *words_of(trained)]
        command += ["--coordinator", f"127.0.0.1:{port}", "--processes", "2", "--process-id", "0"]
        ended = subprocess.run(
            [*command, "--out", str(tmp_path / "run")],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert ended.returncode == 2
    assert f"--coordinator is 127.0.0.1:{port}, but this machine cannot listen at that port" in ended.stderr
