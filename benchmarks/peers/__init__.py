"""Our own plain PyTorch writing of other designs of the DrugCell network, to be timed beside kgnn's.

Written from the published descriptions of the designs; no line is taken from any program. Each computes the same
function as `kgnn.models.DrugResponseNetwork`, which `peers.agreement` checks on the same weights.
"""
