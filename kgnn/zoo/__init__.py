"""Published systems as short recipes over shared blocks, each with a card."""

from kgnn.errors import unknown_choice
from kgnn.zoo.biased_attention import gene_transformer as gene_transformer
from kgnn.zoo.biased_attention import pathway_transformer as pathway_transformer
from kgnn.zoo.binn import binn as binn
from kgnn.zoo.binn import dtox as dtox
from kgnn.zoo.chromegcn import chromegcn as chromegcn
from kgnn.zoo.citations import cite_run as cite_run
from kgnn.zoo.danq import danq as danq
from kgnn.zoo.dcell import dcell as dcell
from kgnn.zoo.deepbind import deepbind as deepbind
from kgnn.zoo.drugcell import drugcell as drugcell
from kgnn.zoo.drugcell import sparsego as sparsego
from kgnn.zoo.expimap import expimap as expimap
from kgnn.zoo.factorization import factorization as factorization
from kgnn.zoo.fit_recipe import build_model as build_model
from kgnn.zoo.fit_recipe import fit_recipe as fit_recipe
from kgnn.zoo.gears import gears as gears
from kgnn.zoo.gennet import gennet as gennet
from kgnn.zoo.graph_network import graph_network as graph_network
from kgnn.zoo.kpnn import kpnn as kpnn
from kgnn.zoo.learnmotifs import LearnedMotifs as LearnedMotifs
from kgnn.zoo.learnmotifs import learn_motifs as learn_motifs
from kgnn.zoo.learnmotifs import learnmotifs as learnmotifs
from kgnn.zoo.nest_vnn import nest_vnn as nest_vnn
from kgnn.zoo.ontovae import ontovae as ontovae
from kgnn.zoo.parsvnn import parsvnn as parsvnn
from kgnn.zoo.pathway_attention import pathway_attention as pathway_attention
from kgnn.zoo.pathway_clock import pathway_clock as pathway_clock
from kgnn.zoo.pnet import pnet as pnet
from kgnn.zoo.recipe import Card as Card
from kgnn.zoo.recipe import Recipe as Recipe
from kgnn.zoo.relation_graph import relation_graph as relation_graph
from kgnn.zoo.site_attention import site_attention as site_attention
from kgnn.zoo.vega import vega as vega

RECIPES: tuple[Recipe, ...] = (
    dcell, drugcell, sparsego, nest_vnn, parsvnn, kpnn, pathway_clock, pnet, binn, dtox, gennet,
    vega, ontovae, expimap, graph_network, relation_graph, pathway_attention, factorization, chromegcn,
    gears, gene_transformer, pathway_transformer, learnmotifs, deepbind, danq, site_attention,
)  # fmt: skip


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
