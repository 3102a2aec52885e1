"""Run: interrupts, checkpoints, resuming, bad losses, previews and the display."""

import copy
import errno
import io
import os
import random
import signal
import subprocess
import sys
import threading
import types
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch import nn

import dlimlib as dl
from dlimlib import settings, training
from dlimlib.training import checkpoint, display, log


class Batches:
    """Endless batches with the methods that dlimlib.data's have."""

    def __init__(self, seed=0):
        self.seed, self.generator = seed, torch.Generator().manual_seed(seed)

    def __iter__(self):
        return self

    def __next__(self):
        x = torch.randn(8, 4, generator=self.generator)
        return x, x.sum(1, keepdim=True)

    def state_dict(self):
        return {"generator": self.generator.get_state()}

    def load_state_dict(self, state):
        self.generator.set_state(state["generator"])

    def fingerprint(self):
        return f"sums, seed {self.seed}"


@pytest.fixture(autouse=True)
def own_home(monkeypatch, tmp_path):
    monkeypatch.setenv("DLIM_HOME", str(tmp_path))


def new_parts(seed=0, width=6):
    """A net with everything that has a state: batch norm, dropout, Adam, a schedule."""
    dl.seed(seed)
    net = nn.Sequential(nn.Linear(4, width), nn.BatchNorm1d(width), nn.Dropout(0.3), nn.Linear(width, 1))
    opt = torch.optim.Adam(net.parameters(), lr=0.01)
    return {"net": net, "opt": opt, "schedule": torch.optim.lr_scheduler.StepLR(opt, 7)}


def new_run(*, steps=30, seed=0, **options):
    return dl.Run("toy", Batches(), steps=steps, **new_parts(seed), **options)


def train(run, at=None, do=None):
    """The loop of a reader; `do()` happens inside step `at`."""
    net, opt, schedule = run.parts.values()
    for x, y in run:
        loss = (net(x) - y).square().mean() * (0.5 + random.random()) * (0.5 + np.random.rand())
        opt.zero_grad()
        loss.backward()
        opt.step()
        schedule.step()
        run.log(loss=loss, rate=schedule.get_last_lr()[0])
        if run.step == at:
            do()
    return run


def interrupt():
    signal.raise_signal(signal.SIGINT)


def kept(run):
    """The names in its folder, apart from the lock's."""
    return sorted(p.name for p in run.path.parent.iterdir() if p.suffix != ".lock")


def result(run):
    """Everything that two equal runs have in common, bit for bit."""
    numbers = torch.cat([p.flatten() for p in run.parts["net"].state_dict().values()])
    return numbers.tolist(), run.history, random.random(), np.random.rand(), torch.rand(1).item()


# ------------------------------------------------------------------------------ the loop


def test_a_run_yields_what_the_batches_yield_and_counts_steps():
    run, twin = new_run(steps=5), Batches()
    seen = []
    for x, y in run:
        assert torch.equal(x, next(twin)[0]) and y.shape == (8, 1)
        seen.append(run.step)
        assert not run.finished
        run.log(number=10 * run.step)
    assert seen == [0, 1, 2, 3, 4] and run.step == run.steps == 5 and run.finished
    assert run.history == {"number": ([0, 1, 2, 3, 4], [0.0, 10.0, 20.0, 30.0, 40.0])}
    assert list(run) == []  # nothing is left


def test_after_a_break_the_same_run_goes_on():
    run = new_run(steps=6)
    for _ in run:
        if run.step == 2:
            break
    assert [run.step for _ in run] == [2, 3, 4, 5]


def test_any_iterable_will_do_but_must_last():
    assert list(dl.Run("no-data", [None] * 3, steps=3)) == [None] * 3, "a loop may draw its own data"
    run = dl.Run("short", [1, 2, 3], steps=5)
    with pytest.raises(ValueError, match="batches ran out after 3 of 5 steps"):
        for _ in run:
            pass


@pytest.mark.parametrize("arguments, error, words", [
    ({"name": "a/b"}, ValueError, "letters, digits"),
    ({"name": ".."}, ValueError, "letters, digits"),
    ({"steps": 0}, ValueError, "steps and every must be at least 1"),
    ({"every": 0}, ValueError, "steps and every must be at least 1"),
    ({"z": torch.zeros(3)}, TypeError, "z must be a module, an optimizer or such, got Tensor"),
])  # fmt: skip
def test_wrong_arguments_are_refused_in_words(arguments, error, words):
    with pytest.raises(error, match=words):
        dl.Run(**{"name": "toy", "batches": Batches(), "steps": 3, **arguments})


