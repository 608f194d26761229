"""
The DACS side as the hub sees it: DACS's own REST addresses under `/dacs/` (`integration.md` 1.2, 3, 8).

The hub's connection DACS points here (`tieline:///dacs`, in the same process) or at a DACS of somebody else's: the
flows do not know the difference.
"""
