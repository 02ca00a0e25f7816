"""JSON Schemas (2020-12) of the documents that the gate writes, and how they are generated."""
