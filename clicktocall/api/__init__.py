"""The native REST API, version 1: what servers drive."""
