"""Generated repositories."""
