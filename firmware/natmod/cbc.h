// Sealing and opening a message with AES-CBC and HMAC-SHA2 (RFC 3602, 4868), as lib/ipsec/crypto/kernels/cbc_plain.py does.
// Ciphers and hashes are the firmware's, the keyed object's attributes. Start reading at `cbc_message`.

static mp_obj_t call(mp_obj_t function, mp_obj_t argument) {
    return mp_call_function_n_kw(function, 1, 0, &argument);
}

static void update(mp_obj_t hash, mp_obj_t octets) {
    mp_obj_t method[3]; // and its object: a bound method would be garbage
    mp_load_method(hash, MP_QSTR_update, method);
    method[2] = octets;
    mp_call_method_n_kw(1, 0, method);
}

static mp_obj_t digest(mp_obj_t hash) {
    mp_obj_t method[2];
    mp_load_method(hash, MP_QSTR_digest, method);
    return mp_call_method_n_kw(0, 0, method);
}

// Pass n octets at p, whole blocks, through the cipher or the hash or both; a hash sees them as they are on the wire.
static void pass(mp_obj_t self, mp_obj_t cipher, mp_obj_t hash, uint8_t *p, size_t n) {
    mp_obj_array_t *block = scratch_of(mp_load_attr(self, MP_QSTR_block), SCRATCH);
    uint8_t *scratch = block->items;
    while (n) {
        size_t k = n < SCRATCH ? n : SCRATCH;
        copy(scratch, p, k);
        if (cipher) {
            encrypt_blocks(cipher, block, k);
            copy(p, scratch, k);
        }
        if (hash) {
            mp_obj_array_t part = FIRST_OF(block, k);
            update(hash, MP_OBJ_FROM_PTR(&part));
        }
        p += k;
        n -= k;
    }
}

// As `message` of message.h: the end of the result, or -1.
static int cbc_message(mp_obj_t self, mp_obj_t buf_obj, int start, int iv_pos, int end, mp_obj_t seq_hi) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(buf_obj, &info, MP_BUFFER_RW);
    uint8_t *buf = info.buf;
    int opens = mp_obj_get_int(mp_load_attr(self, MP_QSTR_opens));
    int icv_len = mp_obj_get_int(mp_load_attr(self, MP_QSTR_icv_len));
    if (opens) {
        end -= icv_len;
    }
    int n = end - iv_pos;
    if (start < 0 || iv_pos < start || n < 16 || n & 15 || end + icv_len > (int)info.len) {
        return -1;
    }
    mp_obj_t new_hash = mp_load_attr(self, MP_QSTR_hash);
    mp_obj_t cipher = mp_load_attr(self, MP_QSTR_cipher);
    mp_obj_t inner = call(new_hash, mp_load_attr(self, MP_QSTR_inner_pad));
    if (iv_pos - start == 8) { // ESP
        mp_obj_t header = mp_load_attr(self, MP_QSTR_header);
        copy(octets_of(header, 8, MP_BUFFER_RW), buf + start, 8);
        update(inner, header);
    } else {
        update(inner, mp_obj_new_bytes(buf + start, iv_pos - start));
    }
    if (!opens) { // the counter is encrypted in front of the text, and becomes the IV
        uint8_t *count = octets_of(mp_load_attr(self, MP_QSTR_count), 16, MP_BUFFER_RW);
        for (int i = 15; i >= 0 && !++count[i]; i--) {
        }
        copy(buf + iv_pos, count, 16);
    }
    pass(self, opens ? NULL : cipher, inner, buf + iv_pos, n);
    if (seq_hi != mp_const_none) {
        update(inner, seq_hi);
    }
    mp_obj_t outer = call(new_hash, mp_load_attr(self, MP_QSTR_outer_pad));
    update(outer, digest(inner));
    const uint8_t *icv = octets_of(digest(outer), icv_len, MP_BUFFER_READ);
    if (!opens) {
        copy(buf + end, icv, icv_len);
        return end + icv_len;
    }
    if (differs(buf + end, icv, icv_len)) {
        return -1;
    }
    pass(self, cipher, NULL, buf + iv_pos, n);
    return end;
}
