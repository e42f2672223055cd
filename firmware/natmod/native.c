// ipsec.native: all kernels of the library as one module, for boards that load native code; the same names, arguments and
// results as those in viper and in plain Python, which stay for source installs. With `ALL` 0 it has AES-GCM, AES-CCM and X25519
// only, for a quarter less RAM. What each function does stands in the headers; here are the arguments. Lengths and positions
// outside a buffer, and words at addresses that are no multiple of 4, raise ValueError. It is compiled as a native module, an
// .mpy file, or into a firmware, as `_ipsec`. Start reading at `GIVEN`.

#ifdef MICROPY_ENABLE_DYNRUNTIME
#include "py/dynruntime.h"
#define mp_call_method_n_kw mp_fun_table.call_method_n_kw
#define IS_BYTEARRAY(obj) (mp_obj_get_type(obj)->name == MP_QSTR_bytearray) // the type itself is looked up by name, too
#else
#include "py/binary.h"
#include "py/objarray.h"
#include "py/objlist.h"
#include "py/runtime.h"
#define IS_BYTEARRAY(obj) mp_obj_is_exact_type(obj, &mp_type_bytearray)
#endif

#ifndef ALL
#define ALL 1
#endif

#include "octets.h"
#include "inet.h"
#include "esp.h"
#include "field.h"
#include "comb.h"
#if ALL
#include "sha512.h"
#include "modular.h"
#endif
#include "poly_columns.h" // written by tools/natmod: a product of Poly1305, or all these loops in assembler
#ifndef ASSEMBLER
#include "loops.h"
#endif
#include "ghash.h"
#include "poly.h"

// The octets of a buffer that has at least `need`.
static void *octets_of(mp_obj_t obj, size_t need, mp_uint_t flags) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(obj, &info, flags);
    if (info.len < need) {
        mp_raise_ValueError(MP_ERROR_TEXT("length"));
    }
    return info.buf;
}

static size_t len_of(mp_obj_t obj) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(obj, &info, MP_BUFFER_READ);
    return info.len;
}

// The same for words.
static word *words_of(mp_obj_t obj, size_t need, mp_uint_t flags) {
    word *w = octets_of(obj, need, flags);
    if (!ALIGNED(w, 4)) {
        mp_raise_ValueError(MP_ERROR_TEXT("alignment"));
    }
    return w;
}

// A number of octets or blocks or a position: too small for a sum of them, or 128 times one, to overflow.
static size_t number(mp_obj_t obj) {
    mp_int_t n = mp_obj_get_int(obj);
    if (n < 0 || n >> 20) {
        mp_raise_ValueError(MP_ERROR_TEXT("length"));
    }
    return n;
}

// n octets at a position of a buffer.
static uint8_t *run_of(mp_obj_t obj, mp_obj_t pos, size_t n, mp_uint_t flags) {
    size_t at = number(pos);
    return (uint8_t *)octets_of(obj, at + n, flags) + at;
}

// obj[pos:end], and its length.
static uint8_t *slice_of(const mp_obj_t *args, size_t *n, mp_uint_t flags) {
    *n = number(args[2]) - number(args[1]);
    return run_of(args[0], args[1], number((mp_obj_t)MP_OBJ_NEW_SMALL_INT(*n)), flags);
}

// The objects of a list that has at least `need`.
static mp_obj_t *items_of(mp_obj_t obj, size_t need) {
    if (mp_obj_get_type(obj) != &mp_type_list || ((mp_obj_list_t *)MP_OBJ_TO_PTR(obj))->len < need) {
        mp_raise_ValueError(MP_ERROR_TEXT("list"));
    }
    return ((mp_obj_list_t *)MP_OBJ_TO_PTR(obj))->items;
}

// A bytearray of `scratch.py`: as it is laid out, since parts of it are to be passed to ciphers.
static mp_obj_array_t *scratch_of(mp_obj_t obj, size_t need) {
    if (!IS_BYTEARRAY(obj)) {
        mp_raise_ValueError(MP_ERROR_TEXT("bytearray"));
    }
    words_of(obj, need, MP_BUFFER_RW);
    return MP_OBJ_TO_PTR(obj);
}

// The first n octets of a scratch buffer: an object for the C stack, which is no garbage.
#define FIRST_OF(scratch, n) { { (scratch)->base.type }, BYTEARRAY_TYPECODE, 0, n, (scratch)->items }

