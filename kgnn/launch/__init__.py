"""One process of a training that runs as several, on one machine or many: started, watched, and its end explained.

The command starts itself once more as a worker, which computes. When another process of the training is lost, the
libraries below JAX may end the worker at once, without a chance to speak; this process stays behind, says what happened
and how to go on, and is the one that schedulers see. A worker whose watcher dies ends as well.
"""

from kgnn.launch.group import Group as Group
from kgnn.launch.group import asked_group as asked_group
from kgnn.launch.group import join_group as join_group
from kgnn.launch.group import leave_group as leave_group
from kgnn.launch.worker import become_worker as become_worker
from kgnn.launch.worker import end_worker as end_worker
from kgnn.launch.worker import end_worker_on as end_worker_on
from kgnn.launch.worker import is_worker as is_worker
from kgnn.launch.worker import run_worker as run_worker
