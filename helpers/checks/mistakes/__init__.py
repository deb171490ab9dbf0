"""The classic mistakes as data, one module for the exercises of each notebook."""
