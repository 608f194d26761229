"""The writes of what leaves, one module per noun."""
