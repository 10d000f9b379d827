"""What happens to a trained model: its lineage, the registry and predictions."""
