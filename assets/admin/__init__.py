"""The pages of the DACS side."""

from __future__ import annotations

from assets.admin import batch_runs, events, performance, score_calculations, scores


__all__ = ["batch_runs", "events", "performance", "score_calculations", "scores"]
