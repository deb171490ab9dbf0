"""For instructors: the student edition, made from the worked notebooks by nbgrader."""
