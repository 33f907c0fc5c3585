"""A few architectures over shared layers; all are called by the contract in `kgnn.models.contract`."""

from kgnn.models.autoencoder import GeneSetAutoencoder as GeneSetAutoencoder
from kgnn.models.build import build as build
from kgnn.models.contract import BuildArguments as BuildArguments
from kgnn.models.contract import Model as Model
from kgnn.models.contract import Rows as Rows
from kgnn.models.dense import DenseNetwork as DenseNetwork
from kgnn.models.dense import width_of_equal_size as width_of_equal_size
from kgnn.models.replicates import Replicates as Replicates
from kgnn.models.response import DrugResponseNetwork as DrugResponseNetwork
from kgnn.models.visible import VisibleNetwork as VisibleNetwork
