"""What is handed out: the course as nbgrader is told of it, and the student edition."""
