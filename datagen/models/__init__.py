"""The networks: tensors in, tensors out. The one room below the adapters that knows torch."""
