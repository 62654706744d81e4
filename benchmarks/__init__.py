"""How fast it is, as ratios: `python -m benchmarks NAME [--json] [--quick]`. Each module answers one question."""
