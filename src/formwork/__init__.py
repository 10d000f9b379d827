"""Keep repositories current with the template that they come from: update, adopt, propose."""
