"""What the template promises: these tests are its own, and updates keep them current."""
