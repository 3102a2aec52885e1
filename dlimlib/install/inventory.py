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


def look(names):
    """Return {name: version} of these and of all that they need (None: not there), and which are damaged."""
    found, damaged, todo = {}, [], [(name_of(name), True) for name in names]
    while todo:
        name, needed = todo.pop()
        if name in found:
            continue
        try:
            dist = metadata.distribution(name)
            about = dist.metadata  # read once: it costs more than all the rest
            found[name], lines = about["Version"], about.get_all("Requires-Dist") or ()
            by_conda = (dist.read_text("INSTALLER") or "").strip() == "conda"
        except Exception:  # not there, or whatever the remains of its metadata raise
            if needed:
                found[name] = None
            continue
        if not by_conda and not whole(dist):  # the lists of conda's packages speak of where they were built
            damaged.append(name)
        for line in lines:  # what only some systems need counts where it is there
            if "extra ==" not in line:
                todo.append((name_of(line), ";" not in line and not by_conda))
    return found, damaged


def whole(dist):
    """Whether a package's files are all there and as long as its RECORD says: 30,000 in 0.3 s."""
    try:
        folder = str(dist.locate_file("")) + os.sep
        for name, _, size in csv.reader((dist.read_text("RECORD") or "").splitlines()):
            if not name.startswith("..") and not name.endswith(".pyc"):
                if os.stat(folder + name).st_size < int(size or 0):
                    return False
    except (OSError, ValueError):  # gone, or the list itself is garbled
        return False
    return True


if __name__ == "__main__":
    print(json.dumps(look(sys.argv[1:])))
