"""What becomes of a trained model: its lineage, the registry, predictions."""
