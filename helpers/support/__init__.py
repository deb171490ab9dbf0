"""Machinery that no lesson needs: downloads, threads, progress bars, caching, parallel runs."""
