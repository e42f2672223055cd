// What ESP does to a packet around the cipher (RFC 4303): the functions of lib/ipsec/esp/plain.py, which read like the RFC.
// The state w of an SA in one direction is laid out in lib/ipsec/esp/state.py, the codes in esp/drop.py. Start at `check`.

enum { TOO_SHORT = -1, SEQ_ZERO = -3, REPLAY = -4, BAD_ICV = -5, PADDING = -6, NEXT_HEADER = -7, DUMMY = -8, SELECTOR = -9,
    SEQ_EXHAUSTED = -10, NO_ROOM = -12 };
enum { SEQ = 4, BLOCK = 12, FLAGS = 13, LEAST = 14, HEAD = 15, WINDOW = 16, AHEAD = 18, EPOCH = 20, SOURCES = 24, DESTS = 26,
    COUNTS = 32, BITS = 48 };
enum { INBOUND = 1, ESN = 2 };
enum { LAP = 1 << 29 };

// 0 when the ESP packet of n octets at p is long enough and its sequence number new. Leaves in the state how far the number
// is ahead and, with ESN, its high half (RFC 4303 3.4.3, A2.2).
static int check(uint8_t *w, const uint8_t *p, int n) {
    if (n < w[LEAST]) {
        return TOO_SHORT;
    }
    word size = big16(w + WINDOW);
    word low = big32(p + 4);
    word top_low = big32(w + SEQ + 4);
    word epoch = big32(w + SEQ);
    uint64_t top = (uint64_t)epoch << 32 | top_low;
    if (w[FLAGS] & ESN) {
        if (top_low >= size - 1) {
            epoch += low < top_low - (size - 1);
        } else if (low > top_low - size) { // the window reaches back into the epoch before
            if (!epoch) {
                return REPLAY;
            }
            epoch--;
        }
        put32(w + EPOCH, epoch);
    }
    uint64_t number = (uint64_t)epoch << 32 | low;
    if (!number) {
        return SEQ_ZERO;
    }
    int64_t ahead = number - top;
    word place = low & (size - 1);
    if (ahead <= -(int64_t)size || (ahead <= 0 && w[BITS + (place >> 3)] >> (place & 7) & 1)) {
        return REPLAY;
    }
    put16(w + AHEAD, ahead < 0 ? 0 : ahead > size ? size : (word)ahead);
    return 0;
}

// Mark the number in the window, a ring of bits: a number's place is its low bits modulo the window's size.
static void mark(uint8_t *w, const uint8_t *esp) {
    word low = big32(esp + 4);
    word last = big16(w + WINDOW) - 1;
    int ahead = big16(w + AHEAD);
    if (ahead) {
        copy(w + SEQ, w + EPOCH, 4);
        copy(w + SEQ + 4, esp + 4, 4);
    }
    while (--ahead > 0) { // forget the oldest: their places are those of the numbers up to this one
        word place = (low - ahead) & last;
        w[BITS + (place >> 3)] &= ~(1 << (place & 7));
    }
    low &= last;
    w[BITS + (low >> 3)] |= 1 << (low & 7);
}

// The octets of the packet in front of the trailer 1 2 3 ... | pad length | next header.
static int without_trailer(const uint8_t *p, int n) {
    int pad = p[n - 2], next = p[n - 1];
    n -= pad + 2;
    if (n < 0) {
        return PADDING;
    }
    for (int i = 0; i < pad; i++) {
        if (p[n + i] != i + 1) {
            return PADDING;
        }
    }
    if (next == 59) {
        return DUMMY;
    }
    int version = n ? p[0] >> 4 : 0;
    return (next == 4 && version == 4) || (next == 41 && version == 6) ? n : NEXT_HEADER;
}

// Compare addresses of this many octets.
static int compare(const uint8_t *a, const uint8_t *b, int size) {
    for (; size; size--, a++, b++) {
        if (*a != *b) {
            return *a - *b;
        }
    }
    return 0;
}

// Whether a row of the table covers an address; `port` is where the port stands, NULL where there is none.
static int has(const uint8_t *row, const uint8_t *addr, int size, int protocol, const uint8_t *port) {
    for (; row[0]; row += 40) {
        unsigned first = big16(row + 2), last = big16(row + 4);
        if (row[0] != size || (row[1] && row[1] != protocol) || compare(addr, row + 8, size) < 0
            || compare(addr, row + 24, size) > 0) {
            continue;
        }
        if ((!first && last == 65535) || (port && first <= big16(port) && big16(port) <= last)) {
            return 1;
        }
    }
    return 0;
}

// Whether the selectors cover a packet (RFC 4301 5.2).
static int covers(const uint8_t *w, const uint8_t *p, int n) {
    if (n < 20) {
        return 0;
    }
    int version = p[0] >> 4, size = 4, at = 12, ports = (p[0] & 15) << 2, protocol = p[9];
    if (version == 6 && n >= 40) {
        size = 16, at = 8, ports = 40, protocol = p[6];
    } else if (version != 4) {
        return 0;
    }
    const uint8_t *port = p + ports;
    int has_ports = protocol == 17 || protocol == 6;
    p += at;
    return has(w + big16(w + SOURCES), p, size, protocol, has_ports && ports + 2 <= n ? port : NULL)
        && has(w + big16(w + DESTS), p + size, size, protocol, has_ports && ports + 4 <= n ? port + 2 : NULL);
}

// Count the sequence number up and write the header; 0 if the number would wrap (RFC 4303 3.3.3).
static int write_header(uint8_t *w, uint8_t *esp) {
    word low = big32(w + SEQ + 4) + 1;
    if (!low) {
        word epoch = big32(w + SEQ) + 1;
        if (!(w[FLAGS] & ESN) || !epoch) {
            return 0;
        }
        put32(w + SEQ, epoch);
    }
    put32(w + SEQ + 4, low);
    copy(esp, w, 4);
    copy(esp + 4, w + SEQ + 4, 4);
    return 1;
}

// Two words of the machine: a number below 2^29, and how often it went beyond.
static void count(word *total, word n) {
    total[0] += n;
    if (total[0] >= LAP) {
        total[0] -= LAP;
        total[1]++;
    }
}

// Carry an inner packet of n octets at p through the SA: out, before the cipher seals it, or in, once `check` and the cipher
// let it pass; w and the header in front of p tell which. Returns how many octets it has with its trailer, or without, or a
// code.
static int carry(uint8_t *w, uint8_t *p, int n) {
    int inbound = w[FLAGS] & INBOUND;
    uint8_t *esp = p - w[HEAD];
    if (inbound) {
        mark(w, esp);
        n = without_trailer(p, n);
        if (n < 0) {
            return n;
        }
    }
    if (!covers(w, p, n)) {
        return SELECTOR;
    }
    if (!inbound && !write_header(w, esp)) {
        return SEQ_EXHAUSTED;
    }
    count((word *)(w + COUNTS), 1);
    count((word *)(w + COUNTS) + 2, n);
    if (inbound) {
        return n;
    }
    int pad = -(n + 2) & (w[BLOCK] - 1);
    int next = p[0] >> 4 == 4 ? 4 : 41;
    p += n;
    for (int i = 1; i <= pad; i++) {
        *p++ = i;
    }
    p[0] = pad;
    p[1] = next;
    return n + pad + 2;
}
