"""What a person grades, on pages or in formgrader."""
