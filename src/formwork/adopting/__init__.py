"""The parts of `formwork adopt`: what a repository says about itself, and what happens to each file."""
