"""The checks. They run in the child, in the environment of the wheel under test.

Standard library and NumPy only, Python >= 3.9, NumPy >= 1.19, so that wheels of past releases can
be audited. Nothing here knows of GitHub, of policies or of other cells.
"""
