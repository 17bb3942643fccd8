"""What is computed from traces."""
