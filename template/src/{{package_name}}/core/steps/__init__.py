"""The five steps of the pipeline: each reads and writes files, and none depends on another."""
