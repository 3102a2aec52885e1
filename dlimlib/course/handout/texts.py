"""All that students read of the hand-out beyond the notebook itself, in one place to be translated."""

CODE_STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
TEXT_STUB = "YOUR ANSWER HERE"
CHECK_HEADING = """\
## Check my work
Save the notebook, then run the next cell. It executes your graded cells and their visible tests once more,
from top to bottom and without the trainings, in a process of its own: so it also finds what works here only
because of a cell that you have deleted since. (The teacher's tests look at more than these.)"""
CHECK_CELL = 'from dlimlib.course.handout.check import check_my_work\n\ncheck_my_work("{file}")'

NO_FILE = "There is no {file} in {folder}. Save the notebook under this name, then run the cell again."
NO_TESTS = "{file} has no graded cells any more: take them from the notebook that was handed out."
SAVED = "As saved at {time}:"
PIECE = "{name}  {points} points  "
PASSED, FAILED = "passed", "not yet: {problem}"
OPEN = "still to be written"
SUM = "{reached} of {points} points of the tests are within reach; {open} more for what a person reads."

WAITING = "**Not marked yet:** no points for this answer are in the sum above."
