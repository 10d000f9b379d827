"""The machinery around your four modules: a module per step."""
