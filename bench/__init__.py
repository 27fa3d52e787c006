"""What is measured, peers side by side: `python -m bench.pod`, `bench.operator`, `bench.report`."""
