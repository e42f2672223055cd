"""The tool for boards: `python -m tools.board SUBCOMMAND`.

Start reading at `__main__.main`; each subcommand is a module of its name.
"""

from tools.gateway import paths  # noqa: F401 - makes `import ipsec` work for the modules below
