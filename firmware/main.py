# Starts the uplink at boot. Settings are in settings.json, the tunnel's in ipsec.json; both are written by
# `ipsec-board provision`.
from uplink.app import main

main()
