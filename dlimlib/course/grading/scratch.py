"""The folder in which cells run without a sandbox: it goes with them."""

import contextlib
import os
import secrets
import tempfile


@contextlib.contextmanager
def scratch():
    """Make a folder; at the end it goes with all that is in it, however deep."""
    folder = tempfile.mkdtemp(prefix="dlim-cells-")
    try:
        yield folder
    finally:
        remove(folder)


def remove(folder):
    """Delete a folder without recursion, each folder in it moved to its top first; what resists stays."""
    waiting = [folder]
    with contextlib.suppress(OSError):
        os.chmod(folder, 0o700)
    while waiting:
        here = waiting.pop()
        with contextlib.suppress(OSError):
            with os.scandir(here) as entries:
                found = list(entries)
            for entry in found:
                with contextlib.suppress(OSError):
                    if not entry.is_dir(follow_symlinks=False):
                        os.unlink(entry.path)
                        continue
                    os.chmod(entry.path, 0o700)
                    waiting.append(os.path.join(folder, secrets.token_hex(8)))
                    os.rename(entry.path, waiting[-1])
            if here != folder:
                os.rmdir(here)
    with contextlib.suppress(OSError):
        os.rmdir(folder)
