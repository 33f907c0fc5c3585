"""The command line: one library call a command.

Results go to stdout, progress to stderr; a user's mistake is one line on stderr and exit code 2. A command stands in
the module of its group, and in the table of `kgnn.cli.program`.
"""

from kgnn.cli.program import app as app
from kgnn.cli.program import main as main
