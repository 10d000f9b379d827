"""The foundation of the package: these modules import nothing else of it."""
