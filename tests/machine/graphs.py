"""What tests ask of the graphs that a topic's operators compile to: `printed("norms/compiled_graphs.py")`."""

import subprocess
import sys
from pathlib import Path


def printed(script):
    """Run a script of the tests in a process of its own, which must end well, and return the lines it prints.

    The compiler cannot look through the check of annotations of these tests.
    """
    path = Path(__file__).parents[1] / script
    done = subprocess.run([sys.executable, "-W", "ignore", str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()
