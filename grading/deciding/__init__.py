"""Points, given outside of the sandbox."""
