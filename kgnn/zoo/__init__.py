"""Published systems as short recipes over shared blocks, each with a card."""

from kgnn.errors import unknown_choice
from kgnn.zoo.citations import cite_run as cite_run
from kgnn.zoo.dcell import DCELL as _DCELL
from kgnn.zoo.dcell import dcell as dcell
from kgnn.zoo.drugcell import DRUGCELL as _DRUGCELL
from kgnn.zoo.drugcell import drugcell as drugcell
from kgnn.zoo.expimap import EXPIMAP as _EXPIMAP
from kgnn.zoo.expimap import expimap as expimap
from kgnn.zoo.fit_recipe import build_model as build_model
from kgnn.zoo.fit_recipe import fit_recipe as fit_recipe
from kgnn.zoo.ontovae import ONTOVAE as _ONTOVAE
from kgnn.zoo.ontovae import ontovae as ontovae
from kgnn.zoo.recipe import Card as Card
from kgnn.zoo.recipe import Recipe as Recipe
from kgnn.zoo.vega import VEGA as _VEGA
from kgnn.zoo.vega import vega as vega

RECIPES: tuple[Recipe, ...] = (_DCELL, _DRUGCELL, _VEGA, _ONTOVAE, _EXPIMAP)


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