def test_two_loops_of_one_name_are_refused_but_not_one_after_the_other():
    first, second = new_run(steps=3), new_run(steps=3)
    for _ in first:
        with pytest.raises(RuntimeError, match="two Runs named 'toy'"):
            next(iter(second))
    assert len(list(second)) == 3


# ------------------------------------------------------------------------------ the log


def test_logged_tensors_are_copied_and_free_of_the_graph():
    run, weight = new_run(steps=3, every=3), torch.ones(1, requires_grad=True)
    total = torch.zeros(())
    for _ in run:
        total += 1
        run.log(total=total, loss=(weight * 2).sum())
        assert all(not v.requires_grad for entries in run._log.pending.values() for _, v in entries)
    assert run.history["total"] == ([0, 1, 2], [1.0, 2.0, 3.0])
    assert run.history["loss"][1] == [2.0, 2.0, 2.0]


def test_a_loss_that_is_not_one_number_is_refused():
    with pytest.raises(ValueError, match=r"loss must be one number, got shape \(8,\)"):
        new_run().log(loss=torch.zeros(8))


def test_the_log_is_read_in_bulk_and_never_grows_without_bound(monkeypatch):
    monkeypatch.setattr(training, "READ_SECONDS", 1e9)
    reads, stack = [], torch.stack
    monkeypatch.setattr(torch, "stack", lambda tensors: reads.append(len(tensors)) or stack(tensors))
    for touch in ("item", "__float__", "cpu", "numpy"):
        monkeypatch.setattr(torch.Tensor, touch, lambda self: pytest.fail("the log waited for the device"))
    value = torch.tensor(0.5)
    run = new_run(steps=2000, every=2000)
    for _ in run:
        run.log(loss=value)
    assert sum(reads) == 2000 and len(reads) <= 6 and max(reads) <= log.PENDING
    assert len(run.history["loss"][0]) == 2000


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_logging_does_not_wait_for_the_gpu():
    run, loss = new_run(steps=20, every=100), torch.rand((), device="cuda")
    for _ in run:
        torch.cuda.set_sync_debug_mode("error")
        try:
            run.log(loss=loss)
        finally:
            torch.cuda.set_sync_debug_mode("default")
    assert len(run.history["loss"][0]) == 20


# ------------------------------------------------------------------------------ interrupts


def test_the_first_interrupt_finishes_the_step_saves_and_ends_the_loop(capsys):
    run = train(new_run(), at=11, do=interrupt)
    assert run.step == 12 and not run.finished and len(run.history["loss"][0]) == 12
    assert torch.load(run.path, weights_only=True)["step"] == 12
    assert "interrupted after step 12 of 30. Run(..., resume=True) goes on" in capsys.readouterr().out


def test_the_second_interrupt_raises_at_once():
    after = []

    def twice():
        interrupt()
        after.append("first")
        interrupt()
        after.append("second")

    with pytest.raises(KeyboardInterrupt):
        train(new_run(), at=3, do=twice)
    assert after == ["first"]


def end_with_success(run):
    train(run)


def end_with_break(run):
    for _ in run:
        break


def end_with_error(run):
    with pytest.raises(ZeroDivisionError):
        train(run, at=2, do=lambda: 1 / 0)


def end_with_interrupt(run):
    train(run, at=2, do=interrupt)


def end_with_two_interrupts(run):
    with pytest.raises(KeyboardInterrupt):
        train(run, at=2, do=lambda: (interrupt(), interrupt()))


def end_with_nan(run):
    with pytest.raises(FloatingPointError):
        train(run, at=2, do=lambda: run.log(loss=float("nan")))


def end_with_close(run):
    loop = iter(run)
    next(loop)
    loop.close()


def end_with_bad_preview(run):
    run.preview = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        train(run)


ENDINGS = [value for name, value in globals().items() if name.startswith("end_with_")]


@pytest.mark.parametrize("end", ENDINGS, ids=lambda end: end.__name__)
def test_the_old_signal_handler_is_back_after_every_way_out(end):
    def mine(number, frame):
        raise AssertionError("not now")

    old = signal.signal(signal.SIGINT, mine)
    try:
        run = new_run()
        during = []
        run.batches = watched(run.batches, during)
        end(run)
        assert during and mine not in during  # in the loop the Run's own handler was there
        assert signal.getsignal(signal.SIGINT) is mine
        with checkpoint.alone(run.path, "the lock is free"):
            pass
    finally:
        signal.signal(signal.SIGINT, old)


def watched(batches, handlers):
    """The same batches; each time the handler in force is noted."""
    for batch in batches:
        handlers.append(signal.getsignal(signal.SIGINT))
        yield batch


def test_a_run_works_outside_the_main_thread():
    before, run = signal.getsignal(signal.SIGINT), new_run()
    thread = threading.Thread(target=train, args=(run,))
    thread.start()
    thread.join()
    assert run.finished and signal.getsignal(signal.SIGINT) is before


