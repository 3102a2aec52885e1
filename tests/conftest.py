"""What the tests of dlimlib share."""

import matplotlib
import matplotlib.pyplot as plt
import pytest

matplotlib.use("Agg")  # not by $MPLBACKEND: kernels that tests start would inherit it and show no figure


@pytest.fixture(autouse=True)
def smoke(monkeypatch):
    """Tests run at the smoke profile, whatever profile the notebooks are run at."""
    monkeypatch.setenv("DLIM_PROFILE", "smoke")
    monkeypatch.delenv("DLIM_RECORD", raising=False)


@pytest.fixture(autouse=True)
def no_figure_left():
    """Figures that a test leaves open are not there for the next one."""
    yield
    plt.close("all")
