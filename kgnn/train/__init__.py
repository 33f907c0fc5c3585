"""Fitting: losses, metrics, baselines, checkpoints and runs; knows the contract of a model and no recipe."""

from kgnn.train.config import TrainConfig as TrainConfig
from kgnn.train.fit import fit as fit
from kgnn.train.loop import train_model as train_model
from kgnn.train.metrics import evaluate as evaluate
from kgnn.train.migrate import Migration as Migration
from kgnn.train.migrate import migrate as migrate
from kgnn.train.predict import predict as predict
from kgnn.train.predict import predict_natural as predict_natural
from kgnn.train.pretrain import FirstStage as FirstStage
from kgnn.train.progress import EpochReport as EpochReport
from kgnn.train.progress import RichProgress as RichProgress
from kgnn.train.proximal import proximal_steps as proximal_steps
from kgnn.train.prune import Pruned as Pruned
from kgnn.train.prune import prune as prune
from kgnn.train.run import Run as Run
from kgnn.train.run import load_run as load_run
from kgnn.train.size import count_parameters as count_parameters
