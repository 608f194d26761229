"""What several benchmarks share; nothing in here is run by itself."""
