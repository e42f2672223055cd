"""A device that uses names and TCP through its tunnel, on MicroPython and CPython.

    stream_device.py CONFIG.json (blocking | aio) STEP...

Steps: `resolve,NAME`, `echo,HOST,PORT,OCTETS`, `http,HOST,PATH`, `lines,HOST,PORT`, `refused,HOST,PORT`, and for the blocking
driver `patience,HOST,PORT` and `wrapped,HOST,PORT,CERTIFICATE`; `tls,HOST,PORT,CERTIFICATE,NAME`. Each prints one JSON list
that begins with the word of the step.
Start reading at `Blocking`.
"""

import errno
import json
import sys

CHUNK = 1500
REQUEST = "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n"


def tell(*words):
    print(json.dumps(words))


def pattern(n, start=0):
    """n octets that show what is missing or doubled."""
    return bytes([(start + i) * 7 + ((start + i) >> 8) & 255 for i in range(n)])


def trusting(certificate):
    """A context that takes nobody but who has this certificate."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_mode = ssl.CERT_REQUIRED
    with open(certificate, "rb") as f:
        context.load_verify_locations(cadata=f.read())
    return context


class Blocking:
    """The steps with the blocking driver."""

    def __init__(self, config):
        from ipsec.drive.sync import Uplink

        self.uplink = Uplink(config)

    def resolve(self, name):
        try:
            tell("resolve", self.uplink.resolve(name))
        except OSError as e:
            tell("resolve", "", e.args[1])

    def echo(self, host, port, n):
        stream = self.uplink.connect_tcp((host, int(port)))
        good = 0
        for start in range(0, int(n), CHUNK):
            data = pattern(CHUNK, start)
            stream.sendall(data)
            good += CHUNK * (stream.read(CHUNK) == data)
        stream.close()
        tell("echo", good)

    def http(self, host, path):
        with self.uplink.connect_tcp((host, 80)) as stream:
            stream.write((REQUEST % (path, host)).encode())
            status = stream.readline().decode().strip()
            while stream.readline() not in (b"\r\n", b""):
                pass
            body = stream.read()
        tell("http", status, len(body), body == pattern(len(body)))

    def lines(self, host, port):
        with self.uplink.connect_tcp((host, int(port))) as stream:
            stream.write(b"one\r\ntwo\nthree", 5)  # as MicroPython's write(buf, n)
            stream.write(b"xxtwo\nthreexx", 2, 9)  # and write(buf, pos, n)
            first, second, some = stream.readline(), stream.readline(2), stream.readline()
            buf = bytearray(5)
            got = stream.readinto(buf)
            tell("lines", first.decode(), second.decode(), some.decode(), got, buf.decode())

    def refused(self, host, port):
        try:
            self.uplink.connect_tcp((host, int(port)))
        except OSError as e:
            tell("refused", e.args[0] == errno.ECONNREFUSED, e.args[1])

    def patience(self, host, port):
        """Time-outs: none lose anything."""
        stream = self.uplink.connect_tcp((host, int(port)))
        said = []
        stream.setblocking(False)
        said.append(stream.read(1))
        said.append(self.error_of(stream.recv, 1))
        stream.settimeout(0.3)
        said.append(self.error_of(stream.recv, 1))
        stream.sendall(b"abc")
        said.append(self.error_of(stream.read, 5))
        stream.sendall(b"de")
        said.append(stream.read(5).decode())
        stream.close()
        said.append(self.error_of(stream.recv, 1))
        names = {errno.EAGAIN: "EAGAIN", errno.ETIMEDOUT: "ETIMEDOUT", errno.EBADF: "EBADF"}
        tell("patience", *[names.get(word, word) for word in said])

    def error_of(self, call, argument):
        try:
            return call(argument)
        except OSError as e:
            return e.args[0]

    def tls(self, host, port, certificate, name):
        """TLS by the driver."""
        context = trusting(certificate)
        try:
            stream = self.uplink.connect_tcp((host, int(port)), ssl=context, server_hostname=name)
            stream.write(b"through two tunnels\n" * 100)
            answer = stream.read(2000)
            stream.close()
        except OSError as e:
            tell("tls", "OSError", str(e))
            return
        tell("tls", len(answer), answer[-20:].decode())

    def wrapped(self, host, port, certificate):
        """TLS by the program, over a socket of the module's."""
        context = trusting(certificate)
        module = self.uplink.socket_module()
        module.capture()
        sock = module.socket()
        sock.connect((host, int(port)))
        stream = context.wrap_socket(sock, server_hostname="inside.example")
        stream.write(b"through two tunnels\n")
        answer = stream.readline() if hasattr(stream, "readline") else stream.makefile("rb").readline()
        stream.close()
        module.release()
        tell("wrapped", answer.decode())

    def run(self, steps):
        with self.uplink:
            for step in steps:
                word, *rest = step.split(",")
                getattr(self, word)(*rest)


