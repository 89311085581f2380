"""How one step is run: the contract of an engine, the NumPy engine and the compiled one."""