// Pass the first n octets of a scratch buffer through a cipher.
static void encrypt_blocks(mp_obj_t cipher, const mp_obj_array_t *scratch, size_t n) {
    mp_obj_array_t part = FIRST_OF(scratch, n);
    mp_obj_t in_and_out[2] = { MP_OBJ_FROM_PTR(&part), MP_OBJ_FROM_PTR(&part) };
    mp_call_function_n_kw(cipher, 2, 0, in_and_out);
}

#include "message.h"
#if ALL
#include "cbc.h"
#endif

#define SMALL(value) MP_OBJ_NEW_SMALL_INT(value)
// A function of n arguments of Python: what follows is its body, which sees them as `args`.
#define FUNCTION(name, n) \
    static mp_obj_t name##_(size_t n_args, const mp_obj_t *args); \
    static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(name##_obj, n, n, name##_); \
    static mp_obj_t name##_(size_t n_args, const mp_obj_t *args)

// Octets (ipsec/copying.py, crypto/kernels/octets.py)

// copy(dst, dst_pos, src, src_pos, n)
FUNCTION(copy, 5) {
    size_t n = number(args[4]);
    copy(run_of(args[0], args[1], n, MP_BUFFER_RW), run_of(args[2], args[3], n, MP_BUFFER_READ), n);
    return mp_const_none;
}

// pad_key(d, size, key, n, pad)
FUNCTION(pad_key, 5) {
    size_t size = number(args[1]), n = number(args[3]);
    pad_key(octets_of(args[0], size, MP_BUFFER_RW), size, octets_of(args[2], n, MP_BUFFER_READ), n, number(args[4]));
    return mp_const_none;
}

// differs(a, b, pos, n)
FUNCTION(differs, 4) {
    size_t n = number(args[3]);
    return SMALL(differs(run_of(args[0], args[2], n, MP_BUFFER_READ), octets_of(args[1], n, MP_BUFFER_READ), n));
}

// IP and UDP (inet/kernel.py)

// sum16(buf, pos, end, acc)
FUNCTION(sum16, 4) {
    size_t n;
    uint8_t *p = slice_of(args, &n, MP_BUFFER_READ);
    return SMALL(folded(sum16(p, n) + number(args[3])));
}

// same(a, a_pos, b, b_pos, n); not for secrets
FUNCTION(same, 5) {
    size_t n = number(args[4]);
    return mp_obj_new_bool(!compare(run_of(args[0], args[1], n, MP_BUFFER_READ), run_of(args[2], args[3], n, MP_BUFFER_READ), n));
}

// store(buf, pos, value): 16 bits
FUNCTION(store, 3) {
    put16(run_of(args[0], args[1], 2, MP_BUFFER_RW), mp_obj_get_int(args[2]));
    return mp_const_none;
}

// transport(buf, ip, pos, end, protocol)
FUNCTION(transport, 5) {
    const uint8_t *ip = run_of(args[0], args[1], 20, MP_BUFFER_READ);
    if (ip[0] >> 4 != 4) {
        run_of(args[0], args[1], 40, MP_BUFFER_READ);
    }
    size_t pos = number(args[2]), n = number(args[3]) - pos;
    return SMALL(transport(ip, run_of(args[0], args[2], number(SMALL(n)), MP_BUFFER_READ), n, number(args[4])));
}

// check4(buf, pos, end)
FUNCTION(check4, 3) {
    size_t n;
    uint8_t *p = slice_of(args, &n, MP_BUFFER_READ);
    return SMALL(check4(p, n));
}

// write4(buf, pos, total, protocol, ident, own, dest, dest_at)
FUNCTION(write4, 8) {
    write4(run_of(args[0], args[1], 20, MP_BUFFER_RW), number(args[2]), number(args[3]), number(args[4]),
        octets_of(args[5], 4, MP_BUFFER_READ), run_of(args[6], args[7], 4, MP_BUFFER_READ));
    return mp_const_none;
}

// write_udp(buf, pos, n, source, dest)
FUNCTION(write_udp, 5) {
    write_udp(run_of(args[0], args[1], 8, MP_BUFFER_RW), number(args[2]), number(args[3]), number(args[4]));
    return mp_const_none;
}

// ESP (esp/kernel.py)

// The state of an SA in one direction, whose tables lie behind the window.
static uint8_t *state_of(mp_obj_t obj) {
    return (uint8_t *)words_of(obj, BITS + 80, MP_BUFFER_RW);
}

// same_spi(buf, pos, spi)
FUNCTION(same_spi, 3) {
    return mp_obj_new_bool(!compare(run_of(args[0], args[1], 4, MP_BUFFER_READ), octets_of(args[2], 4, MP_BUFFER_READ), 4));
}

// check(w, buf, pos, end)
FUNCTION(check, 4) {
    size_t n;
    uint8_t *p = slice_of(args + 1, &n, MP_BUFFER_READ);
    return SMALL(check(state_of(args[0]), p, n));
}

// The inner packet buf[pos:end] in front of which a header lies or will, and with room for a trailer, or no packet.
static int carry_slice(uint8_t *w, const mp_obj_t *args) {
    size_t n, pos = number(args[1]);
    uint8_t *p = slice_of(args, &n, MP_BUFFER_RW);
    int inbound = w[FLAGS] & INBOUND;
    if (pos < w[HEAD] || (inbound && n < 2)) {
        mp_raise_ValueError(MP_ERROR_TEXT("length"));
    }
    if (!inbound) {
        run_of(args[0], args[2], w[BLOCK] + 1, MP_BUFFER_RW);
    }
    int length = carry(w, p, n);
    return length < 0 ? length : (int)pos + length;
}

// carry(w, buf, pos, end)
FUNCTION(carry, 4) {
    return SMALL(carry_slice(state_of(args[0]), args + 1));
}

// Ciphers (crypto/kernels)

// What modes/aead.py has put into a list: state, stream, mac, key, sum, scratch buffer.
static int message_in(mp_obj_t parts, mp_obj_t buf, int start, int iv_pos, int end, const uint8_t *seq_hi) {
    mp_obj_t *item = items_of(parts, 6);
    aead a;
    a.state = (uint8_t *)words_of(item[0], 52, MP_BUFFER_RW);
    int mode = a.state[MODE];
    if (mode > GCM && !ALL) {
        mp_raise_ValueError(MP_ERROR_TEXT("mode"));
    }
    a.stream = item[1];
    a.mac = item[2];
    a.key = mode == CCM ? NULL : words_of(item[3], mode == GCM ? SMALL_TABLE_LEN : 64, MP_BUFFER_RW);
    a.is_small = mode == GCM && len_of(item[3]) < TABLE_LEN;
    a.sum = mode == CCM ? NULL : words_of(item[4], mode == GCM ? 16 : 128, MP_BUFFER_RW);
    a.block = scratch_of(item[5], SCRATCH);
    a.scratch = a.block->items;
    mp_buffer_info_t info;
    mp_get_buffer_raise(buf, &info, MP_BUFFER_RW);
    return message(&a, info.buf, info.len, start, iv_pos, end, seq_hi);
}

// message(parts, buf, start, iv_pos, end, seq_hi): an AEAD
FUNCTION(message, 6) {
    const uint8_t *seq_hi = args[5] == mp_const_none ? NULL : octets_of(args[5], 4, MP_BUFFER_READ);
    return SMALL(message_in(args[0], args[1], mp_obj_get_int(args[2]), mp_obj_get_int(args[3]), mp_obj_get_int(args[4]), seq_hi));
}

// encap(w, parts, buf, pos, end): `carry` and `message`, an ESP packet out of an inner one
FUNCTION(encap, 5) {
    uint8_t *w = state_of(args[0]);
    int end = carry_slice(w, args + 2);
    if (end < 0) {
        return SMALL(end);
    }
    int pos = number(args[3]) - w[HEAD];
    end = message_in(args[1], args[2], pos, pos + 8, end, w[FLAGS] & ESN ? w + SEQ : NULL);
    return SMALL(end < 0 ? NO_ROOM : end);
}

// decap(w, parts, buf, pos, end): `check`, `message` and `carry`, the inner packet out of an ESP packet
FUNCTION(decap, 5) {
    uint8_t *w = state_of(args[0]);
    size_t n;
    uint8_t *p = slice_of(args + 2, &n, MP_BUFFER_RW);
    int pos = number(args[3]), code = check(w, p, n);
    if (code < 0) {
        return SMALL(code);
    }
    int end = message_in(args[1], args[2], pos, pos + 8, pos + n, w[FLAGS] & ESN ? w + EPOCH : NULL);
    if (end < 0) {
        return SMALL(BAD_ICV);
    }
    pos += w[HEAD];
    n = carry(w, p + w[HEAD], end - pos);
    return SMALL((int)n < 0 ? (int)n : pos + (int)n);
}

#if ALL

// cbc_message(self, buf, start, iv_pos, end, seq_hi)
FUNCTION(cbc_message, 6) {
    return SMALL(cbc_message(args[0], args[1], mp_obj_get_int(args[2]), mp_obj_get_int(args[3]), mp_obj_get_int(args[4]), args[5]));
}

#endif

// ghash_table(table, key, work): of either length
FUNCTION(ghash_table, 3) {
    word *table = words_of(args[0], SMALL_TABLE_LEN, MP_BUFFER_RW);
    size_t len = len_of(args[0]) < TABLE_LEN ? SMALL_TABLE_LEN : TABLE_LEN;
    ghash_table(table, octets_of(args[1], 16, MP_BUFFER_READ), len);
    return mp_const_none;
}

#if ALL

// blocks(_, _, state, work, constants, data, n, _): SHA-512
FUNCTION(blocks, 8) {
    size_t n = number(args[6]);
    sha512_blocks(words_of(args[2], 64, MP_BUFFER_RW), words_of(args[4], 640, MP_BUFFER_READ),
        octets_of(args[5], 128 * n, MP_BUFFER_READ), n, (dword *)words_of(args[3], WORK, MP_BUFFER_RW));
    return mp_const_none;
}

#endif

#ifdef INNER
#include "inner.h" // more functions, for tests and measurements
#endif

// The field machine (crypto/kernels/field.py)

enum { SLOTS = 18 };

static word *slots_of(mp_obj_t obj) {
    return words_of(obj, SLOTS * LIMBS * sizeof(word), MP_BUFFER_RW);
}

static word *slot_of(const mp_obj_t *args) {
    size_t slot = number(args[1]);
    if (slot >= SLOTS) {
        mp_raise_ValueError(MP_ERROR_TEXT("slot"));
    }
    return slots_of(args[0]) + LIMBS * slot;
}

// run(_, _, w, program, n, fold, k, t): the program of n instructions for each bit of the scalar k from bit t to bit 0
FUNCTION(run, 8) {
    word *w = slots_of(args[2]);
    size_t n = number(args[4]);
    const uint8_t *program = octets_of(args[3], 4 * n, MP_BUFFER_READ);
    word fold = mp_obj_get_int(args[5]);
    int t = mp_obj_get_int(args[7]);
    if (!fold && !ALL) {
        mp_raise_ValueError(MP_ERROR_TEXT("field"));
    }
    const uint8_t *bits = octets_of(args[6], t < 0 ? 0 : ((t + 1) >> 3) + 1, MP_BUFFER_READ);
    for (; t >= 0; t--) {
        word mask = -(word)(((bits[t >> 3] >> (t & 7)) ^ (bits[(t + 1) >> 3] >> ((t + 1) & 7))) & 1);
        run_program(w, program, n, fold, mask);
    }
    return mp_const_none;
}

// powers(w, table, fold): a way to 1 / x, see `comb.h`
FUNCTION(powers, 3) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(args[1], &info, MP_BUFFER_READ);
    word fold = mp_obj_get_int(args[2]);
    if (!fold && !ALL) {
        mp_raise_ValueError(MP_ERROR_TEXT("field"));
    }
    powers(slots_of(args[0]), info.buf, info.len / 4, fold);
    return mp_const_none;
}

