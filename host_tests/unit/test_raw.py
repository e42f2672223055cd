"""Sockets of one IP protocol, over a link that is no tunnel."""

from inet_support import A4, A6, B4, B6, ip4, ip6
from ipsec.drive.socket_module import SocketModule
from support import raises
from test_sockets import EADDRINUSE, EAGAIN, EBADF, Udp, errno_of

SCTP = 132
EPROTONOSUPPORT, EMSGSIZE, ENOTCONN = 93, 90, 107


def new_raw(proto=SCTP):
    uplink = Udp()
    return uplink, SocketModule(uplink).socket(2, 3, proto)


def test_payloads_go_and_come_as_they_are():
    uplink, s = new_raw()
    assert s.sendto(b"to four", ("10.10.0.1", 0)) == 7 and s.sendto(b"to six", ("fd00::1", 0)) == 6
    four, six = uplink.sent
    assert (four[9], four[12:16], four[16:20], four[20:]) == (SCTP, A4, B4, b"to four")
    assert (six[6], six[8:24], six[24:40], six[40:]) == (SCTP, A6, B6, b"to six")
    assert uplink.come(ip4(SCTP, b"from four", B4, A4)) == uplink.come(ip6(SCTP, b"from six", B6, A6)) == 0
    assert s.recvfrom(100) == (b"from four", ("10.10.0.1", 0)) and s.recvfrom(4) == (b"from", ("fd00::1", 0))
    s.settimeout(0)
    assert errno_of(s.recv, 1) == EAGAIN
    buf = bytearray(3)
    uplink.come(ip4(SCTP, b"longer", B4, A4))
    assert s.recv_into(buf) == 3 and buf == b"lon"
    assert errno_of(s.sendto, bytes(1400), ("10.10.0.1", 0)) == EMSGSIZE
    s.sendto(bytes(1380), ("10.10.0.1", 0))


def test_connected():
    uplink, s = new_raw()
    assert errno_of(s.send, b"x") == ENOTCONN
    s.connect(("10.10.0.1", 0))
    assert s.send(b"x") == 1 and s.getpeername() == ("10.10.0.1", 0)
    assert uplink.come(ip4(SCTP, b"other", bytes((10, 10, 0, 9)), A4)) == -15
    assert uplink.come(ip4(SCTP, b"", B4, A4)) == 0 and s.recv(9) == b"", "a payload may be empty"


def test_which_protocols_there_are():
    uplink, s = new_raw()
    module = SocketModule(uplink)
    assert errno_of(module.socket, 2, 3, SCTP) == EADDRINUSE
    for taken in (0, 1, 6, 17, 50, 58, 255, -1):
        assert errno_of(module.socket, 2, 3, taken) == EPROTONOSUPPORT
    assert uplink.come(ip4(33, b"x", B4, A4)) == -9, "nobody has DCCP"
    s.close()
    s.close()
    assert uplink.come(ip4(SCTP, b"x", B4, A4)) == -9
    assert errno_of(s.recv, 1) == EBADF and errno_of(s.sendto, b"", ("10.10.0.1", 0)) == EBADF
    module.socket(2, 3, SCTP)
    raises(OSError, module.socket, 2, 4, text="SOCK_RAW")


def test_the_queue_is_bounded():
    uplink, s = new_raw()
    codes = [uplink.come(ip4(SCTP, bytes(1000), B4, A4)) for _ in range(5)]
    assert codes == [0, 0, -14, -14, -14]
