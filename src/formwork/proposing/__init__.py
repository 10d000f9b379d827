"""The parts of `formwork propose`: the forge, a fresh clone, and Markdown that notifies nobody."""
