"""From a pin to a library: the package index, the files of a pin, and what a library holds."""
