"""Which subsystems a fitted model leans on, and whether to believe it."""

from kgnn.interpret.activity import Activity as Activity
from kgnn.interpret.activity import subsystem_activity as subsystem_activity
from kgnn.interpret.annotate import annotate as annotate
from kgnn.interpret.annotate import subsystem_data as subsystem_data
from kgnn.interpret.importance import importance as importance
from kgnn.interpret.learned_motifs import compare_motifs as compare_motifs
from kgnn.interpret.learned_motifs import learned_motifs as learned_motifs
from kgnn.interpret.learned_motifs import motif_effects as motif_effects
from kgnn.interpret.nulls import benjamini_hochberg as benjamini_hochberg
from kgnn.interpret.nulls import compare_with_null as compare_with_null
from kgnn.interpret.nulls import shuffled_weights as shuffled_weights
from kgnn.interpret.scan import Scanner as Scanner
from kgnn.interpret.scan import best_motif_scores as best_motif_scores
from kgnn.interpret.scan import motif_scanner as motif_scanner
from kgnn.interpret.scan import scan as scan
from kgnn.interpret.scan import scan_summary as scan_summary
from kgnn.interpret.sensitivity import node_sensitivity as node_sensitivity
from kgnn.interpret.touched import touched_subsystems as touched_subsystems
