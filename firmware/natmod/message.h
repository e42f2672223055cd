// Sealing and opening a message with any AEAD, as lib/ipsec/crypto/kernels/aead_plain.py does, which reads like the RFCs.
// AES is the firmware's: `stream` and `mac` are bound methods of cryptolib's objects. Start reading at `message`.

enum { CCM, GCM, CHACHA };
#define IS_CHACHA(mode) (ALL && (mode) == CHACHA)
enum { SCRATCH = 736 }; // SIZE of crypto/scratch.py
enum { IV = 4, FLAGS_CCM = 12, OPENS = 13, ICV_LEN = 14, IV_LEN = 15, MAC = 16, MASK_MAC = 32, MODE = 48 };

typedef struct {
    uint8_t *state; // 52 octets, laid out as aead_kernel.py says
    mp_obj_t stream; // CCM, GCM: encrypts blocks in place
    mp_obj_t mac; // CCM: CBC over blocks in place
    word *key; // GCM: the table of GHASH; ChaCha20: its 16 words
    int is_small; // the table
    word *sum; // GCM: the sum of GHASH; Poly1305: its work area
    mp_obj_array_t *block; // the scratch buffer,
    word *scratch; // and its words
} aead;

// XOR the text with the key stream; with AES the first block of that masks the MAC.
static void add_stream(const aead *a, uint8_t *p, size_t n) {
    const word *nonce = (word *)a->state;
    int mode = a->state[MODE];
    word number = mode;
    size_t used = 16, room = SCRATCH;
    if (IS_CHACHA(mode)) {
        used = 0;
        room = SCRATCH & -64;
    }
    do {
        size_t k = n < room - used ? n : room - used;
        if (IS_CHACHA(mode)) {
            if (k) {
                chacha_blocks(a->key, a->scratch, (k + 63) >> 6);
            }
        } else {
            size_t blocks = (used + k + 15) >> 4;
            word *d = a->scratch;
            for (size_t i = blocks; i; i--, d += 4) {
                d[0] = nonce[0];
                d[1] = nonce[1];
                d[2] = nonce[2];
                d[3] = swapped(number++);
            }
            encrypt_blocks(a->stream, a->block, 16 * blocks);
            if (used) {
                copy(a->state + MASK_MAC, (uint8_t *)a->scratch, 16);
            }
        }
        add_octets(p, (uint8_t *)a->scratch + used, k);
        p += k;
        n -= k;
        used = 0;
    } while (n);
}

// Take whole blocks into the sum of GHASH or Poly1305.
static void take(const aead *a, const void *x, size_t blocks) {
    if (!IS_CHACHA(a->state[MODE])) {
        (a->is_small ? ghash_small : ghash_blocks)(a->sum, a->key, x, blocks);
    } else {
        poly_blocks(a->sum, x, blocks);
    }
}

// Zeros behind `used` octets up to a block; returns where that ends.
static size_t padded(uint8_t *d, size_t used) {
    zero(d + used, -used & 15);
    return (used + 15) & -16;
}

// The header behind `used` octets of d, with the high half of the sequence number behind the SPI (RFC 4303 2.2.1), padded.
static size_t put_header(uint8_t *d, size_t used, const uint8_t *header, size_t n, const uint8_t *seq_hi) {
    if (seq_hi) {
        copy(d + used, header, 4);
        copy(d + used + 4, seq_hi, 4);
        used += 8;
        header += 4;
        n -= 4;
    }
    copy(d + used, header, n);
    return padded(d, used + n);
}

