"""Devices and gateways on a virtual network with virtual time: months in minutes, and each run repeatable by its seed.

The devices are the library's sans-IO tunnels, the gateways the reference responder; no socket, no thread, no real clock.
Start reading at `simulation.Simulation`; `python -m host_tests.simulator --seed 7 --days 1`.
"""
