"""The command that shows the main job from start to end."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kgnn import options
from kgnn.cli.output import print_result, progress_of


def demo(
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("demo_output"), json_: options.Json = False
) -> None:
    """The main job on the bundled default: blood cell types over the Gene Ontology."""
    from kgnn.demo import run_demo

    with progress_of(json_) as progress:
        result = run_demo(out, progress=progress)
    print_result(result.summary, result.text, json_)
