"""From what a platform exported to notebooks on the released skeleton."""
