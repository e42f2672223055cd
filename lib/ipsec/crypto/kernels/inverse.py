# ruff: noqa: F821 - ptr32 is viper's own type
# mypy: ignore-errors
"""Inverses of public numbers by halving and subtracting (Kaliski 1995), in a twelfth of the time that a power takes.

The path depends on the numbers, so this is for the verification of signatures alone. Start reading at `inverse`.
"""

import micropython


@micropython.viper
def inverse(p: ptr32, u: int, x: ptr32, limbs: int) -> int:
    """Four numbers of 13-bit limbs at `x`: n, a, 0 and 1; the third becomes -2^k / a modulo n, below 2 n; k is returned.

    n is odd and has no factor in common with a; k is the length of n in bits at least, and twice that at most. Pass `x` for `p`
    and 0 for `u` too: viper keeps its first two variables in registers.
    """
    m = 8191
    size = limbs << 2
    n = limbs  # of the first two numbers, which become shorter
    q = 2  # of the last two, which become longer
    bits = 13
    k = 0
    some = 1
    while some and k < limbs * 26:
        a = int(x)  # the one of the first two that is halved, and the other
        b = a + size
        minus = -1
        p = ptr32(a)
        y = ptr32(b)
        if p[0] & y[0] & 1 == 0:  # at first, and behind a limb that was zero
            minus = 0
            if p[0] & 1:
                a = b
                b = int(x)
        else:  # both odd: the larger one, less the other
            i = n << 2
            p = ptr32(a + i)
            y = ptr32(b + i)
            u = 0
            while u == 0 and i:
                p = ptr32(int(p) - 4)
                y = ptr32(int(y) - 4)
                u = p[0] - y[0]
                i -= 4
            if u <= 0:
                a = b
                b = int(x)
        # halved as often as it is even
        p = ptr32(a)
        y = ptr32(b)
        u = p[0] - (y[0] & minus)
        low = u & m
        some = low
        by = 1
        while low and (low >> by) & 1 == 0:
            by += 1
        back = 13 - by
        i = n
        while i > 1:
            y = ptr32(int(y) + 4)
            u = (u >> 13) + p[1] - (y[0] & minus)
            p[0] = (low >> by) | ((u << back) & m)
            low = u & m
            some = some | low
            p = ptr32(int(p) + 4)
            i -= 1
        p[0] = low >> by
        p = ptr32(int(x) + ((n - 1) << 2))
        y = ptr32(int(p) + size)
        if p[0] | y[0] == 0:
            n -= 1
        # of the last two the one that is b's over a is doubled as often, and added to the other before
        y = ptr32(int(x) + int(x) + 3 * size - a)
        p = ptr32(int(x) + int(x) + 5 * size - int(y))
        u = 0
        low = 0
        i = q
        while i:
            v = y[0]
            u = (u >> 13) + p[0] + (v & minus)
            p[0] = u & m
            low = (low >> 13) + (v << by)
            y[0] = low & m
            p = ptr32(int(p) + 4)
            y = ptr32(int(y) + 4)
            i -= 1
        k += by
        bits -= by
        if bits <= 0:
            bits += 13
            if q < limbs:
                q += 1
    return k