# ------------------------------------------------------------------------------ resuming


def test_a_resumed_run_is_bit_identical_to_an_uninterrupted_one():
    whole = result(train(new_run(preview=lambda: torch.rand(3).sum() and None)))
    train(new_run(), at=10, do=interrupt)
    part = new_run(seed=5, resume=True)  # other weights and random numbers, to be replaced
    assert part.step == 11
    torch.rand(7), random.random(), np.random.rand()  # what is drawn before the loop does not matter
    assert result(train(part)) == whole


def test_the_batches_of_dlimlib_resume_in_their_order():
    x = torch.arange(40 * 3 * 16, dtype=torch.int64).reshape(40, 3, 4, 4).to(torch.uint8)
    from dlimlib.data.images import Images

    def loop(resume, stop=None):
        run = dl.Run("order", Images("made up", "1", x, mirror=True).batches(7), steps=20, resume=resume)
        for pictures, _ in run:
            run.log(sum=pictures.double().sum(), first=pictures[0, 0, 0, 0])
            if run.step == stop:
                interrupt()
        return run.history

    whole = loop(False)
    loop(False, stop=8)
    assert loop(True) == whole


def test_whatever_is_resumed_or_found_finished_says_so(capsys):
    train(new_run(), at=10, do=interrupt)
    capsys.readouterr()
    run = new_run(resume=True)
    assert capsys.readouterr().out == "toy: goes on after step 11 of 30.\n"
    train(run)
    capsys.readouterr()
    assert new_run(resume=True).finished
    said = "toy: finished already, 30 steps in 0:00; leave out resume=True to train anew.\n"
    assert capsys.readouterr().out == said
    assert new_run().step == 0  # a new run is the default


@pytest.mark.parametrize("part, setting, words", [
    (torch.optim.Adam, "lr", "opt's lr 0.01, not 0.02"),
    (torch.optim.Adam, "weight_decay", "opt's weight_decay 0.01, not 0.02"),
    (torch.optim.SGD, "momentum", "opt's momentum 0.01, not 0.02"),
])  # fmt: skip
@pytest.mark.parametrize("finished", [False, True])
def test_an_optimizer_setting_that_differs_is_named_and_the_checkpoints_counts(
    capsys, part, setting, words, finished
):
    def run(value, **options):
        opt = part([nn.Parameter(torch.zeros(2))], **{"lr": 0.1, setting: value})
        return dl.Run("toy", Batches(), steps=9, opt=opt, **options)

    for _ in (first := run(0.01)):
        if first.step == 4 and not finished:
            interrupt()
    capsys.readouterr()
    second = run(0.02, resume=True)
    assert second.parts["opt"].param_groups[0][setting] == 0.01
    said = f"toy: the checkpoint's settings count: {words}. Only a new run takes others.\n"
    assert capsys.readouterr().out.endswith(said)
    run(0.01, resume=True)
    assert "settings count" not in capsys.readouterr().out


def test_what_a_schedule_has_moved_is_no_other_setting(capsys):
    def run(lr, **options):
        opt = torch.optim.SGD([nn.Parameter(torch.zeros(2))], lr, momentum=0.9)
        cycle = torch.optim.lr_scheduler.OneCycleLR(opt, lr, total_steps=9)
        return dl.Run("cycle", Batches(), steps=9, opt=opt, cycle=cycle, **options)

    for _ in (first := run(0.1)):
        first.parts["opt"].step()
        first.parts["cycle"].step()
        if first.step == 4:
            interrupt()
    capsys.readouterr()
    run(0.1, resume=True)
    assert capsys.readouterr().out == "cycle: goes on after step 5 of 9.\n"
    run(0.2, resume=True)
    assert "opt's lr 0.004, not 0.008; opt's max_lr 0.1, not 0.2" in capsys.readouterr().out


# ------------------------------------------------------------------------------ starting anew


def test_a_new_run_makes_the_old_checkpoint_unusable_when_its_loop_begins(capsys):
    old = train(new_run()).path.read_bytes()
    run = new_run(seed=1)
    assert run.path.read_bytes() == old  # to make a Run is not to train yet
    with pytest.raises(ZeroDivisionError):
        train(run, at=2, do=lambda: 1 / 0)
    assert kept(run) == ["previous.pt"]
    capsys.readouterr()
    again = new_run(seed=1, resume=True)
    assert again.step == 0  # and not the finished one from before the crash
    said = capsys.readouterr().out
    assert "there is no checkpoint" in said and "named checkpoint.pt, it can be resumed" in said
    run.path.with_name("previous.pt").rename(run.path)
    assert new_run(resume=True).finished