class Waiting:
    """The steps with the asyncio driver."""

    def __init__(self, config):
        from ipsec.drive.aio import Uplink

        self.uplink = Uplink(config)

    async def resolve(self, name):
        try:
            tell("resolve", await self.uplink.resolve(name))
        except OSError as e:
            tell("resolve", "", e.args[1])

    async def echo(self, host, port, n):
        stream = await self.uplink.connect_tcp((host, int(port)))
        good = 0
        for start in range(0, int(n), CHUNK):
            data = pattern(CHUNK, start)
            stream.write(data)
            await stream.drain()
            good += CHUNK * (await stream.readexactly(CHUNK) == data)
        stream.close()
        await stream.wait_closed()
        tell("echo", good)

    async def http(self, host, path):
        async with await self.uplink.connect_tcp((host, 80)) as stream:
            stream.write((REQUEST % (path, host)).encode())
            status = (await stream.readline()).decode().strip()
            while await stream.readline() not in (b"\r\n", b""):
                pass
            body = await stream.read(-1)
        tell("http", status, len(body), body == pattern(len(body)))

    async def lines(self, host, port):
        async with await self.uplink.connect_tcp((host, int(port))) as stream:
            stream.write(b"one\r\ntwo\nthree" * 400)  # more than there is room for
            await stream.drain()
            said = []
            while len(said) < 3:
                said.append((await stream.readline()).decode())
            try:
                await self.with_time(stream.readexactly(100000))
            except self.timeout_error():
                said.append("late")
            rest = await stream.readexactly(13 * 400 - len("".join(said[:3])))
            tell("lines", *said, len(rest))

    async def tls(self, host, port, certificate, name):
        context = trusting(certificate)
        try:
            reader, writer = await self.uplink.open_connection(host, int(port), ssl=context, server_hostname=name)
            await writer.awrite(b"through two tunnels\n" * 100)
            answer = await reader.readexactly(2000)
            writer.close()
            await writer.wait_closed()
        except OSError as e:
            tell("tls", "OSError", str(e))
            return
        tell("tls", len(answer), answer[-20:].decode())

    async def with_time(self, call):
        import asyncio

        await asyncio.wait_for(call, 0.5)

    def timeout_error(self):
        import asyncio

        return asyncio.TimeoutError

    async def refused(self, host, port):
        try:
            await self.uplink.connect_tcp((host, int(port)))
        except OSError as e:
            tell("refused", e.args[0] == errno.ECONNREFUSED, e.args[1])

    async def steps(self, steps):
        async with self.uplink:
            for step in steps:
                word, *rest = step.split(",")
                await getattr(self, word)(*rest)

    def run(self, steps):
        import asyncio

        asyncio.run(self.steps(steps))


def main(config, driver, *steps):
    (Waiting if driver == "aio" else Blocking)(config).run(steps)


if __name__ == "__main__":
    main(*sys.argv[1:])
