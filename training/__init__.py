"""The commands that train and score what ships in `assets/`."""
