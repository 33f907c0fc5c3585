"""A few architectures over shared layers; all are called by the contract in `kgnn.models.contract`."""

from kgnn.models.attention import GeneTransformer as GeneTransformer
from kgnn.models.attention import PathwayTransformer as PathwayTransformer
from kgnn.models.autoencoder import GeneSetAutoencoder as GeneSetAutoencoder
from kgnn.models.build import build as build
from kgnn.models.build import build_like as build_like
from kgnn.models.contact import ContactNetwork as ContactNetwork
from kgnn.models.contact import saliency_of_contacts as saliency_of_contacts
from kgnn.models.contract import BuildArguments as BuildArguments
from kgnn.models.contract import Model as Model
from kgnn.models.contract import Rows as Rows
from kgnn.models.dense import DenseNetwork as DenseNetwork
from kgnn.models.dense import width_of_equal_size as width_of_equal_size
from kgnn.models.factorization import FactorizationNetwork as FactorizationNetwork
from kgnn.models.graph import GraphNetwork as GraphNetwork
from kgnn.models.motif_network import MotifNetwork as MotifNetwork
from kgnn.models.motif_network import MotifSettings as MotifSettings
from kgnn.models.pathway import PathwayNetwork as PathwayNetwork
from kgnn.models.pathway_graphs import PathwayGraphs as PathwayGraphs
from kgnn.models.perturbation import PerturbationNetwork as PerturbationNetwork
from kgnn.models.regulatory import KPNN_SETTINGS as KPNN_SETTINGS
from kgnn.models.regulatory import RegulatoryNetwork as RegulatoryNetwork
from kgnn.models.replicates import Replicates as Replicates
from kgnn.models.response import DrugResponseNetwork as DrugResponseNetwork
from kgnn.models.site_attention import SiteAttentionNetwork as SiteAttentionNetwork
from kgnn.models.steady import SteadyStateNetwork as SteadyStateNetwork
from kgnn.models.visible import VisibleNetwork as VisibleNetwork
