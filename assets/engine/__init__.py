"""What the DACS side computes, in plain Python: scores and baselines. No Django, no database."""
