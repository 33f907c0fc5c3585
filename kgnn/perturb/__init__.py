"""Virtual perturbations of a fitted model: it is asked what it has learned, gene by gene."""

from kgnn.perturb.doses import dose_response as dose_response
from kgnn.perturb.knockdown import knockdown as knockdown
from kgnn.perturb.screen import screen as screen
