/* LD_PRELOAD shim: turns every negative answer of the kernel's XFRM netlink into success.
 *
 * A daemon that keeps ESP in the kernel then believes that its SAs and policies are installed, also on a kernel that
 * has no IPsec and without the right to use it. For tests of IKE alone: no ESP packet is ever opened.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/types.h>

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
