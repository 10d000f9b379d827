"""The parts of `formwork add`: what each scaffold writes, and how it is wired."""
