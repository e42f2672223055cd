"""The tool for boards and gateways, `ipsec-board SUBCOMMAND`; from a checkout also `python -m ipsec_board SUBCOMMAND`.

Start reading at `__main__.main`; each subcommand is a module of its name.
"""

from ipsec_board import paths  # noqa: F401 - makes `import ipsec` work for the modules below
