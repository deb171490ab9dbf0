"""For instructors: the student edition, made by nbgrader, and points for what comes back."""