// comb(w, fold, program, table, k, other): the base point times k, 32 octets and perhaps one, 0 or 1, and another
// point times `other`, 32 octets, unless that is None; whether there is a sum
FUNCTION(comb, 6) {
    const uint8_t *head = octets_of(args[2], CODE, MP_BUFFER_READ);
    size_t n = 0;
    for (int i = 0; i < PROGRAMS; i++) {
        n += 4 * head[i];
    }
    octets_of(args[2], CODE + n, MP_BUFFER_READ);
    const uint8_t *other = args[5] == mp_const_none ? NULL : octets_of(args[5], 32, MP_BUFFER_READ);
    word *w = slots_of(args[0]);
    if (other) {
        w = words_of(args[0], (head[OTHER] + 4 * head[NUMBERS_OTHER]) * LIMBS * sizeof(word), MP_BUFFER_RW);
    }
    word fold = mp_obj_get_int(args[1]);
    if (!ALL && (other || !fold)) {
        mp_raise_ValueError(MP_ERROR_TEXT("field"));
    }
    const uint8_t *table = octets_of(args[3], 512 * head[NUMBERS], MP_BUFFER_READ);
    mp_buffer_info_t info;
    mp_get_buffer_raise(args[4], &info, MP_BUFFER_READ);
    const uint8_t *k = octets_of(args[4], 32, MP_BUFFER_READ);
    return mp_obj_new_bool(comb(w, fold, head, table, k, info.len > 32 ? k[32] & 1 : 0, other));
}

