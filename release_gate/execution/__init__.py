"""From a wheel and a cell to a `CellResult`: child processes, watchdog, stacks, kept answers."""
