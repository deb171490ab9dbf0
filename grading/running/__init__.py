"""Students' code in a sandbox, and the stand-ins through which it is called."""
