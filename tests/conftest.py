"""What the tests of dlimlib share."""

import matplotlib
import pytest

matplotlib.use("Agg")  # not by $MPLBACKEND: kernels that tests start would inherit it and show no figure


@pytest.fixture(autouse=True)
def smoke(monkeypatch):
    """Tests run at the smoke profile, whatever profile the notebooks are run at."""
    monkeypatch.setenv("DLIM_PROFILE", "smoke")
    monkeypatch.delenv("DLIM_RECORD", raising=False)
