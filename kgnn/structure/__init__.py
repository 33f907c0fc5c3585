"""Knowledge as fixed NumPy arrays: levels, buckets, wiring, alignment. No JAX here, and no files of samples."""

from kgnn.structure.buckets import Bucket as Bucket
from kgnn.structure.buckets import FanIn as FanIn
from kgnn.structure.buckets import plan_fan_in as plan_fan_in
from kgnn.structure.carry import CarryPlan as CarryPlan
from kgnn.structure.carry import plan_carry as plan_carry
from kgnn.structure.compile import Alignment as Alignment
from kgnn.structure.compile import compile_hierarchy as compile_hierarchy
from kgnn.structure.cost import Cost as Cost
from kgnn.structure.cost import hierarchy_cost as hierarchy_cost
from kgnn.structure.hierarchy import Hierarchy as Hierarchy
from kgnn.structure.kernels import Kernels as Kernels
from kgnn.structure.kernels import compile_kernels as compile_kernels
from kgnn.structure.kernels import is_kernels_file as is_kernels_file
from kgnn.structure.kernels import kernels_summary as kernels_summary
from kgnn.structure.match import TermMatch as TermMatch
from kgnn.structure.match import match_terms as match_terms
from kgnn.structure.motif_scores import SCORE_STEP as SCORE_STEP
from kgnn.structure.motif_scores import ScoreDistribution as ScoreDistribution
from kgnn.structure.motif_scores import log_odds_steps as log_odds_steps
from kgnn.structure.motif_scores import score_distribution as score_distribution
from kgnn.structure.null import shuffle_genes as shuffle_genes
from kgnn.structure.summary import alignment_summary as alignment_summary
from kgnn.structure.summary import describe as describe
from kgnn.structure.summary import hierarchy_summary as hierarchy_summary
