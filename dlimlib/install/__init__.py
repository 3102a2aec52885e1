"""The environment of the course: making it, completing a notebook's, saying what doesn't work in it."""
