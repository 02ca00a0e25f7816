"""From what was seen to the answer: pure functions over frozen values.

`classify` compares one check on both sides, `admission` says which results count, `requirements`
holds the comparisons against the policy, `findings` groups what failed by root cause, `issues`
links findings to known OpenBLAS issues, and `decide` puts them together.
"""
