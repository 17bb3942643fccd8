"""The four mechanisms: each a formula, a module with `forward` and `trace`, and its trace. Torch only."""
