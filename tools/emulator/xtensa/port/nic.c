// The network of this board: the host's sockets (IPv4, UDP and TCP), under MicroPython's socket module for network chips that
// have their own. Linux's are never blocking; who may wait waits here.
#include <string.h>
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "extmod/modnetwork.h"
#include "linux.h"

typedef mod_network_socket_obj_t sock_t;

enum { SOCK_NONBLOCK = 0x800, SOL_SOCKET = 1, SO_REUSEADDR = 2, SO_ERROR = 4, SO_BROADCAST = 6, SO_KEEPALIVE = 9, NO_SIGNAL = 0x4000 };

typedef struct {
    uint16_t family;
    uint8_t port[2], ip[4], zero[8];
} sockaddr_t;

static sockaddr_t sockaddr(const byte *ip, mp_uint_t port) {
    sockaddr_t addr = { MOD_NETWORK_AF_INET, { port >> 8, port } };
    memcpy(addr.ip, ip, sizeof(addr.ip));
    return addr;
}

static void read_sockaddr(const sockaddr_t *addr, byte *ip, mp_uint_t *port) {
    memcpy(ip, addr->ip, sizeof(addr->ip));
    *port = addr->port[0] << 8 | addr->port[1];
}

// What a call of this kind returns: -1 with an error in *_errno, or the result.
static int result(int r, int *_errno) {
    if (r < 0) {
        *_errno = -r;
        return -1;
    }
    return r;
}

// Repeat a call of Linux that may have to wait, within the time-out of the socket.
static int patient(sock_t *s, int events, int number, const int *arguments, int *_errno) {
    mp_uint_t begin = mp_hal_ticks_ms();
    for (;;) {
        int r = linux_call(number, arguments);
        if (r != -MP_EAGAIN || s->timeout == 0) {
            return result(r, _errno);
        }
        mp_event_handle_nowait();
        int left = s->timeout < 0 ? -1 : s->timeout - (int)(mp_hal_ticks_ms() - begin);
        if (s->timeout > 0 && left <= 0) {
            return result(-MP_ETIMEDOUT, _errno);
        }
        linux_poll(s->fileno, events, left);
    }
}

static int nic_gethostbyname(mp_obj_t nic, const char *name, mp_uint_t len, uint8_t *ip) {
    static const uint8_t localhost[4] = { 127, 0, 0, 1 };
    if (len != 9 || memcmp(name, "localhost", 9) != 0) {
        return MP_EHOSTUNREACH; // there is no resolver here
    }
    memcpy(ip, localhost, sizeof(localhost));
    return 0;
}

static int nic_socket(sock_t *s, int *_errno) {
    int fd = result(LINUX(SOCKET, s->domain, s->type | SOCK_NONBLOCK, 0), _errno);
    s->fileno = fd;
    return fd < 0 ? -1 : 0;
}

static void nic_close(sock_t *s) {
    LINUX(CLOSE, s->fileno);
    s->fileno = -1;
}

static int nic_bind(sock_t *s, byte *ip, mp_uint_t port, int *_errno) {
    sockaddr_t addr = sockaddr(ip, port);
    return result(LINUX(BIND, s->fileno, (int)&addr, sizeof(addr)), _errno);
}

static int nic_listen(sock_t *s, mp_int_t backlog, int *_errno) {
    return result(LINUX(LISTEN, s->fileno, backlog), _errno);
}

static int nic_accept(sock_t *s, sock_t *s2, byte *ip, mp_uint_t *port, int *_errno) {
    sockaddr_t addr;
    int len = sizeof(addr);
    const int arguments[6] = { s->fileno, (int)&addr, (int)&len, SOCK_NONBLOCK };
    int fd = patient(s, POLL_IN, LINUX_ACCEPT4, arguments, _errno);
    if (fd < 0) {
        return -1;
    }
    s2->fileno = fd;
    read_sockaddr(&addr, ip, port);
    return 0;
}

