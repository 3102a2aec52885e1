"""python -m tests.benchmarks [words]: every timing beside its baseline, in one table, on one thread.

Each bench_*.py has `rows()`, which returns (name, ours, baseline, bar) for each timing. The bar is a sentence
about ours / baseline such as "<= 1.02" or ">= 2", or True or False where the benchmark judges by itself.
Without a baseline, None, the figure is only stated.
Words choose the files whose names contain one of them. The exit code is the number of bars that do not hold.
"""

import operator
import os
import sys
from importlib import import_module
from pathlib import Path

COMPARE = {"<=": operator.le, ">=": operator.ge}


def holds(ratio, bar):
    """Whether a ratio reaches its bar."""
    if isinstance(bar, bool):
        return bar
    sign, number = bar.split()
    return COMPARE[sign](ratio, float(number))


def main(words):
    os.environ["OMP_NUM_THREADS"] = "1"  # before PyTorch is imported
    files = sorted(path.stem for path in Path(__file__).parent.glob("bench_*.py"))
    files = [name for name in files if not words or any(word in name for word in words)]
    print(f"{'':48} {'ours':>12} {'baseline':>12} {'ratio':>8}  bar")
    failed = 0
    for name in files:
        for what, ours, baseline, bar in import_module(f"tests.benchmarks.{name}").rows():
            if baseline is None:
                print(f"{what:48} {ours:12.4g} {'':>12} {'':>8}  only stated: git has no earlier commit here")
                continue
            good = holds(ours / baseline, bar)
            failed += not good
            said = "" if isinstance(bar, bool) else f"{bar}: "
            verdict = "holds" if good else "DOES NOT HOLD"
            figures = f"{ours:12.4g} {baseline:12.4g} {ours / baseline:8.3f}"
            print(f"{what:48} {figures}  {said}{verdict}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