def test_an_aborted_run_does_not_push_out_what_a_longer_one_left():
    night = train(new_run()).path.read_bytes()
    for _ in range(3):  # started by mistake, and stopped when that was noticed
        run = train(new_run(seed=1), at=3, do=interrupt)
        assert run.step == 4 and kept(run) == ["checkpoint.pt", "previous.pt"]
        assert run.path.with_name("previous.pt").read_bytes() == night
    second = train(new_run(seed=2)).path.read_bytes()
    train(new_run(seed=3), at=3, do=interrupt)
    assert run.path.with_name("previous.pt").read_bytes() == second  # it got as far, and is newer


def test_a_damaged_checkpoint_is_out_of_the_way_too():
    night = train(new_run()).path.read_bytes()
    run = train(new_run(), at=3, do=interrupt)
    run.path.write_bytes(b"half")
    train(new_run(), at=3, do=lambda: new_run().path.exists() and pytest.fail("still there"))
    assert run.path.with_name("previous.pt").read_bytes() == night


def test_only_of_a_long_run_it_is_said_where_it_went(monkeypatch, capsys):
    train(new_run(), at=10, do=interrupt)
    for limit, said in ((60, False), (0, True), (0, False)):  # the third finds it aside already
        monkeypatch.setattr(training, "SAVE_SECONDS", limit)
        capsys.readouterr()
        for _ in new_run():
            break
        out = capsys.readouterr().out
        assert ("An earlier run, 11 of 30 steps in 0:00, is kept as previous.pt in" in out) is said
        if not said and limit:
            path = new_run().path
            path.with_name("previous.pt").rename(path)


def test_a_disk_that_does_not_let_it_be_moved_does_not_stop_a_run(monkeypatch):
    train(new_run())
    monkeypatch.setattr(os, "replace", no_space)
    with pytest.warns(UserWarning, match="could not be written"):
        assert train(new_run()).finished


# ------------------------------------------------------------------------------ two at once


OTHER = """
import sys
sys.path[:0] = [{tests!r}, {root!r}]
import test_training as t

def wait():
    print("in the loop", flush=True)
    sys.stdin.readline()

t.train(t.new_run(), at=3, do=wait)
"""


def test_of_two_processes_with_one_name_the_second_is_refused_until_the_first_is_gone():
    here = Path(__file__).resolve().parent
    code = OTHER.format(tests=str(here), root=str(here.parent))
    other = subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1, text=True)
    try:
        for line in other.stdout:
            if "in the loop" in line:
                break
        run = new_run()
        with pytest.raises(RuntimeError, match="two Runs named 'toy' .* in another notebook"):
            train(run)
    finally:
        other.kill()  # it has no time to give anything back
        other.communicate()
    assert train(run).finished


@pytest.mark.parametrize("error", [OSError(errno.ENOLCK, "No locks available"), NotImplementedError()])
def test_a_file_system_without_locks_does_not_stop_a_run(monkeypatch, error):
    def refuse(self):
        raise error

    monkeypatch.setattr(checkpoint.FileLock, "acquire", refuse)
    assert train(new_run()).finished and new_run(resume=True).finished


def test_resuming_without_a_checkpoint_starts_anew_and_says_so(capsys):
    run = new_run(resume=True)
    assert run.step == 0
    assert "there is no checkpoint" in capsys.readouterr().out
    train(run)
    assert run.finished


@pytest.mark.parametrize("change, words", [
    ({"width": 7}, r"net's 0.weight was \(6, 4\) and is now \(7, 4\)"),
    ({"steps": 40}, "the number of steps was 30 and is now 40"),
    ({"data": 1}, "the data in batches was sums, seed 0 and is now sums, seed 1"),
    ({"more": nn.Linear(1, 1)}, "list of parts was net, opt, schedule and is now net, opt, schedule, more"),
])  # fmt: skip
def test_a_checkpoint_of_another_run_is_refused_and_nothing_loaded(change, words):
    train(new_run(), at=10, do=interrupt)
    parts = new_parts(seed=3, width=change.pop("width", 6))
    batches, steps = Batches(change.pop("data", 0)), change.pop("steps", 30)
    before = [copy.deepcopy(part.state_dict()) for part in (batches, parts["net"])]
    with pytest.raises(ValueError, match=words):
        dl.Run("toy", batches, steps=steps, resume=True, **parts, **change)
    for part, state in zip((batches, parts["net"]), before, strict=True):
        assert all(torch.equal(value, state[key]) for key, value in part.state_dict().items())


