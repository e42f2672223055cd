// The octets of IP and UDP: the functions of lib/ipsec/inet/plain.py. Start reading at `sum16`.

static unsigned folded(word s) {
    s = (s & 0xffff) + (s >> 16);
    return (s & 0xffff) + (s >> 16);
}

// The one's-complement sum of n octets at p (RFC 1071), folded, not inverted; the first octet counts as a high one.
// The sum of octet-swapped words is the octet-swapped sum (RFC 1071 2(B)).
static __attribute__((noinline)) unsigned sum16(const uint8_t *p, size_t n) {
    word s = 0;
    int odd = !ALIGNED(p, 2);
    if (odd && n) { // as the second octet of a word that begins one before: the sum is swapped once more
        s = *p++ << 8;
        n--;
    }
    for (; !ALIGNED(p, 4) && n > 1; n -= 2, p += 2) {
        s += *(uint16_t *)p;
    }
    uint64_t t = s;
    for (; n > 15; n -= 16, p += 16) {
        t += ((word *)p)[0];
        t += ((word *)p)[1];
        t += ((word *)p)[2];
        t += ((word *)p)[3];
    }
    s = folded(t >> 32) + folded(t);
    for (; n > 1; n -= 2, p += 2) {
        s += *(uint16_t *)p;
    }
    s = folded(s + (n ? *p : 0));
    return odd ? s : (s & 255) << 8 | s >> 8;
}

// The checksum of the segment of n octets at p with the pseudo-header of the IP header at `ip`; 0 when its own is right.
static unsigned transport(const uint8_t *ip, const uint8_t *p, size_t n, int protocol) {
    // The addresses lie side by side in the header: 2 x 4 octets from 12 (IPv4), 2 x 16 octets from 8 (IPv6).
    unsigned addresses = ip[0] >> 4 == 4 ? sum16(ip + 12, 8) : sum16(ip + 8, 32);
    return folded(addresses + sum16(p, n) + protocol + n) ^ 0xffff;
}

// The header length of the IPv4 packet of n octets at p, at least 20, or a negative drop code (inet/ip.py).
static int check4(const uint8_t *p, int n) {
    int header = (p[0] & 15) << 2, total = big16(p + 2);
    if (header < 20 || total < header || total > n) {
        return -3;
    }
    if (sum16(p, header) != 0xffff) {
        return -4;
    }
    if (p[6] & 0xbf || p[7]) { // all but DF: the evil bit, MF and the offset
        return -5;
    }
    // "This" network, loopback, multicast and broadcast send nothing (RFC 1122 3.2.1.3).
    return p[12] == 0 || p[12] == 127 || p[12] > 223 ? -7 : header;
}

// An IPv4 header with its checksum: `total` octets with the header, DF set.
static void write4(uint8_t *p, unsigned total, int protocol, unsigned ident, const uint8_t *own, const uint8_t *dest) {
    put16(p, 0x4500);
    put16(p + 2, total);
    put16(p + 4, ident);
    put16(p + 6, 0x4000);
    p[8] = 64;
    p[9] = protocol;
    put16(p + 10, 0);
    copy(p + 12, own, 4);
    copy(p + 16, dest, 4);
    put16(p + 10, sum16(p, 20) ^ 0xffff);
}

// The header of a UDP datagram of n octets with it, the checksum zero.
static void write_udp(uint8_t *p, unsigned n, unsigned source, unsigned dest) {
    put16(p, source);
    put16(p + 2, dest);
    put16(p + 4, n);
    put16(p + 6, 0);
}
