/* LD_PRELOAD shim: turns every negative answer of the kernel's XFRM netlink into success.
 *
 * A daemon that keeps ESP in the kernel then believes that its SAs and policies are installed, also on a kernel that
 * has no IPsec and without the right to use it. What it asked for goes to the file that XFRM_LOG names, from which
 * agent_esp.py learns the SAs and carries their packets. Policies are kept from the kernel, which would drop those.
 * It also does what the kernel's "espintcp" does with IKE messages in a TCP stream (RFC 9329): the length in front of each.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

static int is_xfrm(int fd) {
  int value = 0;
  socklen_t len = sizeof value;
  if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &value, &len) || value != AF_NETLINK) return 0;
  len = sizeof value;
  return !getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &value, &len) && value == NETLINK_XFRM;
}

static void forgive(int fd, void *data, ssize_t len) {
  if (len < (ssize_t)sizeof(struct nlmsghdr) || !is_xfrm(fd)) return;
  for (struct nlmsghdr *message = data; NLMSG_OK(message, len); message = NLMSG_NEXT(message, len))
    if (message->nlmsg_type == NLMSG_ERROR) {
      ((struct nlmsgerr *)NLMSG_DATA(message))->error = 0;
      message->nlmsg_flags &= ~NLM_F_ACK_TLVS;
    }
}

#define MOST_FDS 1024
static char in_tcp[MOST_FDS];  /* sockets with espintcp */

int setsockopt(int fd, int level, int name, const void *value, socklen_t len) {
  static int (*real)(int, int, int, const void *, socklen_t);
  if (!real) real = dlsym(RTLD_NEXT, "setsockopt");
  if (level == IPPROTO_TCP && name == TCP_ULP && fd < MOST_FDS) return in_tcp[fd] = 1, 0;
  return real(fd, level, name, value, len);
}

int close(int fd) {
  static int (*real)(int);
  if (!real) real = dlsym(RTLD_NEXT, "close");
  if (fd >= 0 && fd < MOST_FDS) in_tcp[fd] = 0;
  return real(fd);
}

/* One message of a stream, without its length; EAGAIN while it has not come wholly. */
static ssize_t read_message(int fd, void *data, size_t size, ssize_t (*real)(int, void *, size_t)) {
  unsigned char head[2];
  ssize_t n = recvfrom(fd, head, 2, MSG_PEEK | MSG_DONTWAIT, 0, 0);
  if (n <= 0) return n;
  int come = 0, whole = head[0] << 8 | head[1];
  if (n < 2 || ioctl(fd, FIONREAD, &come) || come < whole) return errno = EAGAIN, -1;
  if (real(fd, head, 2) != 2) return -1;
  return real(fd, data, (size_t)whole - 2 < size ? (size_t)whole - 2 : size);
}

static ssize_t write_message(int fd, const void *data, size_t size, ssize_t (*real)(int, const void *, size_t)) {
  unsigned char whole[65536];
  if (size + 2 > sizeof whole) return errno = EMSGSIZE, -1;
  whole[0] = (size + 2) >> 8;
  whole[1] = (size + 2) & 255;
  memcpy(whole + 2, data, size);
  ssize_t n = real(fd, whole, size + 2);
  return n < 2 ? n : n - 2;
}

ssize_t recvfrom(int fd, void *data, size_t size, int flags, struct sockaddr *from, socklen_t *from_len) {
  static ssize_t (*real)(int, void *, size_t, int, struct sockaddr *, socklen_t *);
  if (!real) real = dlsym(RTLD_NEXT, "recvfrom");
  ssize_t len = real(fd, data, size, flags, from, from_len);
  forgive(fd, data, len);
  return len;
}

ssize_t recv(int fd, void *data, size_t size, int flags) { return recvfrom(fd, data, size, flags, 0, 0); }

ssize_t read(int fd, void *data, size_t size) {
  static ssize_t (*real)(int, void *, size_t);
  if (!real) real = dlsym(RTLD_NEXT, "read");
  if (fd >= 0 && fd < MOST_FDS && in_tcp[fd]) return read_message(fd, data, size, real);
  ssize_t len = real(fd, data, size);
  forgive(fd, data, len);
  return len;
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
  static ssize_t (*real)(int, struct msghdr *, int);
  if (!real) real = dlsym(RTLD_NEXT, "recvmsg");
  ssize_t len = real(fd, message, flags);
  if (len > 0 && message->msg_iovlen) forgive(fd, message->msg_iov[0].iov_base, len);
  return len;
}

static ssize_t (*write_for_real)(int, const void *, size_t);
static ssize_t (*send_for_real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);

/* What goes to the kernel: the message itself, or for a policy one of a type that no kernel knows. */
static const void *note(int fd, const void *data, size_t size, char *instead, size_t room) {
  const struct nlmsghdr *message = data;
  if (size < sizeof *message || size > room || !is_xfrm(fd)) return data;
  const char *name = getenv("XFRM_LOG");
  int log = name ? open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
  if (log >= 0) {
    (void)!write_for_real(log, data, size);
    close(log);
  }
  if (message->nlmsg_type != XFRM_MSG_NEWPOLICY && message->nlmsg_type != XFRM_MSG_UPDPOLICY) return data;
  memcpy(instead, data, size);
  ((struct nlmsghdr *)instead)->nlmsg_type = XFRM_MSG_MAX + 100;
  return instead;
}

static void find(void) {
  if (!write_for_real) write_for_real = dlsym(RTLD_NEXT, "write");
  if (!send_for_real) send_for_real = dlsym(RTLD_NEXT, "sendto");
}

ssize_t write(int fd, const void *data, size_t size) {
  char instead[4096];
  find();
  if (fd >= 0 && fd < MOST_FDS && in_tcp[fd]) return write_message(fd, data, size, write_for_real);
  return write_for_real(fd, note(fd, data, size, instead, sizeof instead), size);
}

ssize_t sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t to_len) {
  char instead[4096];
  find();
  return send_for_real(fd, note(fd, data, size, instead, sizeof instead), size, flags, to, to_len);
}

ssize_t send(int fd, const void *data, size_t size, int flags) { return sendto(fd, data, size, flags, 0, 0); }
