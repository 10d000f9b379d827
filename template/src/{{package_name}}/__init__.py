"""Your modules are here, `stages/` is for stages that you add, `core/` is the template's."""
