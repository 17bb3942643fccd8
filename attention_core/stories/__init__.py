"""Traces → stories: one file a mechanism, and what all of them share."""