def test_of_several_parts_none_is_loaded_when_one_does_not_fit():
    for _ in (run := dl.Run("pair", Batches(), steps=9, E=nn.Linear(2, 2), D=nn.Linear(2, 2))):
        if run.step == 4:
            interrupt()
    E = nn.Linear(2, 2)
    before = E.weight.tolist()
    with pytest.raises(ValueError, match="D's weight was"):
        dl.Run("pair", Batches(), steps=9, resume=True, E=E, D=nn.Linear(2, 3))
    assert E.weight.tolist() == before


def test_an_optimizer_over_other_weights_is_refused():
    def run(weights, **options):
        opt = torch.optim.SGD([nn.Parameter(torch.zeros(2)) for _ in range(weights)])
        return dl.Run("groups", Batches(), steps=2, opt=opt, **options)

    list(run(1))
    with pytest.raises(ValueError, match="opt's group 0 was 1 tensors and is now 2 tensors"):
        run(2, resume=True)


def test_batches_without_a_state_can_not_be_resumed_in_the_middle():
    for _ in (run := dl.Run("plain", [1] * 9, steps=9)):
        if run.step == 4:
            interrupt()
    with pytest.raises(ValueError, match="their order is lost"):
        dl.Run("plain", [1] * 9, steps=9, resume=True)


def test_profiles_and_names_have_checkpoints_of_their_own(monkeypatch, tmp_path):
    assert new_run().path == tmp_path / "runs" / "toy" / "smoke" / "checkpoint.pt"
    monkeypatch.setenv("DLIM_PROFILE", "cpu")
    assert new_run().path == tmp_path / "runs" / "toy" / "cpu" / "checkpoint.pt"


# ------------------------------------------------------------------------------ recording


def test_a_recording_that_is_interrupted_saves_and_stops_the_notebook(record):
    whole = result(train(new_run()))
    record()
    with pytest.raises(training.Interrupted, match="after step 5 of 30"):
        train(new_run(), at=4, do=interrupt)
    run = new_run(seed=1)  # resumes without being told
    assert run.step == 5
    assert result(train(run)) == whole


def test_a_finished_run_of_a_recording_yields_nothing_and_restores_its_parts(record):
    record()
    whole = result(train(new_run()))
    run = new_run(seed=1)
    assert run.finished
    assert list(run) == []
    assert result(run) == whole  # the random numbers, too, stand where they stood


def test_recordings_have_their_own_folder_and_refreshing_finds_what_they_trained(record, tmp_path):
    record()
    whole = result(train(new_run()))
    record("refresh", kept=["toy"])
    run = new_run(seed=1)
    assert run.path == tmp_path / "kept" / "toy" / "smoke" / "checkpoint.pt"
    assert list(run) == [] and result(run) == whole
    record("refresh")  # half-done, or of other code
    run = new_run(seed=1)
    assert list(run) == [] and run.history == {} and not run.path.exists(), "a refresh never trains"


def test_a_run_says_that_the_stored_weights_will_not_fit(monkeypatch, capsys):
    monkeypatch.setattr(
        training.pretrained, "misfit", lambda name, parts, data: f"{name}: no fit for {[*parts]}"
    )
    run = new_run()
    assert f"toy: no fit for {[*run.parts]}" in capsys.readouterr().out


# ------------------------------------------------------------------------------ checkpoints


def test_a_checkpoint_is_plain_tensors_and_numbers():
    run = train(new_run())
    state = torch.load(run.path, weights_only=True)
    assert state["step"] == state["steps"] == 30 and state["data"] == {"batches": "sums, seed 0"}
    assert set(state["parts"]) == {"net", "opt", "schedule"}
    assert {"python", "numpy", "torch"} <= set(state["rng"])
    assert kept(run) == ["checkpoint.pt"]


def test_what_could_not_be_loaded_again_is_not_saved():
    run = new_run()
    run.parts["opt"].param_groups[0]["weight_decay"] = np.float64(0.1)
    with pytest.raises(TypeError, match="make it a float"):
        train(run)
    assert not run.path.exists()


