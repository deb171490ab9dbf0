"""Tested functions that the notebooks import, one module for each concept."""
