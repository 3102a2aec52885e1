"""How long `import dlimlib` takes, in a fresh interpreter."""

import statistics
import subprocess
import sys

CHILD = """
import sys, time
start = time.perf_counter()
import dlimlib
seconds = time.perf_counter() - start
assert "torch" not in sys.modules and "numpy" not in sys.modules
print(seconds)
"""


def rows():
    """Seconds against the bar of 0.1 s; the child fails when torch or NumPy comes along."""
    times = [
        float(subprocess.run([sys.executable, "-c", CHILD], capture_output=True, check=True).stdout)
        for _ in range(7)
    ]
    return [("import dlimlib, s", statistics.median(times), 0.1, "<= 1")]
