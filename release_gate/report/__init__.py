"""What a run found, for people and programs: one document, and its renderings.

`record` is what a run hands over, `document` the report made of it (`release-gate/report/1`, all
that any rendering needs), `terminal`, `markdown`, `html` and `junit` render it, `reproducers`
writes the scripts beside it, `progress` shows a run while it goes on.
"""
