"""The parts of a table on other machines."""
