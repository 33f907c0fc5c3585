"""Blocks of flax.nnx that cannot leave the structure they were compiled from."""

from kgnn.layers.decoder import DecoderSettings as DecoderSettings
from kgnn.layers.decoder import TermDecoder as TermDecoder
from kgnn.layers.dropout import RowDropout as RowDropout
from kgnn.layers.graphs import graphs_tuple as graphs_tuple
from kgnn.layers.layout import Layout as Layout
from kgnn.layers.linked import Linked as Linked
from kgnn.layers.linked import linked_product as linked_product
from kgnn.layers.motif_scores import best_filter_scores as best_filter_scores
from kgnn.layers.motif_scores import filter_scores as filter_scores
from kgnn.layers.motif_scores import reached as reached
from kgnn.layers.normalization import RowBatchNorm as RowBatchNorm
from kgnn.layers.prediction import Prediction as Prediction
from kgnn.layers.prices import EdgePrice as EdgePrice
from kgnn.layers.prices import SourcePrice as SourcePrice
from kgnn.layers.scaling import InputScaling as InputScaling
from kgnn.layers.subsystems import StateRule as StateRule
from kgnn.layers.subsystems import Subsystems as Subsystems
from kgnn.layers.subsystems import SubsystemSettings as SubsystemSettings
from kgnn.layers.tune import Candidate as Candidate
from kgnn.layers.tune import Tuning as Tuning
from kgnn.layers.tune import tune as tune
