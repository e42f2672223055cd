"""Views of the scratch buffer's first blocks, made once, for the kernels in viper and plain Python; those in C need none.

Start reading at `views`.
"""

from ipsec.crypto.scratch import BLOCKS, block

views = [memoryview(block)[: 16 * n] for n in range(BLOCKS + 1)]  # by number of blocks, because slicing allocates
