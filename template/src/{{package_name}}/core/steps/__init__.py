"""The five steps of the pipeline: each reads files, writes files and knows no other step."""
