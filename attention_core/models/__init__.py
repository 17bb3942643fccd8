"""Networks that contain the mechanisms, and where their weights come from."""
