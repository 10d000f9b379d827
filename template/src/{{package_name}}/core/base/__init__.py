"""What everything else rests on: it imports nothing of the package but itself."""
