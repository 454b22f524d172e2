"""The experiments of notebook 05: each returns rows, draws nothing, and depends on its arguments alone."""
