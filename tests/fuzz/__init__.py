"""
Input that nobody in good faith sends, in large numbers: requests made up from the OpenAPI schema, and damaged files.

In small in every run of the suite; `make fuzz` runs the full numbers and prints them.
"""
