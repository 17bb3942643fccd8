"""What the project claims of its speed, measured: one subject a file, each with what it is measured against.

`python -m benchmarks [subject …] [--rounds 9] [--threads 1]` measures and renews the subjects' sections of
docs/performance.md. `rounds.py` interleaves the sides, `report.py` keeps the results and writes the document.
"""
