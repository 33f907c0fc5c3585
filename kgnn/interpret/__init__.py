"""Which subsystems a fitted model leans on, and whether to believe it."""

from kgnn.interpret.activity import Activity as Activity
from kgnn.interpret.activity import subsystem_activity as subsystem_activity
from kgnn.interpret.annotate import annotate as annotate
from kgnn.interpret.annotate import subsystem_data as subsystem_data
from kgnn.interpret.importance import importance as importance
from kgnn.interpret.moderated import ModeratedTest as ModeratedTest
from kgnn.interpret.moderated import moderated_t_test as moderated_t_test
from kgnn.interpret.node_weights import compare_with_controls as compare_with_controls
from kgnn.interpret.node_weights import node_weights as node_weights
from kgnn.interpret.nulls import benjamini_hochberg as benjamini_hochberg
from kgnn.interpret.nulls import compare_with_null as compare_with_null
from kgnn.interpret.nulls import shuffled_weights as shuffled_weights
from kgnn.interpret.propagation import propagate_attention as propagate_attention
from kgnn.interpret.scan import Scanner as Scanner
from kgnn.interpret.scan import best_motif_scores as best_motif_scores
from kgnn.interpret.scan import motif_scanner as motif_scanner
from kgnn.interpret.scan import scan as scan
from kgnn.interpret.scan import scan_summary as scan_summary
from kgnn.interpret.sensitivity import node_sensitivity as node_sensitivity
from kgnn.interpret.soft_edges import prior_not_needed as prior_not_needed
from kgnn.interpret.soft_edges import select_edges as select_edges
from kgnn.interpret.soft_edges import selected_edges as selected_edges
from kgnn.interpret.term_activity import latent_enrichment as latent_enrichment
from kgnn.interpret.term_activity import term_activity as term_activity
from kgnn.interpret.touched import touched_subsystems as touched_subsystems
