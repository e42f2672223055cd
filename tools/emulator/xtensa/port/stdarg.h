// clang 22 leaves the saved registers where they are and counts as if a2 were the first of them, and loses its way on the stack:
// the list it begins is put right, and read as the Xtensa ABI says.
#ifndef STDARG_H
#define STDARG_H

typedef __builtin_va_list va_list, __gnuc_va_list;

#define va_start(list, last) (__builtin_va_start(list, last), (list).__va_reg -= (list).__va_ndx / 4)
#define va_arg(list, type) (*(type *)va_next(&(list), sizeof(type)))
#define va_end(list)
#define va_copy(to, from) ((to) = (from))

static inline void *va_next(va_list *list, int size) {
    int begin = size > 4 ? (list->__va_ndx + 7) & ~7 : list->__va_ndx;
    if (begin < 24 && begin + size > 24) {
        begin = 24;
    }
    if (begin == 24) {
        begin = 32; // the window handlers own 32 octets below the stack's arguments
    }
    list->__va_ndx = begin + size;
    return (char *)(begin < 24 ? list->__va_reg : list->__va_stk) + begin;
}

#endif
