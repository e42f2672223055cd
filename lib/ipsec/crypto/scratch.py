"""One working buffer for all keyed objects of the board backend, so that an SA needs none of its own.

Messages pass through it in rounds of `SIZE` octets: kernels copy or XOR between it and the caller's buffer, which may thus
have any alignment, and cryptolib works inside it (in viper through `views.py`). It holds nothing from one call to the next, but
serves one call at a time: not for interrupt handlers or a second thread. Start reading at `block`.
"""

BLOCKS = 46  # of 16 octets: a packet of 1400 octets and its first blocks take two rounds
SIZE = 16 * BLOCKS

block = bytearray(SIZE)
