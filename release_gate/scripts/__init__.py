"""Short scripts that show a finding again: written, shrunk to what still fails, and run.

`levels` tell one call of a BLAS routine and its exact result as NumPy expressions, `text` makes a
script of that, `templates` one of a hand-written script and the parts that it names, `sources`
choose between the two, `running` runs them, `shrinking` makes them small; `shortening` takes few
lines for them.
"""
