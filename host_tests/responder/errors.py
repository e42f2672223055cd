"""Refusals: a request that gets an error notification as its answer."""


class Refusal(Exception):
    """Answer with one error notification. With `fatal` the IKE SA ends (RFC 7296 2.21.2)."""

    def __init__(self, note: int, data: bytes = b"", fatal: bool = False, protocol: int = 0, spi: bytes = b""):
        super().__init__(note)
        self.note, self.data, self.fatal, self.protocol, self.spi = note, data, fatal, protocol, spi
