"""The options that make a group of processes, and what is said about the end of one of them."""

from __future__ import annotations

import signal

import pytest

from kgnn.errors import KgnnError
from kgnn.launch.group import JOINED, Group, asked_group
from kgnn.launch.worker import FATAL, LOST, REASON, USER_MISTAKE, explain_end

ONE_OF_TWO = Group("node1:9871", 2, 1, 60)
FIRST_OF_TWO = ONE_OF_TWO._replace(process_id=0)
SLURM = {"SLURM_STEP_NODELIST": "node[1-2]", "SLURM_PROCID": "1", "SLURM_NTASKS": "2"}
OPEN_MPI = {"OMPI_MCA_orte_hnp_uri": "1.0;tcp://10.0.0.1:1", "OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "3"}
DIED = f"""{JOINED}
E1121 06:39:31.0 29126 coordination_service_agent.cc:289] Polled an error from coordination service.
F1121 06:39:31.0 29126 client.h:80] {FATAL}. This most likely indicates that another task died; see the other task logs.
absl::Status: UNAVAILABLE: The following tasks are unhealthy (stopped sending heartbeats):
1
The tasks have crashed.

RPC: /xla.coordination.CoordinationService/PollForError
*** Check failure stack trace: ***
    @     0x7fce4f240634  absl::lts_20260107::log_internal::LogMessage::SendToLog()
"""


def test_a_single_process_is_no_group():
    for processes in (None, "1"):
        assert asked_group(None, processes, None, 60, {}) is None
    assert asked_group("node1:9871", "1", 0, 60, {}) is None
    assert asked_group(None, "1", None, 60, SLURM) is None
    assert asked_group(None, None, None, 60, SLURM | {"SLURM_NTASKS": "1"}) is None


def test_options_make_a_group():
    assert asked_group("node1:9871", "2", 1, 60, SLURM) == ONE_OF_TWO
    assert asked_group(None, "auto", None, 5, SLURM) == Group(None, None, None, 5)
    assert (ONE_OF_TWO.me, Group(None, None, None, 5).me) == ("process 1 of 2", "this process")


@pytest.mark.parametrize(
    ("coordinator", "processes", "process_id", "timeout", "environment", "message"),
    [
        ("a:1", "2", 2, 60, {}, "--process-id is 2, but --processes is 2. Give one of 0 to 1."),
        ("a:1", "2", -1, 60, {}, "--process-id is -1"),
        ("a:1", "0", 0, 60, {}, "--processes is '0'. Give a number of at least 1, or auto."),
        ("a:1", "two", 0, 60, {}, "--processes is 'two'"),
        (None, "2", 0, 60, {}, "--processes is 2, but --coordinator is missing"),
        ("a:1", "2", None, 60, {}, "--processes is 2, but --process-id is missing"),
        ("a:1", None, None, 60, {}, "--coordinator or --process-id is given without --processes"),
        (None, None, 0, 60, {}, "--coordinator or --process-id is given without --processes"),
        ("node1", "2", 0, 60, {}, "--coordinator is 'node1'. Give HOST:PORT, such as node001:9871."),
        ("node1:x", "2", 0, 60, {}, "--coordinator is 'node1:x'"),
        ("node1:70000", "2", 0, 60, {}, "--coordinator is 'node1:70000'"),
        ("a:1", "2", 0, 0, {}, "--process-timeout is 0. Give at least 1 second."),
        (None, None, None, 60, SLURM, "this is task 1 of 2 that SLURM has started. Give --processes auto to train one"),
        (None, None, None, 60, OPEN_MPI, "this is task 0 of 3 that Open MPI has started"),
    ],
)
def test_options_that_do_not_fit_are_refused(coordinator, processes, process_id, timeout, environment, message: str):
    with pytest.raises(KgnnError, match=message.replace("(", r"\(")):
        asked_group(coordinator, processes, process_id, timeout, environment)


def test_an_ordinary_end_is_passed_on():
    assert explain_end(0, f"[Gloo] Rank 0 is connected to 1 peer ranks.\n{JOINED}\n", ONE_OF_TWO) == (0, "")
    assert explain_end(2, "", ONE_OF_TWO) == (2, "")
    assert explain_end(0, "W1121 something of XLA\n", ONE_OF_TWO) == (0, "W1121 something of XLA\n")
    # A user's mistake stays one, though the connection broke in its wake.
    assert explain_end(2, DIED, ONE_OF_TWO)[0] == 2


def test_a_process_that_died_names_why():
    code, message = explain_end(-signal.SIGABRT, DIED, FIRST_OF_TWO)
    assert code == LOST
    assert message.startswith(
        "error: process 0 of 2 has ended, because another process of this run was lost (UNAVAILABLE: The following "
        "tasks are unhealthy (stopped sending heartbeats): 1 The tasks have crashed.)."
    )
    assert "To go on from the last checkpoint, give every process its command once more; here: kgnn" in message
    assert message.count("\n") == 1
    text = f"{JOINED}\n{REASON}Gloo all-reduce failed: Connection closed by peer\n"
    assert "was lost (Gloo all-reduce failed: Connection closed by peer)" in explain_end(LOST, text, ONE_OF_TWO)[1]


def test_processes_that_never_met_are_a_mistake_of_the_user():
    code, message = explain_end(-signal.SIGABRT, DIED.replace(JOINED, ""), ONE_OF_TWO)
    assert (code, message.count("\n")) == (USER_MISTAKE, 1)
    assert message.startswith("error: process 1 of 2 has found no coordinator at node1:9871 within 60 seconds")
    message = explain_end(-signal.SIGABRT, DIED.replace(JOINED, ""), FIRST_OF_TWO)[1]
    assert message.startswith("error: not all 2 processes have come at node1:9871 within 60 seconds")


def test_a_worker_that_was_killed_says_by_what():
    code, message = explain_end(-signal.SIGKILL, JOINED, ONE_OF_TWO)
    assert code == 137
    assert message.startswith("error: process 1 of 2 was ended by SIGKILL, as happens when memory runs out. To go on")
    assert explain_end(-signal.SIGSEGV, "trace\n", ONE_OF_TWO)[1].startswith("trace\nerror: process 1 of 2 was ended")
