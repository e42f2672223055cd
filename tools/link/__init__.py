"""The linker: joins the modules that a configuration reaches into a few files, without what is never called.

The sources stay as they are, and so do the names that programs use: `import ipsec`, `from ipsec.config import Config`. What may
differ between joined and plain files is refused, never guessed; the unit tests run on both. Start reading at `link.link`.

    python -m tools.link --config ipsec.json --arch armv6m --out DIR      write the files
    python -m tools.link --report                                         octets and heap, plain and joined
    python -m tools.link --translate LOG                                  traces of a board with joined files, with our names
"""

from tools.gateway import paths  # noqa: F401 - makes `import ipsec` work for the modules below
