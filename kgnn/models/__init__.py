"""A few architectures over shared layers; all are called by the contract in `kgnn.models.contract`."""

from kgnn.models.build import build as build
from kgnn.models.contract import BuildArguments as BuildArguments
from kgnn.models.contract import Model as Model
from kgnn.models.contract import Rows as Rows
from kgnn.models.dense import DenseNetwork as DenseNetwork
from kgnn.models.dense import width_of_equal_size as width_of_equal_size
from kgnn.models.motif_network import MotifNetwork as MotifNetwork
from kgnn.models.motif_network import MotifSettings as MotifSettings
from kgnn.models.replicates import Replicates as Replicates
from kgnn.models.response import DrugResponseNetwork as DrugResponseNetwork
from kgnn.models.site_attention import SiteAttentionNetwork as SiteAttentionNetwork
from kgnn.models.visible import VisibleNetwork as VisibleNetwork
