"""Reports: what business users ask for by period, as a page, a file or a mail. One module is one report."""
