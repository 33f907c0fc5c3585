"""The command that trains a published system."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any

from kgnn import launch, options
from kgnn.cli.alternatives import Alternative, instead_of_ontology
from kgnn.cli.contacts import ContactOptions
from kgnn.cli.inputs import HierarchyOptions, takes_ontology
from kgnn.cli.network import NetworkOptions
from kgnn.cli.output import print_result, progress_of, reports_json, reports_text
from kgnn.cli.training import Knowledge, MotifOptions, TrainOptions, of_contacts, of_motifs, of_network, of_ontology
from kgnn.errors import KgnnError

if TYPE_CHECKING:
    from kgnn.data import Parts
    from kgnn.zoo import Recipe

_OWN = tuple(field.name for field in fields(TrainOptions))


def train_on_network(path: Any, given: NetworkOptions, *, format: str | None, evidence: str, **own: Any) -> None:
    """``kgnn train --network``; see `train`."""
    train_on(of_network(given, format, evidence), TrainOptions(**own))


def train_on_motifs(path: Any, given: MotifOptions, *, format: str | None, **own: Any) -> None:
    """``kgnn train --motifs``; see `train`."""
    train_on(of_motifs(given, format), TrainOptions(**own))


def train_on_contacts(path: Any, given: ContactOptions, *, format: str | None, **own: Any) -> None:
    """``kgnn train --contacts``; see `train`."""
    chosen = TrainOptions(**own)
    train_on(of_contacts(given, format, chosen.unannotated or "error"), chosen)


NETWORK = Alternative(NetworkOptions, train_on_network, (*_OWN, "format", "evidence"))
MOTIFS = Alternative(MotifOptions, train_on_motifs, (*_OWN, "format"))
CONTACTS = Alternative(ContactOptions, train_on_contacts, (*_OWN, "format"))


@instead_of_ontology(NETWORK, MOTIFS, CONTACTS)
@takes_ontology
def train(knowledge: HierarchyOptions, chosen: TrainOptions) -> None:
    """Train a published system on an ontology, a network, motifs or contacts, and samples, beside its baselines."""
    train_on(of_ontology(knowledge), chosen)


def train_on(knowledge: Knowledge, chosen: TrainOptions) -> None:
    """Train a published system on whichever knowledge.

    Args:
        knowledge: What was given.
        chosen: All other options.

    Raises:
        KgnnError: If the recipe is compiled from other knowledge.
    """
    group = launch.asked_group(chosen.coordinator, chosen.processes, chosen.process_id, chosen.process_timeout)
    if group is not None and not launch.is_worker():
        sys.exit(launch.run_worker(group))

    from kgnn.train.compilation import enable_compilation_cache
    from kgnn.train.devices import place
    from kgnn.train.fit import refuse_finished
    from kgnn.train.processes import is_first_process
    from kgnn.train.summary import score_table
    from kgnn.zoo import fit_recipe
    from kgnn.zoo import recipe as find_recipe

    enable_compilation_cache()
    if group is not None:
        launch.join_group(group)
    place(chosen.devices)
    refuse_finished(chosen.out)
    recipe = find_recipe(chosen.recipe)
    _refuse_other(recipe, knowledge)
    settings, reading = chosen.settings(), chosen.reading()
    covariates = () if chosen.leave_out in (None, "none") else options.listed(chosen.leave_out) or ()
    found, parts, reports = _read(knowledge, chosen, reading)
    if knowledge.place is not None:
        found, parts = knowledge.place(found, parts)
    compiling = dict(knowledge.compiling)
    if knowledge.finds and chosen.unannotated is not None:
        compiling[knowledge.finds] = chosen.unannotated
    with progress_of(chosen.json_) as progress:
        run = fit_recipe(
            recipe,
            knowledge.meet(found, parts),
            parts.train,
            valid=parts.valid,
            test=parts.test,
            version=chosen.version,
            settings=settings,
            compiling=compiling,
            leave_out=recipe.leave_out if chosen.leave_out is None else covariates,
            baselines=() if chosen.no_baselines else None,
            out=chosen.out,
            progress=progress,
            devices=chosen.devices,
        )
    if is_first_process():
        result = run.metrics | reports_json(reports) | {"out": str(chosen.out)}
        print_result(result, reports_text(reports) + score_table(run.metrics), chosen.json_)
    if group is not None:
        launch.leave_group()


def _refuse_other(recipe: Recipe, knowledge: Knowledge) -> None:
    if recipe.knowledge != knowledge.option:
        raise KgnnError(
            f"{recipe.card.name} takes --{recipe.knowledge}, but --{knowledge.option} is given. Give "
            f"--{recipe.knowledge}, or another recipe (kgnn zoo)."
        )


def _read(
    knowledge: Knowledge, chosen: TrainOptions, reading: Mapping[str, Any]
) -> tuple[Any, Parts, Mapping[str, Any]]:
    """The knowledge and the samples, which agree on the names of genes, and what was done for that."""
    from kgnn.data import read_parts
    from kgnn.data.read import recognize_format

    found, reports = knowledge.read(), {}
    read_all = partial(read_parts, chosen.train, **reading)
    if knowledge.rename is None:
        return found, read_all(genes=knowledge.genes(found)), reports
    parts = read_all(genes=())
    found, reports = knowledge.rename(found, parts.train.genes)
    if (reading.get("format") or recognize_format(chosen.train)) == "genotype_list":
        # Its columns are the genes of the ontology, which go by other names now.
        parts = read_all(genes=knowledge.genes(found))
    return found, parts, reports
