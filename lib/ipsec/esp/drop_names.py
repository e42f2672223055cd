"""Names of the drop codes of ESP in their order, from -1 on; loaded when somebody asks."""

NAMES = (
    "too_short", "unknown_spi", "seq_zero", "replay", "icv", "padding", "next_header",
    "dummy", "selector", "seq_exhausted", "no_sa", "too_long", "busy", "no_memory",
)  # fmt: skip