def test_checkpoints_are_rare(monkeypatch):
    times = []
    monkeypatch.setattr(checkpoint, "write", lambda path, state: times.append(state["step"]))
    train(new_run())
    assert times == [30]  # at the end; before that, a minute has to pass
    times.clear()
    monkeypatch.setattr(training, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(training, "time", types.SimpleNamespace(perf_counter=iter(range(10**6)).__next__))
    train(new_run(steps=100))  # each look at the clock finds a second gone, so a checkpoint takes one
    assert 3 <= len(times) <= 12 and times[-1] == 100  # the cost of saving spaces them


CHILD = """
import os, signal, sys
sys.path[:0] = [{tests!r}, {root!r}]
import test_training as t
from dlimlib import training
from dlimlib.training import checkpoint

kill = lambda: os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
training.SAVE_SECONDS, clock, fsync, saves = -1e9, 0, os.fsync, 0

def half_then_die(file):
    global saves
    saves += 1
    if saves == 9:
        os.ftruncate(file, os.fstat(file).st_size // 2)
        kill()
    fsync(file)

def die_before_the_rename(old, new):
    global saves
    saves += new.name == "checkpoint.pt"
    if saves == 9:
        kill()
    os.rename(old, new) if not os.path.exists(new) else (os.unlink(new), os.rename(old, new))

if {when!r} == "writing":
    os.fsync = half_then_die
else:
    os.replace = die_before_the_rename
training.max = lambda *numbers: 0  # a checkpoint after every step
t.train(t.new_run())
"""


@pytest.mark.slow
@pytest.mark.parametrize("when", ["writing", "renaming"])
def test_a_kill_in_the_middle_of_saving_leaves_a_checkpoint_to_go_on_from(when):
    whole = result(train(new_run()))
    here = Path(__file__).resolve().parent
    code = CHILD.format(tests=str(here), root=str(here.parent), when=when)
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert child.returncode != 0 and "Error" not in child.stderr, child.stderr
    run = new_run(seed=4, resume=True)
    assert list(run.path.parent.glob("*.tmp"))  # it was really killed with a file half written
    assert run.step == 8
    assert result(train(run)) == whole
    assert not list(run.path.parent.glob("*.tmp")), "what the killed process left is gone"


def no_space(*arguments):
    raise OSError(errno.ENOSPC, "No space left on device")


def full_device(path, mode):
    return open("/dev/full", mode)


@pytest.mark.parametrize("full", ["torch.save", "/dev/full", "replace"])
def test_a_full_disk_warns_once_keeps_the_old_checkpoint_and_trains_on(monkeypatch, full):
    if full == "/dev/full" and not os.path.exists(full):
        pytest.skip("there is no /dev/full here")
    run = train(new_run(), at=6, do=interrupt)
    before = run.path.read_bytes()
    monkeypatch.setattr(training, "SAVE_SECONDS", 0)
    monkeypatch.setattr(training, "max", lambda *numbers: 0, raising=False)  # a checkpoint after every step
    if full == "torch.save":
        monkeypatch.setattr(torch, "save", no_space)
    elif full == "replace":
        monkeypatch.setattr(os, "replace", no_space)
    else:
        monkeypatch.setattr(checkpoint, "open", full_device, raising=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        train(run)
    assert len(caught) == 1 and "could not be written" in str(caught[0].message)
    assert "No space left" in str(caught[0].message)
    assert run.finished and run.path.read_bytes() == before
    assert kept(run) == ["checkpoint.pt"]


def test_an_interrupt_on_a_full_disk_does_not_claim_to_have_saved(monkeypatch, capsys):
    monkeypatch.setattr(torch, "save", no_space)
    with pytest.warns(UserWarning, match="could not be written"):
        train(new_run(), at=6, do=interrupt)
    assert "could NOT be saved" in capsys.readouterr().out


@pytest.mark.parametrize("damage", [
    *(lambda d, part=part: d[: int(part * len(d))] for part in (0, 0.001, 0.1, 0.5, 0.9, 0.999)),
    lambda d: d[:-1],
    lambda d: d + b"x",
    *(lambda d, at=at: flipped(d, int(at * (len(d) - 64)), 64) for at in (0, 0.1, 0.3, 0.5, 0.7, 0.9, 1)),
    *(lambda d, at=at: flipped(d, int(at * (len(d) - 1)), 1) for at in (0, 0.2, 0.4, 0.6, 0.8, 1)),
    lambda d: random.Random(0).randbytes(len(d)),
    lambda d: b"PK",
    lambda d: d[: -checkpoint.DIGEST],  # what torch.save alone writes
    lambda d: saved({"net": torch.zeros(3)}),
])  # fmt: skip
def test_a_damaged_or_foreign_checkpoint_ends_in_a_sentence(damage):
    run = train(new_run(), at=10, do=interrupt)
    run.path.write_bytes(damage(run.path.read_bytes()))
    with pytest.raises(ValueError) as caught:
        new_run(resume=True)
    assert str(caught.value) == (
        "toy can't go on from its checkpoint: checkpoint.pt is damaged, or no checkpoint of this course. "
        f"To start anew leave out resume=True, or delete {run.path}"
    )
    assert train(new_run()).finished


def flipped(data, begin, length):
    """The data with some bytes turned over."""
    middle = bytes(255 - byte for byte in data[begin : begin + length])
    return data[:begin] + middle + data[begin + length :]


def saved(state):
    """What PyTorch writes of a state."""
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


# ------------------------------------------------------------------------------ bad losses


@pytest.mark.parametrize("bad", ["nan", "inf", "-inf"])
def test_a_bad_loss_stops_the_run_by_name_and_first_step(monkeypatch, bad):
    good = train(new_run(), at=3, do=interrupt).path.read_bytes()
    run = new_run()
    with pytest.raises(FloatingPointError, match=f"loss_G became {bad} at step 7"):
        for _ in run:
            run.log(loss_D=1.0 if run.step < 9 else float("nan"))
            run.log(loss_G=torch.tensor(1.0 if run.step < 7 else float(bad)))
    assert kept(run) == ["previous.pt"]  # no checkpoint with bad numbers in it
    assert run.path.with_name("previous.pt").read_bytes() == good
    assert run.history["loss_G"][1][:7] == [1.0] * 7  # the curve up to there can still be drawn
    with pytest.raises(FloatingPointError):
        list(run)


def test_a_bad_loss_is_found_at_the_next_read(monkeypatch):
    monkeypatch.setattr(training, "READ_SECONDS", 0)
    run = new_run(steps=1000, every=1000)
    with pytest.raises(FloatingPointError):
        for _ in run:
            run.log(loss=torch.tensor(float("nan") if run.step == 5 else 0.0))
    assert run.step == 6 and not run.path.exists()


# ------------------------------------------------------------------------------ preview


@pytest.mark.parametrize("fails", [False, True])
def test_a_preview_sees_eval_and_no_grad_and_changes_nothing(fails):
    seen = []

    def preview():
        net = run.parts["net"]
        seen.append((torch.is_grad_enabled(), [m.training for m in net.modules()]))
        net[1].train()
        torch.rand(5), random.random(), np.random.rand()
        return 1 / 0 if fails else net(torch.zeros(2, 4)).view(2, 1, 1, 1)

    run = new_run(preview=preview)
    net = run.parts["net"].train()
    net[1].eval()  # a frozen layer stays frozen
    modes = [m.training for m in net.modules()]
    state, numbers = random.getstate(), (torch.get_rng_state(), np.random.get_state()[1].tolist())
    if fails:
        with pytest.raises(ZeroDivisionError):
            run.show()
    else:
        assert run.show().shape == (2, 1, 1, 1)
    assert seen == [(False, [False] * 5)]
    assert [m.training for m in net.modules()] == modes and torch.is_grad_enabled()
    assert random.getstate() == state and torch.equal(torch.get_rng_state(), numbers[0])
    assert np.random.get_state()[1].tolist() == numbers[1]


def test_nothing_of_the_preview_or_autocast_reaches_the_loop(monkeypatch):
    monkeypatch.setattr(training, "READ_SECONDS", 0)
    run = new_run(steps=4, preview=lambda: None)
    for _ in run:
        assert torch.is_grad_enabled() and not torch.is_autocast_enabled("cpu")
        assert run.parts["net"].training
        with run.autocast():
            assert not torch.is_autocast_enabled("cpu")  # nothing on a CPU
            assert run.parts["net"](torch.zeros(2, 4)).dtype == torch.float32


def test_a_mistake_in_the_preview_comes_to_light_in_plain_text_too():
    with pytest.raises(ZeroDivisionError):
        train(new_run(preview=lambda: 1 / 0))


@pytest.mark.parametrize("capability, enabled", [((8, 0), True), ((7, 5), False)])
def test_autocast_is_for_gpus_that_compute_in_bfloat16(monkeypatch, capability, enabled):
    monkeypatch.setattr(training, "device", lambda: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    monkeypatch.setattr(torch, "autocast", lambda kind, dtype: (kind, dtype))
    assert (new_run().autocast() == ("cuda", torch.bfloat16)) is enabled


def test_choosing_a_gpu_switches_tf32_on_but_only_once(monkeypatch):
    asked = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "set_float32_matmul_precision", asked.append)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    settings._allow_tf32.cache_clear()
    assert [dl.device(), dl.device()] == [torch.device("cuda")] * 2
    assert asked == ["high"] and torch.backends.cudnn.allow_tf32


def test_a_wrong_profile_is_answered_with_the_choices(monkeypatch):
    monkeypatch.setenv("DLIM_PROFILE", "fast")
    for early in (dl.profile, lambda: dl.budget(smoke=1, cpu=2, gpu=3), new_run):
        with pytest.raises(ValueError, match="DLIM_PROFILE must be one of smoke, cpu, gpu, got 'fast'"):
            early()


# ------------------------------------------------------------------------------ display


def test_a_terminal_gets_about_ten_lines(capsys):
    run = new_run(steps=1000)
    for _ in run:
        run.log(loss_D=0.25, loss_G=torch.tensor(3.0))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert lines[0].startswith("toy: step 100/1000, 0:") and lines[0].endswith(" left, loss_D 0.25, loss_G 3")


def test_times_read_like_a_clock():
    assert [display.clock(s) for s in (7.4, 725, 3723)] == ["0:07", "12:05", "1:02:03"]


@pytest.fixture
def kernel(monkeypatch):
    """A stand-in for a notebook's kernel; returns the list of (display number, "new" or "again", bundle)."""
    import IPython
    import IPython.display

    plt.switch_backend("Agg")  # while there is no shell yet that it would hook itself into
    shown = []

    def display(bundle, metadata, raw, display_id):
        number = len({n for n, _, _ in shown})
        shown.append((number, "new", bundle))
        update = lambda bundle, metadata, raw: shown.append((number, "again", bundle))  # noqa: E731
        return types.SimpleNamespace(update=update)

    monkeypatch.setattr(IPython, "get_ipython", lambda: types.SimpleNamespace(kernel=object()))
    monkeypatch.setattr(IPython.display, "display", display)
    return shown


def test_a_notebook_shows_a_bar_and_a_figure_redrawn_in_place(kernel, monkeypatch):
    monkeypatch.setenv("DLIM_PROFILE", "cpu")
    monkeypatch.setattr(training, "READ_SECONDS", 0)
    figures = plt.get_fignums()
    run = new_run(steps=40, preview=lambda: torch.zeros(4, 3, 8, 8))
    train(run)
    bars = [bundle["text/html"] for number, _, bundle in kernel if number == 0]
    pictures = [bundle["image/png"] for number, _, bundle in kernel if number == 1]
    assert {number for number, _, _ in kernel} == {0, 1} and [new for _, new, _ in kernel].count("new") == 2
    assert len(bars) == 41 and 'value="1" max="40"' in bars[0] and "toy: 40 steps in 0:0" in bars[-1]
    assert 2 <= len(pictures) <= 4  # far fewer than steps: they would have slowed the run
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)
    assert plt.get_fignums() == figures


def test_drawing_takes_at_most_a_tenth_of_the_time(kernel, monkeypatch):
    monkeypatch.setenv("DLIM_PROFILE", "cpu")
    clock, spent = [0.0], []

    def draw(run):
        clock[0] += 3.0
        spent.append(3.0)
        return b"\x89PNG", "Curves"

    for module in (training, display):
        monkeypatch.setattr(module, "time", types.SimpleNamespace(perf_counter=lambda: clock[0]))
    monkeypatch.setattr(display, "picture", draw)
    for _ in new_run(steps=3000):
        clock[0] += 0.1
    assert 0.05 < sum(spent[:-1]) / clock[0] < 0.11


def test_a_film_goes_from_before_the_first_step_to_after_the_last():
    run = new_run(steps=10, film=3, preview=lambda: torch.full((2, 1, 4, 5), run.step / 5 - 1))
    train(run)
    assert run.film.shape == (3, 2, 1, 4, 5) and run.film.dtype == torch.uint8
    assert run.film[:, 0, 0, 0, 0].tolist() == [0, 128, 255]


def test_the_film_of_a_resumed_run_is_that_of_an_uninterrupted_one():
    def shot(at=None, do=None, **options):
        run = new_run(film=7, preview=lambda: run.parts["net"][0].weight[None, None], **options)
        return train(run, at, do)

    whole = shot().film
    assert len(shot(at=12, do=interrupt).film) < len(whole) == 7
    assert torch.equal(shot(resume=True).film, whole) and not torch.equal(whole[0], whole[-1])
    assert torch.equal(new_run(film=7, preview=lambda: None, resume=True).film, whole), "finished"


@pytest.mark.parametrize("film, preview", [(1, lambda: None), (5, None)])
def test_a_film_needs_frames_and_a_preview(film, preview):
    with pytest.raises(ValueError, match="two frames at least"):
        new_run(film=film, preview=preview)
    with pytest.raises(ValueError, match=r"film=24"):
        _ = new_run().film


def test_a_preview_may_return_a_figure_or_nothing(kernel, monkeypatch):
    run = new_run(preview=lambda: plt.figure(figsize=(3, 2)))
    figures = plt.get_fignums()
    assert display.picture(run)[0].startswith(b"\x89PNG") and plt.get_fignums() == figures
    assert display.picture(new_run()) is None
    run = new_run(preview=lambda: None)
    run.log(loss=1.0)
    png, alt = display.picture(run)
    assert png.startswith(b"\x89PNG") and alt == "Curves of loss over 0 steps"


def test_smoke_and_terminals_are_plain(kernel, monkeypatch):
    assert isinstance(display.view(new_run()), display.Text)
    monkeypatch.setenv("DLIM_PROFILE", "cpu")
    assert isinstance(display.view(new_run()), display.Notebook)
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: None)
    assert isinstance(display.view(new_run()), display.Text)
