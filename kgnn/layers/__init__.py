"""Blocks of flax.nnx that cannot leave the structure they were compiled from."""

from kgnn.layers.dropout import RowDropout as RowDropout
from kgnn.layers.graphs import graphs_tuple as graphs_tuple
from kgnn.layers.layout import Layout as Layout
from kgnn.layers.motif_conv import MotifConv as MotifConv
from kgnn.layers.motif_scores import best_filter_scores as best_filter_scores
from kgnn.layers.motif_scores import filter_scores as filter_scores
from kgnn.layers.motif_scores import reached as reached
from kgnn.layers.normalization import RowBatchNorm as RowBatchNorm
from kgnn.layers.prediction import Prediction as Prediction
from kgnn.layers.proximal import InformationBound as InformationBound
from kgnn.layers.proximal import NonNegative as NonNegative
from kgnn.layers.proximal import NonPositive as NonPositive
from kgnn.layers.proximal import Proximal as Proximal
from kgnn.layers.recurrent import BidirectionalLSTM as BidirectionalLSTM
from kgnn.layers.scaling import InputScaling as InputScaling
from kgnn.layers.subsystems import StateRule as StateRule
from kgnn.layers.subsystems import Subsystems as Subsystems
from kgnn.layers.subsystems import SubsystemSettings as SubsystemSettings
from kgnn.layers.token_attention import AttentionPooling as AttentionPooling
from kgnn.layers.token_attention import SelfAttention as SelfAttention
from kgnn.layers.token_attention import masked_softmax as masked_softmax
from kgnn.layers.tune import Candidate as Candidate
from kgnn.layers.tune import Tuning as Tuning
from kgnn.layers.tune import tune as tune
