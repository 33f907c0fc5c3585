"""What every benchmark shares: timing, memory, the machine, work loads, and the form of a result.

The scripts beside this folder ask one question each; everything that is no question lies here or in ``peers``.
"""
