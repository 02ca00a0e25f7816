"""What is to be checked: the tables in matrices/, this machine, and the plan made of both."""
