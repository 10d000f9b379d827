"""Errors that the user can mend."""


class ProjectError(Exception):
    """One line that says what is wrong, where, and what to do."""
