"""The history of calls: search and pictures of it, free of HTTP."""
