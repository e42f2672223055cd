"""The main job on one machine: a device brings up a tunnel to a gateway and delivers readings through it.

`device.py` is what runs on the device, `gateways.py` and `runtimes.py` are what it can be run with, `timeline.py` shows it.
Start reading at `__main__.py`.
"""
