"""What shows that joined files (`ipsec_board.linker`) behave as plain ones, and what they save.

python -m tools.link --config ipsec.json --arch armv6m --out DIR      write the files
python -m tools.link --test [TEST ...]                                the unit tests on joined files, on the unix port
python -m tools.link --report                                         octets and heap, plain and joined
python -m tools.link --translate LOG                                  traces of a board with joined files, with our names
"""

from ipsec_board import paths  # noqa: F401 - makes `import ipsec` work for the modules below
