"""Mutation: do the unit tests notice when one token of the library is wrong? `python -m host_tests.mutate`."""
