"""NumPy plus a library makes a wheel: built, taken from the index, or with its library swapped."""
