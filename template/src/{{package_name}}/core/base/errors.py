"""Errors that the user can fix."""


class ProjectError(Exception):
    """One line that says what is wrong, where, and what to do."""
