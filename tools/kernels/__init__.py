"""Generators of long kernels in viper in lib/ipsec/crypto/kernels: each writes one file, `python -m tools.kernels.<name>`."""
