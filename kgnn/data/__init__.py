"""Samples: readers, splits, scalers and synthetic data with a planted truth.

A file of measurements comes in through `read_samples` and leaves as `Samples`, which every later room takes.
"""

from kgnn.data.counts import control_samples as control_samples
from kgnn.data.counts import log_per_million as log_per_million
from kgnn.data.drugcell import DrugCellSplits as DrugCellSplits
from kgnn.data.drugcell import read_drugcell as read_drugcell
from kgnn.data.drugcell import read_drugcell_splits as read_drugcell_splits
from kgnn.data.export import to_anndata as to_anndata
from kgnn.data.export import to_frame as to_frame
from kgnn.data.export import to_mudata as to_mudata
from kgnn.data.export import write_samples as write_samples
from kgnn.data.genotypes import read_genotype_list as read_genotype_list
from kgnn.data.group_targets import GroupScaling as GroupScaling
from kgnn.data.group_targets import standardize_targets as standardize_targets
from kgnn.data.h5ad import from_anndata as from_anndata
from kgnn.data.h5ad import read_h5ad as read_h5ad
from kgnn.data.h5mu import from_mudata as from_mudata
from kgnn.data.h5mu import read_h5mu as read_h5mu
from kgnn.data.measured import Modality as Modality
from kgnn.data.measured import Targets as Targets
from kgnn.data.missing import mask_missing as mask_missing
from kgnn.data.own_targets import with_own_targets as with_own_targets
from kgnn.data.packed import read_packed as read_packed
from kgnn.data.packed import write_packed as write_packed
from kgnn.data.parts import Parts as Parts
from kgnn.data.parts import read_parts as read_parts
from kgnn.data.planted_motifs import PlantedMotifs as PlantedMotifs
from kgnn.data.planted_motifs import plant_motifs as plant_motifs
from kgnn.data.planted_sets import PlantedSets as PlantedSets
from kgnn.data.planted_sets import planted_gene_sets as planted_gene_sets
from kgnn.data.read import read_samples as read_samples
from kgnn.data.regulatory_toy import RegulatoryToy as RegulatoryToy
from kgnn.data.regulatory_toy import regulatory_toy as regulatory_toy
from kgnn.data.samples import Samples as Samples
from kgnn.data.scaling import Scaler as Scaler
from kgnn.data.scaling import fit_scaler as fit_scaler
from kgnn.data.sequence_files import read_sequence_fasta as read_sequence_fasta
from kgnn.data.sequence_files import read_sequence_table as read_sequence_table
from kgnn.data.sequences import dinucleotide_shuffle as dinucleotide_shuffle
from kgnn.data.sequences import sequence_samples as sequence_samples
from kgnn.data.splits import Split as Split
from kgnn.data.splits import folds as folds
from kgnn.data.splits import leave_cell_out as leave_cell_out
from kgnn.data.splits import leave_drug_out as leave_drug_out
from kgnn.data.splits import split_by_group as split_by_group
from kgnn.data.splits import split_random as split_random
from kgnn.data.stored import StoredTable as StoredTable
from kgnn.data.synthetic import Toy as Toy
from kgnn.data.synthetic import random_ontology as random_ontology
from kgnn.data.synthetic import toy as toy
from kgnn.data.synthetic_contacts import ContactToy as ContactToy
from kgnn.data.synthetic_contacts import toy_contacts as toy_contacts
from kgnn.data.tables import read_table as read_table
from kgnn.data.window_places import place_windows as place_windows
from kgnn.data.write import write_table as write_table
