"""Measures the service as its users meet it; ``tools/bench`` runs it."""