// The MAC over header, text and lengths into block 1 of the state.
static void authenticate(const aead *a, const uint8_t *header, size_t header_len, const uint8_t *seq_hi, const uint8_t *p,
    size_t n) {
    int mode = a->state[MODE];
    word *scratch = a->scratch, *st = (word *)a->state;
    size_t total = header_len + (seq_hi ? 4 : 0), left = n, used = 0;
    if (mode == CCM) {
        // B_0 (RFC 3610 2.2), XOR the last block the CBC object made, which is its present IV: thus one object computes
        // every MAC from an IV of zero
        scratch[0] = st[4] ^ st[0] ^ a->state[FLAGS_CCM] ^ (total ? 64 : 0);
        scratch[1] = st[5] ^ st[1];
        scratch[2] = st[6] ^ st[2];
        scratch[3] = st[7] ^ swapped(n);
        used = 16;
        if (total) {
            put16((uint8_t *)scratch + 16, total);
            used = put_header((uint8_t *)scratch, 18, header, header_len, seq_hi);
        }
    } else {
        if (!IS_CHACHA(mode)) {
            zero(a->sum, 16);
        }
        if (total) {
            take(a, scratch, put_header((uint8_t *)scratch, 0, header, header_len, seq_hi) >> 4);
        }
        size_t whole = left & -16;
        if (whole && ALIGNED(p, 4)) { // from where it lies
            take(a, p, whole >> 4);
            p += whole;
            left -= whole;
        }
    }
    size_t room = mode == CCM ? SCRATCH : SCRATCH - 16, blocks; // leave room for the block of lengths
    do {
        size_t k = left < room - used ? left : room - used;
        copy((uint8_t *)scratch + used, p, k);
        p += k;
        left -= k;
        blocks = padded((uint8_t *)scratch, used + k) >> 4;
        used = 0;
        if (mode == CCM) {
            encrypt_blocks(a->mac, a->block, 16 * blocks);
            continue;
        }
        if (!left) { // bits, big-endian (GCM), or octets, little-endian (Poly1305)
            word *d = scratch + 4 * blocks++;
            d[0] = IS_CHACHA(mode) ? total : 0;
            d[1] = IS_CHACHA(mode) ? 0 : swapped(total << 3);
            d[2] = IS_CHACHA(mode) ? n : 0;
            d[3] = IS_CHACHA(mode) ? 0 : swapped(n << 3);
        }
        take(a, scratch, blocks);
    } while (left);
    if (mode == CCM) {
        copy(a->state + MAC, (uint8_t *)(scratch + 4 * blocks - 4), 16);
    } else if (!IS_CHACHA(mode)) {
        ghash_out(st, a->sum);
    } else {
        poly_end(a->state, a->sum);
    }
}

// 0 when the ICV at p is the masked MAC; the time does not depend on the octets.
static int is_forged(const uint8_t *state, const uint8_t *p) {
    int diff = 0;
    for (int i = 0; i < state[ICV_LEN]; i++) {
        diff |= p[i] ^ state[MAC + i] ^ state[MASK_MAC + i];
    }
    return diff;
}

// The nonce: the IV is a counter, or taken from the message, or the extended sequence number (RFC 8750 4).
static void take_nonce(uint8_t *state, uint8_t *iv, const uint8_t *seq_hi) {
    if (!state[IV_LEN]) {
        zero(state + IV, 4);
        if (seq_hi) {
            copy(state + IV, seq_hi, 4);
        }
        copy(state + IV + 4, iv - 4, 4);
    } else if (state[OPENS]) {
        copy(state + IV, iv, 8);
    } else {
        for (int i = IV + 7; i >= IV && !++state[i]; i--) {
        }
        copy(iv, state + IV, 8);
    }
}

// Seal or open the message buf[start:end] of a buffer of `len` octets in place, as lib/ipsec/crypto/backend.py tells; returns
// its end, or -1 where the ICV is wrong or the length impossible.
static int message(const aead *a, uint8_t *buf, int len, int start, int iv_pos, int end, const uint8_t *seq_hi) {
    uint8_t *state = a->state;
    int opens = state[OPENS], mode = state[MODE], pos = iv_pos + state[IV_LEN];
    if (opens) {
        end -= state[ICV_LEN];
    }
    if (start < 0 || iv_pos - start < (seq_hi ? 4 : 0) || iv_pos - start > 512 || end < pos || end + state[ICV_LEN] > len || pos < 4) {
        return -1;
    }
    uint8_t *text = buf + pos;
    int n = end - pos;
    take_nonce(state, buf + iv_pos, seq_hi);
    if (IS_CHACHA(mode)) { // key stream block 0 is the one-time key of Poly1305 (RFC 8439 2.6)
        a->key[12] = 0;
        copy((uint8_t *)(a->key + 13), state, 12);
        chacha_blocks(a->key, a->scratch, 1);
        poly_start(a->sum, (uint8_t *)a->scratch, state);
    }
    if (opens == (mode == CCM)) { // the MAC of CCM is over the plaintext
        add_stream(a, text, n);
    }
    authenticate(a, buf + start, iv_pos - start, seq_hi, text, n);
    int forged = 0;
    if (IS_CHACHA(mode) && opens) {
        forged = is_forged(state, buf + end);
        if (forged) {
            return -1; // nothing was decrypted
        }
    }
    if (opens != (mode == CCM)) {
        add_stream(a, text, n);
    }
    if (!opens) {
        for (int i = 0; i < state[ICV_LEN]; i++) {
            buf[end + i] = state[MAC + i] ^ state[MASK_MAC + i];
        }
        return end + state[ICV_LEN];
    }
    if (!IS_CHACHA(mode) && is_forged(state, buf + end)) {
        add_stream(a, text, n); // back to ciphertext: nobody may read unverified plaintext
        return -1;
    }
    return end;
}
