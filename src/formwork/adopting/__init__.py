"""The parts of `formwork adopt`: what a repository says about itself, and what becomes of each file."""