// freeze(w, slot)
FUNCTION(freeze, 2) {
    freeze_25519(slot_of(args));
    return mp_const_none;
}

// load_limbs(w, slot, octets) and store_limbs(w, slot, octets)
FUNCTION(load_limbs, 3) {
    load_limbs(slot_of(args), octets_of(args[2], 32, MP_BUFFER_READ));
    return mp_const_none;
}

FUNCTION(store_limbs, 3) {
    store_limbs(slot_of(args), octets_of(args[2], 32, MP_BUFFER_RW));
    return mp_const_none;
}

#if ALL
// Arithmetic modulo any number (crypto/kernels/modular.py)

// A store of at least `slots` slots behind its head, and how many words a slot has.
static word *store_of(mp_obj_t obj, size_t limbs, size_t slots, mp_uint_t flags) {
    if (!limbs || limbs & 3 || limbs >> 10) {
        mp_raise_ValueError(MP_ERROR_TEXT("limbs"));
    }
    return words_of(obj, 4 * limbs * (MODULAR_HEAD + slots), flags);
}

// modular(w, 0, w, program, count, limbs, factor, times)
FUNCTION(modular, 8) {
    size_t n = number(args[4]), limbs = number(args[5]), most = 0;
    const uint8_t *program = octets_of(args[3], 4 * n, MP_BUFFER_READ);
    for (size_t i = 0; i < 4 * n; i++) {
        most = i & 3 && program[i] > most ? program[i] : most;
    }
    word *w = store_of(args[2], limbs, most + 1, MP_BUFFER_RW);
    word factor = mp_obj_get_int(args[6]);
    for (size_t times = number(args[7]); times; times--) {
        for (size_t i = 0; i < n; i++) {
            modular_step(w, program + 4 * i, limbs, factor);
        }
    }
    return mp_const_none;
}

