"""The machinery around your five modules; an update may change anything in here."""
