"""Parts of a benchmark in a process of their own, so that peak memory, compilation and imports start from nothing.

A script offers its parts by name to `measuring.result.run`; `in_fresh_process` starts the same script again with
``--part NAME`` and reads the JSON object that the part returns.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any


def in_fresh_process(script: str, part: str, **arguments: Any) -> Any:
    """Run one part of a script alone.

    Args:
        script: Path of the script.
        part: Name of the part.
        **arguments: Handed to the part; anything that JSON can hold.

    Returns:
        What the part returned.

    Raises:
        SystemExit: If it failed; what it said on stderr has been shown.
    """
    command = [sys.executable, script, "--part", part, "--part-arguments", json.dumps(arguments)]
    finished = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if finished.returncode:
        raise SystemExit(f"part {part!r} of {script} with {arguments} failed: see above")
    return json.loads(finished.stdout.splitlines()[-1])
