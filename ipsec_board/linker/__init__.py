"""The linker: joins the modules that a configuration reaches into a few files, without what is never called.

The sources stay as they are, and so do the names that programs use: `import ipsec`, `from ipsec.config import Config`. What might
differ between joined and plain files is refused, never guessed; the unit tests run on both. Start reading at `link.link`.
"""
