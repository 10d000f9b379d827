"""Pack a version, to run it elsewhere: a piece of the template."""
