"""Results as pictures (matplotlib, plotly) and as one HTML page; needs the extra ``kgnn[plot]``."""

from kgnn.plot.bakeoff import contest as contest
from kgnn.plot.hierarchy import hierarchy_sunburst as hierarchy_sunburst
from kgnn.plot.knockdowns import knockdown_heatmap as knockdown_heatmap
from kgnn.plot.knockdowns import knockdown_volcano as knockdown_volcano
from kgnn.plot.report import report as report
from kgnn.plot.subsystems import subsystem_response as subsystem_response
from kgnn.plot.subsystems import top_subsystems as top_subsystems
from kgnn.plot.training import learning_curve as learning_curve
from kgnn.plot.training import scores as scores
