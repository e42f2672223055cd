// What this program asks of Linux; qemu-xtensa passes it on to the host's. Numbers and constants are those of Linux for Xtensa.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum {
    LINUX_OPEN = 8, LINUX_CLOSE = 9, LINUX_READ = 12, LINUX_WRITE = 13, LINUX_POLL = 16, LINUX_SOCKET = 96, LINUX_SETSOCKOPT = 97,
    LINUX_GETSOCKOPT = 98, LINUX_BIND = 100, LINUX_CONNECT = 101, LINUX_LISTEN = 102, LINUX_ACCEPT4 = 333, LINUX_SENDTO = 110,
    LINUX_RECVFROM = 111, LINUX_EXIT_GROUP = 119, LINUX_CLOCK_GETTIME = 245,
};

// start.s: call Linux with six arguments; the result is negative for an error, as which it is minus a number of <errno.h>.
int linux_call(int number, const int *arguments);
#define LINUX(number, ...) linux_call(LINUX_##number, (const int[6]) { __VA_ARGS__ })

// linux.c
void linux_read_file(const char *path, void *buf, size_t len); // as much of it as there is
void linux_exit(int status) __attribute__((noreturn));

enum { POLL_IN = 1, POLL_OUT = 4, POLL_ERR = 8, POLL_HUP = 16 };
int linux_poll(int fd, int events, int timeout_ms); // which of them hold; waits for one of them, -1: for ever; fd -1 only waits
