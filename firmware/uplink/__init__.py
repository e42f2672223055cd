"""The application of a device: bring the network up, then the tunnel, then publish readings through it."""
