"""What one Python has of the packages that the course needs; that Python runs it (standard library only)."""

import csv
import json
import os
import re
import sys
from importlib import metadata


def name_of(text):
    """Return the name in a requirement, as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", text)[0]).lower()


def numbers(version):
    """Return the numbers of a version, to compare it."""
    return [int(number) for number in re.findall(r"\d+", version)]


def look(lines):
    """Return what is missing or too old of these (name>=version) and all that they need, by name.

    And {name: version} of what has lost files.
    """
    lacks, damaged, seen = set(), {}, set()
    todo = [(line, True) for line in lines]
    for line, needed in todo:  # it grows on the way
        name, lowest = name_of(line), line.partition(">=")[2]
        if name in seen:
            continue
        try:
            dist = metadata.distribution(name)
            about = dist.metadata  # read once: it costs more than all the rest
            version, needs = about["Version"], about.get_all("Requires-Dist") or ()
            old = numbers(version) < numbers(lowest)
            by_conda = (dist.read_text("INSTALLER") or "").strip() == "conda"
        except Exception:  # not there, or whatever the remains of its metadata raise
            if needed:
                lacks.add(name)
            continue
        seen.add(name)
        if old:
            lacks.add(name)
        if not by_conda and not whole(dist):  # the lists of conda's packages speak of where they were built
            damaged[name] = version
        for need in needs:  # what only some systems need counts where it is there
            if "extra ==" not in need:
                todo.append((name_of(need), ";" not in need and not by_conda))
    return sorted(lacks), dict(sorted(damaged.items()))


def whole(dist):
    """Return whether a package's files are there and as long as its RECORD says: 30,000 in 0.3 s."""
    folder = str(dist.locate_file("")) + os.sep
    try:
        rows = csv.reader((dist.read_text("RECORD") or "").splitlines())
        return all(
            os.stat(folder + name).st_size >= int(size or 0)
            for name, _, size in rows
            if not name.startswith("..") and not name.endswith(".pyc")
        )
    except (OSError, ValueError):  # gone, or the list itself is garbled
        return False


if __name__ == "__main__":
    print(json.dumps(look(sys.argv[1:])))
