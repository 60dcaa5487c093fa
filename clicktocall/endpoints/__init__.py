"""Endpoints: what may be saved, and what may be pasted into a page. Used by every door."""
