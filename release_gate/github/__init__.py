"""GitHub, asked and told: optional, and never needed for a verdict.

`client` connects and asks with patience, `candidates` orders what a search finds, `lookup` asks
about a written report.
"""
