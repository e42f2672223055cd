"""The library against real gateways: strongSwan in network namespaces, without installing anything on the machine.

`gateway.gateway()` is the scene; `spaces` draws its topology; `install` brings strongSwan; `python -m host_tests.interop`
is the same by hand. Start reading at `gateway.Gateway`.
"""
