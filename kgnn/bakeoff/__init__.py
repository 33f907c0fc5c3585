"""The bake-off: families of networks and plain learners on the same nested splits."""

from kgnn.bakeoff.comparison import Comparison as Comparison
from kgnn.bakeoff.comparison import compare as compare
from kgnn.bakeoff.contestants import Contestant as Contestant
from kgnn.bakeoff.leaks import Leak as Leak
from kgnn.bakeoff.leaks import find_leaks as find_leaks
from kgnn.bakeoff.leaks import refuse_leaks as refuse_leaks
from kgnn.bakeoff.leaks import select_genes as select_genes
from kgnn.bakeoff.splits import Fold as Fold
from kgnn.bakeoff.splits import nested_folds as nested_folds
from kgnn.bakeoff.statistics import Interval as Interval
from kgnn.bakeoff.statistics import corrected_interval as corrected_interval
