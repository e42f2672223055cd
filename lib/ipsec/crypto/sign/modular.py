"""Numbers modulo an odd number in slots of a store, and programs over them: `Modulus`, by the kernel or by long integers.

Both keep numbers in Montgomery's form where they are multiplied: x R with R = 2^(13 limbs), so that constants are the same.
Long integers (CPython, ports without native code) are right, but not constant in time. Start reading at `Modulus`.
"""

from ipsec.crypto import ct
from ipsec.micro import NO_KERNEL, const, copy, locked, native

_HEAD = const(3)  # slots in front of slot 0: the modulus, and scratch of a product

try:
    if native:
        run, load, store, pick = native.modular, native.load_number, native.store_number, native.pick
    else:
        from ipsec.crypto.kernels.modular import load, pick, run, store
except (AttributeError,) + NO_KERNEL:  # the small native module has none
    run = None

MUL, SQR, ADD, SUB = range(4)


def _limbs(bits: int) -> int:
    """How many limbs of 13 bits leave one bit free; a multiple of 4."""
    return (bits // 13 // 4 + 1) * 4


def _bits(n) -> int:
    """The length of a big-endian number whose first octet is not 0."""
    bits = 8 * len(n)
    top = n[0]
    while top < 128:
        top <<= 1
        bits -= 1
    return bits


class Limbs:
    """A store of limbs: what the field machine and the kernel for other moduli share."""

    limbs = 20
    head = 0  # octets before slot 0
    w = bytearray()

    def load(self, slot, data, pos=0, n=32, big=True):
        """Put `n` octets of `data` from `pos` on into a slot."""
        at = self.head + 4 * self.limbs * slot
        load(self.w, at, self.limbs, data, pos + n - 1 if big else pos, -n if big else n)

    def load_row(self, slot, count, data, pos):
        """Put `count` numbers of 32 little-endian octets each into as many slots."""
        w, limbs = self.w, self.limbs
        at = self.head + 4 * limbs * slot
        for _ in range(count):
            load(w, at, limbs, data, pos, 32)
            at += 4 * limbs
            pos += 32

    def store(self, slot, n=32, big=True) -> bytearray:
        """Take a slot, which must be reduced, as `n` octets."""
        out = bytearray(n)
        store(self.w, self.head + 4 * self.limbs * slot, out, n - 1 if big else 0, -n if big else n)
        return out

    def get(self, slot, count):
        """A copy of some slots for `put`."""
        size = 4 * self.limbs
        out = bytearray(count * size)
        copy(out, 0, self.w, self.head + slot * size, count * size)
        return out

    def take(self, slot, count, saved):
        """Copy some slots into what `get` gave before. Allocates: nothing."""
        copy(saved, 0, self.w, self.head + 4 * self.limbs * slot, 4 * self.limbs * count)

    def put(self, slot, saved):
        """Write what `get` gave. Allocates: nothing."""
        copy(self.w, self.head + 4 * self.limbs * slot, saved, 0, len(saved))

    def move(self, slot, source):
        """Copy a slot into another. Allocates: nothing."""
        size = 4 * self.limbs
        copy(self.w, self.head + size * slot, self.w, self.head + size * source, size)

    def is_zero(self, slot) -> bool:
        """Whether a reduced slot is zero. Allocates: nothing."""
        return not ct.differs(self.w, _NOTHING, self.head + 4 * self.limbs * slot, 4 * self.limbs)

    def entry(self, slot, table, index, numbers):
        """Unpack entry `index` of a table of eight into `numbers` slots; no address depends on the index."""
        pick(_entry, table, index, 8 * numbers)
        for i in range(numbers):
            load(self.w, 4 * self.limbs * (slot + i), self.limbs, _entry, 32 * i, 32)

    def wipe(self):
        """Overwrite the store."""
        ct.wipe(self.w)
        ct.wipe(_entry)


_NOTHING = bytes(160)
_entry = bytearray(96)


class LimbModulus(Limbs):
    """By the kernel."""

    def __init__(self, n, slots, square=b"", w=None):
        """`n` are big-endian octets, odd, the first not 0; slot 0 becomes R^2 mod n, `square` where that is known.

        `w` is the store of other numbers that are no longer needed, and long enough.
        """
        self.modulus = n
        self.limbs = _limbs(_bits(n))
        size = 4 * self.limbs
        self.head = _HEAD * size
        self.w = w or bytearray((_HEAD + slots) * size)
        self._begin_with = square
        low = n[-1] | (n[-2] & 31) << 8
        inverse = 1
        for _ in range(4):
            inverse = inverse * (2 - low * inverse) & 8191
        self.factor = -inverse & 8191
        self.begin()

    def begin(self):
        """Fill in the modulus and slot 0, when the store was another's meanwhile, too."""
        n = self.modulus
        load(self.w, 0, self.limbs, n, len(n) - 1, -len(n))
        if self._begin_with:
            self.load(0, self._begin_with)
        else:
            self.load(0, b"\x00", 0, 1)
            self._square(_bits(n) - 1)

    def _square(self, top):
        """R^2 into slot 0: from 2^top, which is below n, by doublings to R 2^h, and by squares of what has R as a factor."""
        w, word = self.w, self.head + top // 13 * 4
        low = 1 << top % 13
        w[word], w[word + 1] = low & 255, low >> 8
        exponent = 13 * self.limbs
        shift = 0
        while exponent >> shift > 66:
            shift += 1
        double, square = bytes((ADD, 0, 0, 0)), bytes((SQR, 0, 0, 0))
        self.run(double, exponent - top + (exponent >> shift))
        while shift:
            shift -= 1
            self.run(square)
            if exponent >> shift & 1:
                self.run(double)

    def modulus_limbs(self):
        """Where the limbs of the modulus begin."""
        return self.w

    def run(self, program, times=1):
        """Run a program so many times."""
        w = self.w
        run(w, 0, w, program, len(program) >> 2, self.limbs, self.factor, times)


class Plain:
    """The same in long integers; `r` other than None replaces R, as 1 for a field that does without."""

    w = None

    def __init__(self, n, slots, _square=b"", _w=None, r=None):
        self.modulus = n
        self.n = int.from_bytes(n, "big")
        if r is None:
            r = (1 << 13 * _limbs(_bits(n))) % self.n
            self._inverse = inverse(r, self.n)
        else:
            self._inverse = r
        self._slots = [0] * max(slots, 18)
        self._slots[0] = r * r % self.n

    def begin(self):
        """Nothing: the numbers are nobody else's."""

    def load(self, slot, data, pos=0, n=32, big=True):
        """Put `n` octets of `data` from `pos` on into a slot."""
        self._slots[slot] = int.from_bytes(bytes(data[pos : pos + n]), "big" if big else "little")

    def store(self, slot, n=32, big=True) -> bytearray:
        """Take a slot as `n` octets."""
        return bytearray((self._slots[slot] % self.n).to_bytes(n, "big" if big else "little"))

    def get(self, slot, count):
        """A copy of some slots for `put`."""
        return self._slots[slot : slot + count]

    def take(self, slot, count, saved):
        """Copy some slots into what `get` gave before."""
        saved[:count] = self._slots[slot : slot + count]

    def put(self, slot, saved):
        """Write what `get` gave."""
        self._slots[slot : slot + len(saved)] = saved

    def move(self, slot, source):
        """Copy a slot into another."""
        self._slots[slot] = self._slots[source]

    def is_zero(self, slot) -> bool:
        """Whether a slot is zero."""
        return self._slots[slot] % self.n == 0

    def load_row(self, slot, count, data, pos):
        """Put `count` numbers of 32 little-endian octets each into as many slots."""
        for i in range(count):
            self.load(slot + i, data, pos + 32 * i, 32, False)

    def entry(self, slot, table, index, numbers):
        """Unpack entry `index` of a table into `numbers` slots."""
        self.load_row(slot, numbers, table, 32 * index * numbers)

    def choose(self, program, swap):
        """Run a program in which SWAP (4) exchanges two pairs of slots if `swap` is 1."""
        self.run(program, 1, swap)

    def run(self, program, times=1, swap=0):
        """Run a program so many times."""
        s, n, inv = self._slots, self.n, self._inverse
        for _ in range(times):
            for i in range(0, len(program), 4):
                op, d, a, b = program[i], program[i + 1], program[i + 2], program[i + 3]
                if op < 2:
                    s[d] = s[a] * s[b] * inv % n
                elif op == 2:
                    s[d] = (s[a] + s[b]) % n
                elif op == 3:
                    s[d] = (s[a] - s[b]) % n
                elif swap:
                    s[d], s[d + 1], s[a], s[a + 1] = s[a], s[a + 1], s[d], s[d + 1]

    def freeze(self, slot):
        """Nothing: every number is reduced."""

    def wipe(self):
        """Forget the numbers."""
        self._slots[:] = [0] * len(self._slots)


def inverse(a, n) -> int:
    """1 / a mod n by Euclid's algorithm, for long integers."""
    r, s, t, u = n, a, 0, 1
    while s:
        q = r // s
        r, s, t, u = s, r - q * s, u, t - q * u
    return t % n


Modulus = LimbModulus if run else Plain


def _unlocked(function, a, b, c, d):
    return function(a, b, c, d)


walk = locked if run else _unlocked  # what allocates nothing but, on a board, its frames, which the lock keeps off the heap


def power(m, slot, base, exponent, first):
    """slot = base ^ exponent (big-endian octets, public) by windows of 4 bits; the slots `first` to `first` + 7 are overwritten.

    The base is in Montgomery's form. No branch depends on it.
    """
    _odd_powers(m, base, first)
    step = bytearray(4)
    step[1] = step[2] = slot
    walk(_power, m, step, exponent, first)


def _odd_powers(m, base, first):
    """base ^ 1, 3, ... 15 into slots."""
    m.run(bytes((SQR, first + 7, base, base, ADD, first, base, base, SUB, first, first, base)))
    step = bytearray(4)  # one program for all products, since each of its own would be garbage
    step[3] = first + 7
    for i in range(first + 1, first + 8):
        step[1], step[2] = i, i - 1
        m.run(step)


def power_by(m, slot, base, windows, first):
    """`power` with the windows of a fixed exponent, see `p256`: to find them takes as long as a third of the products."""
    _odd_powers(m, base, first)
    m.move(slot, first + windows[1])
    if native:
        native.modular_powers(m.w, windows[2:], slot, first, m.limbs, m.factor)
        return
    step = bytearray(4)
    step[1] = step[2] = slot
    walk(_power_by, m, step, windows, first)


def _power_by(m, step, windows, first):
    slot = step[1]
    for i in range(2, len(windows), 2):
        step[0] = SQR
        step[3] = slot
        m.run(step, windows[i])
        step[0] = MUL
        step[3] = first + windows[i + 1]
        m.run(step)


def _power(m, step, exponent, first):
    slot = step[1]
    bit = 8 * len(exponent) - 1
    started = False
    while bit >= 0:
        if not _bit(exponent, bit):
            if started:
                step[0] = SQR  # one by one: a tuple would be allocated once this is joined
                step[3] = slot
                m.run(step)
            bit -= 1
            continue
        low = max(bit - 3, 0)
        while not _bit(exponent, low):
            low += 1
        digit = 0
        for i in range(bit, low - 1, -1):
            digit = digit << 1 | _bit(exponent, i)
        if started:
            step[0] = SQR
            step[3] = slot
            m.run(step, bit - low + 1)
            step[0] = MUL
            step[3] = first + (digit >> 1)
            m.run(step)
        else:
            m.move(slot, first + (digit >> 1))
            started = True
        bit = low - 1


def _bit(octets, bit) -> int:
    return octets[-1 - (bit >> 3)] >> (bit & 7) & 1
