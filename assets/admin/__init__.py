"""The pages of the DACS side."""
