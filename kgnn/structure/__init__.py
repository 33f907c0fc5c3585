"""Knowledge as fixed NumPy arrays: levels, buckets, wiring, alignment. No JAX here, and no files of samples."""

from kgnn.structure.buckets import Bucket as Bucket
from kgnn.structure.buckets import FanIn as FanIn
from kgnn.structure.buckets import plan_fan_in as plan_fan_in
from kgnn.structure.compile import Alignment as Alignment
from kgnn.structure.compile import compile_hierarchy as compile_hierarchy
from kgnn.structure.cost import Cost as Cost
from kgnn.structure.cost import hierarchy_cost as hierarchy_cost
from kgnn.structure.hierarchy import Hierarchy as Hierarchy
from kgnn.structure.null import shuffle_genes as shuffle_genes
from kgnn.structure.summary import alignment_summary as alignment_summary
from kgnn.structure.summary import describe as describe
from kgnn.structure.summary import hierarchy_summary as hierarchy_summary
