"""`python -m dlimlib.bootstrap`, as the first cells of the notebooks call it: see install/bootstrap.py."""

import sys

from dlimlib.install.bootstrap import main

if __name__ == "__main__":
    sys.exit(main())
