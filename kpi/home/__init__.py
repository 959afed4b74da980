"""The admin's home: what an operator wants to know in the first ten seconds."""
