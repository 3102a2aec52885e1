"""Grading by comparing returned values, outside the process of the student."""
