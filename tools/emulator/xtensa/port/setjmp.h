// 17 words, as many as the native code of mpy-cross leaves room for.
typedef int jmp_buf[17];
int setjmp(jmp_buf state) __attribute__((returns_twice));
void longjmp(jmp_buf state, int value) __attribute__((noreturn));