// modular_powers(w, rows, slot, first, limbs, factor): for 8 odd powers from `first` on
FUNCTION(modular_powers, 6) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(args[1], &info, MP_BUFFER_READ);
    const uint8_t *rows = info.buf;
    size_t n = info.len / 2, slot = number(args[2]), first = number(args[3]), limbs = number(args[4]);
    for (size_t i = 0; i < n; i++) {
        if (rows[2 * i + 1] > 7) {
            mp_raise_ValueError(MP_ERROR_TEXT("slot"));
        }
    }
    if (slot > 255 || first > 248) {
        mp_raise_ValueError(MP_ERROR_TEXT("slot"));
    }
    word *w = store_of(args[0], limbs, (slot > first + 7 ? slot : first + 7) + 1, MP_BUFFER_RW);
    modular_powers(w, rows, n, slot, first, limbs, mp_obj_get_int(args[5]));
    return mp_const_none;
}

// n octets at `pos` that run up, or down if n is negative; the first one, the number of them and the step.
static uint8_t *octets_along(mp_obj_t obj, mp_obj_t pos, mp_obj_t count, size_t *n, int *step, mp_uint_t flags) {
    mp_int_t k = mp_obj_get_int(count);
    size_t at = number(pos);
    *step = k < 0 ? -1 : 1;
    *n = number((mp_obj_t)MP_OBJ_NEW_SMALL_INT(k < 0 ? -k : k));
    if (k < 0 && at + 1 < *n) {
        mp_raise_ValueError(MP_ERROR_TEXT("length"));
    }
    return (uint8_t *)octets_of(obj, k < 0 ? at + 1 : at + *n, flags) + at;
}

// load_number(w, at, limbs, data, pos, n): `at` in octets
FUNCTION(load_number, 6) {
    size_t at = number(args[1]), limbs = number(args[2]), n;
    int step;
    const uint8_t *data = octets_along(args[3], args[4], args[5], &n, &step, MP_BUFFER_READ);
    word *w = words_of(args[0], (at & ~(size_t)3) + 4 * limbs, MP_BUFFER_RW);
    load_number(w + at / 4, limbs, data, n, step);
    return mp_const_none;
}

