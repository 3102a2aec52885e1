"""What the tests of dlimlib share."""

import json

import matplotlib
import matplotlib.pyplot as plt
import pytest

from dlimlib import recording

matplotlib.use("Agg")  # not by $MPLBACKEND: kernels that tests start would inherit it and show no figure


@pytest.fixture(autouse=True)
def smoke(monkeypatch):
    """Tests run at the smoke profile, whatever profile the notebooks are run at."""
    monkeypatch.setenv("DLIM_PROFILE", "smoke")
    monkeypatch.delenv(recording.VARIABLE, raising=False)


@pytest.fixture
def record(monkeypatch, tmp_path):
    """record(mode="record", name=…, folder=…, runs=…) puts a recording in force until the test ends."""

    def start(mode="record", *, name="toy", folder=tmp_path / "new", runs=tmp_path / "kept", kept=()):
        told = {"mode": mode, "name": name, "folder": str(folder), "runs": str(runs), "kept": kept}
        monkeypatch.setenv(recording.VARIABLE, json.dumps(told))

    return start


@pytest.fixture(autouse=True)
def no_figure_left():
    """Figures that a test leaves open are not there for the next one."""
    yield
    plt.close("all")