static int nic_connect(sock_t *s, byte *ip, mp_uint_t port, int *_errno) {
    sockaddr_t addr = sockaddr(ip, port);
    int r = LINUX(CONNECT, s->fileno, (int)&addr, sizeof(addr));
    if (r != -MP_EINPROGRESS || s->timeout == 0) {
        return result(r, _errno);
    }
    int error = 0, len = sizeof(error);
    if (!linux_poll(s->fileno, POLL_OUT, s->timeout)) {
        return result(-MP_ETIMEDOUT, _errno);
    }
    LINUX(GETSOCKOPT, s->fileno, SOL_SOCKET, SO_ERROR, (int)&error, (int)&len);
    return result(-error, _errno);
}

static mp_uint_t nic_send(sock_t *s, const byte *buf, mp_uint_t len, int *_errno) {
    const int arguments[6] = { s->fileno, (int)buf, len, NO_SIGNAL };
    return patient(s, POLL_OUT, LINUX_SENDTO, arguments, _errno);
}

static mp_uint_t nic_recv(sock_t *s, byte *buf, mp_uint_t len, int *_errno) {
    const int arguments[6] = { s->fileno, (int)buf, len };
    return patient(s, POLL_IN, LINUX_RECVFROM, arguments, _errno);
}

static mp_uint_t nic_sendto(sock_t *s, const byte *buf, mp_uint_t len, byte *ip, mp_uint_t port, int *_errno) {
    sockaddr_t addr = sockaddr(ip, port);
    const int arguments[6] = { s->fileno, (int)buf, len, NO_SIGNAL, (int)&addr, sizeof(addr) };
    return patient(s, POLL_OUT, LINUX_SENDTO, arguments, _errno);
}

static mp_uint_t nic_recvfrom(sock_t *s, byte *buf, mp_uint_t len, byte *ip, mp_uint_t *port, int *_errno) {
    sockaddr_t addr = { 0 };
    int addr_len = sizeof(addr);
    const int arguments[6] = { s->fileno, (int)buf, len, 0, (int)&addr, (int)&addr_len };
    int n = patient(s, POLL_IN, LINUX_RECVFROM, arguments, _errno);
    read_sockaddr(&addr, ip, port);
    return n;
}

// Options of sockets have lwIP's numbers in MicroPython.
static int nic_setsockopt(sock_t *s, mp_uint_t level, mp_uint_t option, const void *value, mp_uint_t len, int *_errno) {
    if (level == MOD_NETWORK_SOL_SOCKET) {
        level = SOL_SOCKET;
        option = option == MOD_NETWORK_SO_REUSEADDR ? SO_REUSEADDR : option == MOD_NETWORK_SO_BROADCAST ? SO_BROADCAST :
            option == MOD_NETWORK_SO_KEEPALIVE ? SO_KEEPALIVE : 0;
    }
    return result(LINUX(SETSOCKOPT, s->fileno, level, option, (int)value, len), _errno);
}

static int nic_settimeout(sock_t *s, mp_uint_t timeout_ms, int *_errno) {
    s->timeout = timeout_ms;
    return 0;
}

static int nic_ioctl(sock_t *s, mp_uint_t request, mp_uint_t arg, int *_errno) {
    if (request != MP_STREAM_POLL) {
        return result(-MP_EINVAL, _errno);
    }
    return linux_poll(s->fileno, arg & (POLL_IN | POLL_OUT), 0); // MicroPython's flags have Linux's numbers
}

static const mod_network_nic_protocol_t nic_protocol = {
    .gethostbyname = nic_gethostbyname,
    .socket = nic_socket,
    .close = nic_close,
    .bind = nic_bind,
    .listen = nic_listen,
    .accept = nic_accept,
    .connect = nic_connect,
    .send = nic_send,
    .recv = nic_recv,
    .sendto = nic_sendto,
    .recvfrom = nic_recvfrom,
    .setsockopt = nic_setsockopt,
    .settimeout = nic_settimeout,
    .ioctl = nic_ioctl,
};

static MP_DEFINE_CONST_OBJ_TYPE(nic_type, MP_QSTR_Host, MP_TYPE_FLAG_NONE, protocol, &nic_protocol);
static const mp_obj_base_t nic = { &nic_type };

void nic_init(void) {
    mod_network_init();
    mod_network_register_nic(MP_OBJ_FROM_PTR(&nic));
}
