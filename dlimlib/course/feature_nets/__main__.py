"""python -m dlimlib.course.feature_nets [digits] [faces] [--mnist]"""

from .train import main

if __name__ == "__main__":
    main()
