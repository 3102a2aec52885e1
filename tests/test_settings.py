"""The profile's numbers of steps."""

import pytest

import dlimlib as dl

CHOICE = {"smoke": 20, "cpu": 1_500, "gpu": 12_000}


def test_steps_follow_the_profile_and_the_effort(monkeypatch):
    for profile, effort, expected in [
        ("cpu", None, 1_500), ("cpu", "", 1_500), ("cpu", "4", 6_000), ("gpu", "0.3333", 4_000),
        ("cpu", "0.0001", 1), ("smoke", "4", 20),
    ]:  # fmt: skip
        monkeypatch.setenv("DLIM_PROFILE", profile)
        monkeypatch.setenv("DLIM_EFFORT", effort) if effort is not None else None
        steps = dl.steps(**CHOICE)
        assert steps == expected and isinstance(steps, int)
        assert dl.budget(**CHOICE) == CHOICE[profile], "numbers of pictures stay what they are"


@pytest.mark.parametrize("effort", ["much", "0", "-1", "nan", "inf"])
def test_an_effort_that_is_none(monkeypatch, effort):
    monkeypatch.setenv("DLIM_EFFORT", effort)
    with pytest.raises(
        ValueError, match=f"DLIM_EFFORT must be a positive number such as 4 or 0.5, got {effort!r}"
    ):
        dl.steps(**CHOICE)
