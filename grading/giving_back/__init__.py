"""Tables, feedback, reports, and the sheets of the platforms."""