// store_number(w, at, data, pos, n)
FUNCTION(store_number, 5) {
    size_t at = number(args[1]), n;
    int step;
    uint8_t *data = octets_along(args[2], args[3], args[4], &n, &step, MP_BUFFER_RW);
    if (n >> 12) {
        mp_raise_ValueError(MP_ERROR_TEXT("length"));
    }
    const word *w = words_of(args[0], (at & ~(size_t)3) + 4 * ((8 * n * 1261 >> 14) + 1), MP_BUFFER_READ); // 8 n / 13 limbs
    store_number(w + at / 4, data, n, step);
    return mp_const_none;
}

// pick(out, table, index, words)
FUNCTION(pick, 4) {
    size_t words = number(args[3]);
    pick(words_of(args[0], 4 * words, MP_BUFFER_RW), words_of(args[1], 32 * words, MP_BUFFER_READ), number(args[2]), words);
    return mp_const_none;
}
#endif

// The linker of native modules looks for names such as MP_QSTR_copy in this text.
#define GIVEN \
    VALUE(MP_QSTR_SLOTS, SLOTS) \
    VALUE(MP_QSTR_TABLE_LEN, TABLE_LEN) \
    GIVE(MP_QSTR_copy, copy) \
    GIVE(MP_QSTR_pad_key, pad_key) \
    GIVE(MP_QSTR_differs, differs) \
    GIVE(MP_QSTR_sum16, sum16) \
    GIVE(MP_QSTR_same, same) \
    GIVE(MP_QSTR_store, store) \
    GIVE(MP_QSTR_transport, transport) \
    GIVE(MP_QSTR_check4, check4) \
    GIVE(MP_QSTR_write4, write4) \
    GIVE(MP_QSTR_write_udp, write_udp) \
    GIVE(MP_QSTR_same_spi, same_spi) \
    GIVE(MP_QSTR_check, check) \
    GIVE(MP_QSTR_carry, carry) \
    GIVE(MP_QSTR_message, message) \
    GIVE(MP_QSTR_encap, encap) \
    GIVE(MP_QSTR_decap, decap) \
    GIVE(MP_QSTR_ghash_table, ghash_table) \
    GIVE(MP_QSTR_run, run) \
    GIVE(MP_QSTR_powers, powers) \
    GIVE(MP_QSTR_comb, comb) \
    GIVE(MP_QSTR_freeze, freeze) \
    GIVE(MP_QSTR_load_limbs, load_limbs) \
    GIVE(MP_QSTR_store_limbs, store_limbs)

#if ALL
#define GIVEN_WITH_ALL \
    VALUE(MP_QSTR_WORK, WORK) \
    GIVE(MP_QSTR_cbc_message, cbc_message) \
    GIVE(MP_QSTR_blocks, blocks) \
    GIVE(MP_QSTR_modular, modular) \
    GIVE(MP_QSTR_modular_powers, modular_powers) \
    GIVE(MP_QSTR_load_number, load_number) \
    GIVE(MP_QSTR_store_number, store_number) \
    GIVE(MP_QSTR_pick, pick)
#else
#define GIVEN_WITH_ALL
#endif

#ifndef INNER
#define GIVEN_INNER
#endif

#ifdef MICROPY_ENABLE_DYNRUNTIME

#define GIVE(qstr, name) mp_store_global(qstr, MP_OBJ_FROM_PTR(&name##_obj));
#define VALUE(qstr, value) mp_store_global(qstr, SMALL(value));

mp_obj_t mpy_init(mp_obj_fun_bc_t *self, size_t n_args, size_t n_kw, mp_obj_t *args) {
    MP_DYNRUNTIME_INIT_ENTRY
    GIVEN
    GIVEN_WITH_ALL
    GIVEN_INNER
    MP_DYNRUNTIME_INIT_EXIT
}

#else

#define GIVE(qstr, name) { MP_ROM_QSTR(qstr), MP_ROM_PTR(&name##_obj) },
#define VALUE(qstr, value) { MP_ROM_QSTR(qstr), MP_ROM_INT(value) },

static const mp_rom_map_elem_t names[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__ipsec) },
    GIVEN
    GIVEN_WITH_ALL
    GIVEN_INNER
};
static MP_DEFINE_CONST_DICT(globals, names);

const mp_obj_module_t ipsec_native = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&globals,
};

MP_REGISTER_MODULE(MP_QSTR__ipsec, ipsec_native);

#endif
