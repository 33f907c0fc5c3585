"""Which subsystems a fitted model leans on, and whether to believe it."""

from kgnn.interpret.importance import importance as importance
from kgnn.interpret.nulls import benjamini_hochberg as benjamini_hochberg
from kgnn.interpret.nulls import compare_with_null as compare_with_null
from kgnn.interpret.nulls import shuffled_weights as shuffled_weights
from kgnn.interpret.sensitivity import node_sensitivity as node_sensitivity
