"""Published systems as short recipes over shared blocks, each with a card."""

from kgnn.errors import unknown_choice
from kgnn.zoo.citations import cite_run as cite_run
from kgnn.zoo.danq import DANQ as _DANQ
from kgnn.zoo.danq import danq as danq
from kgnn.zoo.dcell import DCELL as _DCELL
from kgnn.zoo.dcell import dcell as dcell
from kgnn.zoo.deepbind import DEEPBIND as _DEEPBIND
from kgnn.zoo.deepbind import deepbind as deepbind
from kgnn.zoo.drugcell import DRUGCELL as _DRUGCELL
from kgnn.zoo.drugcell import drugcell as drugcell
from kgnn.zoo.fit_recipe import build_model as build_model
from kgnn.zoo.fit_recipe import fit_recipe as fit_recipe
from kgnn.zoo.learnmotifs import LEARNMOTIFS as _LEARNMOTIFS
from kgnn.zoo.learnmotifs import LearnedMotifs as LearnedMotifs
from kgnn.zoo.learnmotifs import learn_motifs as learn_motifs
from kgnn.zoo.learnmotifs import learnmotifs as learnmotifs
from kgnn.zoo.recipe import Card as Card
from kgnn.zoo.recipe import Recipe as Recipe
from kgnn.zoo.site_attention import SITE_ATTENTION as _SITE_ATTENTION
from kgnn.zoo.site_attention import site_attention as site_attention

RECIPES: tuple[Recipe, ...] = (_DANQ, _DCELL, _DEEPBIND, _DRUGCELL, _LEARNMOTIFS, _SITE_ATTENTION)


def recipe(name: str) -> Recipe:
    """A recipe by its name.

    Args:
        name: As in ``kgnn zoo``.

    Returns:
        The recipe.

    Raises:
        KgnnError: If there is none of that name.

    Example:
        >>> recipe("dcell").card.year
        2018
    """
    found = {each.card.name: each for each in RECIPES}
    if name not in found:
        raise unknown_choice("recipe", name, found)
    return found[name]
