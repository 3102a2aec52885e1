"""Every pytest run, also a bare `pytest --nbval-lax notebooks`: smoke profile, one thread, own folders.

It runs before any kernel or worker starts, and they inherit these variables: all of one run share a
folder, so that faces are rendered once, and no two runs ever do.
"""

import os
import shutil
import tempfile
from pathlib import Path

FOLDERS = {
    "DLIM_HOME": "home",
    "IPYTHONDIR": "ipython",
    "JUPYTER_CONFIG_DIR": "jupyter/config",
    "JUPYTER_DATA_DIR": "jupyter/data",
}
_scratch = None

if "PYTEST_XDIST_WORKER" not in os.environ:
    _scratch = Path(tempfile.mkdtemp(prefix="dlim-test-"))
    for variable, folder in FOLDERS.items():
        (_scratch / folder).mkdir(parents=True)
        os.environ[variable] = str(_scratch / folder)
    os.environ.setdefault("DLIM_PROFILE", "smoke")
    os.environ.pop("DLIM_RECORDING", None)
    os.environ["OMP_NUM_THREADS"] = "1"  # two workers with two threads each would fight for two cores


def pytest_unconfigure():
    """Remove what the run has cached."""
    if _scratch:
        shutil.rmtree(_scratch, ignore_errors=True)
