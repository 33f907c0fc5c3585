"""What to cite for a run: its sources, this program and the published system that it follows."""

from __future__ import annotations

from kgnn.knowledge.citations import METHOD, Citation, cite_kgnn, cite_sources
from kgnn.train import Run
from kgnn.zoo.recipe import Card


def cite_run(run: Run, cards: tuple[Card, ...] | None = None) -> tuple[Citation, ...]:
    """The citation list of a run.

    Args:
        run: The run.
        cards: Cards of the published systems; those of kgnn where None.

    Returns:
        Sources of knowledge and samples, then kgnn in the version of the run, then the paper of its recipe.
    """
    if cards is None:
        from kgnn.zoo import RECIPES

        cards = tuple(recipe.card for recipe in RECIPES)
    methods = [
        Citation(METHOD, card.name, text=f"{card.title}, {card.year}, doi:{card.doi}")
        for card in cards
        if card.name == run.recipe
    ]
    return (*cite_sources(run.provenance), cite_kgnn(run.versions), *methods)
