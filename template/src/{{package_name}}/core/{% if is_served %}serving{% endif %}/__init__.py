"""The service: a version of the model behind HTTP."""
