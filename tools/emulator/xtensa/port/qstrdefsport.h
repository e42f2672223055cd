// None: the names of this port stand in its C files.
