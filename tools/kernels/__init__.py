"""Generators of the unrolled kernels in lib/ipsec/crypto/kernels: each writes one file, `python -m tools.kernels.<name>`."""
