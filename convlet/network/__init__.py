"""A network as a whole: its architecture string, its parameters in one vector, its costs."""
