"""Which modules of lib/ipsec a device needs: the core, and features in slices of their own.

A module that some other module imports only when it needs it can be made a gate: it is named in `SLICES`, and everything
only it leads to belongs to its slice. What is reached without passing a gate is the core. New modules find their place by
their imports; only new features need a line here. Start reading at `needed`.
"""

import ast
import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ipsec.config import Config
from ipsec.ike.auth import keys, read_certs, read_keys
from ipsec.ike.auth.x509 import Certificate
from ipsec.suite import EspSuite, IkeSuite

from ipsec_board import native
from ipsec_board.paths import LIBRARY

PACKAGE = "ipsec"
_CORE_ROOTS = ("ipsec", "ipsec.config", "ipsec.tunnel", "ipsec.drive.base", "ipsec.crypto.board", "ipsec.ike.trace")
REPLACING = {"ipsec.options": "ipsec.prepared"}  # with `install --prepared` the linker puts the second in the first's place
IN_PLACE = "ipsec.drive.inplace"  # beside joined files on boards whose file system is mapped into memory
PACKED = "ipsec.drive.packed"  # at the end of the package's own file, where the other joined ones lie deflated
APART = (IN_PLACE, PACKED)  # never joined with others
# Never on a board
_HOST_ONLY = ("ipsec.crypto.host", "ipsec.crypto.host_dh", "ipsec.ike.keylog", "ipsec.drive.host_tls", "ipsec.drive.host_capture",
              "ipsec.drive.host_bell")  # fmt: skip


@dataclass(frozen=True)
class Slice:
    """A feature: the modules that lead into it, a line about it, and when a configuration on an architecture needs it."""

    gates: tuple[str, ...]
    about: str
    when: Callable[[Config, str], bool]


def _any_suite(c: Config, fits: Callable[[IkeSuite | EspSuite], bool]) -> bool:
    return any(map(fits, c.ike_proposals)) or any(map(fits, c.esp_proposals))


def _encr(*numbers: int) -> Callable[[Config, str], bool]:
    return lambda c, _arch: _any_suite(c, lambda s: s.encr in numbers)


def _ke(*numbers: int) -> Callable[[Config, str], bool]:
    return lambda c, _arch: any(s.ke in numbers for s in c.ike_proposals)


def _kinds_of(c: Config) -> set[int]:
    """Kinds of the keys of both ends, and of the authorities that the gateway's may come from: its own is likely such a one."""
    if c.auth == "psk" and not c.remote_auth:
        return set()
    return _kinds(c.auth != "psk" and c.key or "", c.gateway_key, c.ca)


@functools.cache
def _kinds(key: str, gateway_key: str, ca: str) -> set[int]:
    found = {read_keys.load_private(key).kind} if key else set()
    if gateway_key:
        found.add(read_certs.load_pinned(gateway_key).kind)
    for octets in read_certs.decode(ca, "ca_file"):
        c = Certificate(octets, 0, len(octets))
        found.add(keys.parse_spki(octets, c.spki_at, c.spki_to).kind)
    return found


def _signs(*kinds: int) -> Callable[[Config, str], bool]:
    """Whether one of the keys is of such a kind."""
    return lambda c, _arch: not _kinds_of(c).isdisjoint(kinds)


def _has_certificates(c: Config, _arch: str) -> bool:
    return c.auth == "cert" or bool(c.remote_auth)


def _sha512(c: Config, arch: str) -> bool:
    if _signs(keys.ED25519, keys.P384)(c, arch):
        return True
    return _any_suite(c, lambda s: s.integ in (13, 14)) or any(s.prf in (6, 7) for s in c.ike_proposals)


def _chacha64(c: Config | None, arch: str) -> bool:
    return "64" in arch and (c is None or _encr(28, 31)(c, arch))


def _gcm8k(c: Config, _arch: str) -> bool:
    return c.large_tables and any(s.encr in (18, 19, 20, 30) for s in c.esp_proposals)


def _has_comb_in_viper(c: Config, arch: str) -> bool:
    return not native.path(arch) and _ke(31)(c, arch) and _signs(keys.P256)(c, arch)


def _always(_c: Config, _arch: str) -> bool:
    return True


SLICES = {
    "ccm": Slice(("ipsec.crypto.modes.ccm",), "AES-CCM", _encr(14, 15, 16, 29)),
    "x25519": Slice(("ipsec.crypto.groups.x25519",), "key exchange on Curve25519", _ke(31)),
    "gcm": Slice(("ipsec.crypto.modes.gcm",), "AES-GCM", _encr(18, 19, 20, 30)),
    "chacha": Slice(("ipsec.crypto.modes.chapoly",), "ChaCha20-Poly1305", _encr(28, 31)),
    "chacha64": Slice(("ipsec.crypto.kernels.chacha20_w64",), "ChaCha20 for 64-bit hosts", _chacha64),
    "cbc": Slice(("ipsec.crypto.modes.cbc",), "AES-CBC with HMAC-SHA2", _encr(12)),
    "p256": Slice(("ipsec.crypto.groups.p256",), "key exchange on P-256 (ecp256)", _ke(19)),
    "p384": Slice(("ipsec.crypto.groups.p384",), "key exchange on P-384 (ecp384)", _ke(20)),
    "modp": Slice(("ipsec.crypto.groups.modp",), "key exchange modulo a prime (modp2048)", _ke(14, 15, 16)),
    "modplarge": Slice(("ipsec.crypto.groups.modp_large",), "the same with modp3072 and modp4096", _ke(15, 16)),
    "sha512": Slice(("ipsec.crypto.sha512",), "SHA-384 and SHA-512", _sha512),
    "rekey": Slice(
        ("ipsec.ike.create_child", "ipsec.ike.rekey_ike", "ipsec.ike.pick", "ipsec.beside"),
        "new keys for a tunnel that stays up; without it the tunnel is made again",
        _always,
    ),
    "key": Slice(
        ("ipsec.ike.auth.key", "ipsec.ike.auth.remedies", "ipsec.drive.key", "ipsec.auth_options"),
        "authentication by raw public keys",
        lambda c, _arch: c.auth != "psk" or bool(c.remote_auth),
    ),
    "ppk": Slice(
        ("ipsec.ike.auth.ppk", "ipsec.auth_options"),
        "a pre-shared key against quantum computers beside any method (RFC 8784)",
        lambda c, _arch: bool(c.ppk_id),
    ),
    "eap": Slice(
        ("ipsec.ike.auth.eap", "ipsec.ike.auth.eap_texts"), "authentication by EAP-MSCHAPv2", lambda c, _arch: c.auth == "eap"
    ),
    "cert": Slice(("ipsec.ike.auth.cert",), "authentication by certificates, and by different methods", _has_certificates),
    "ed25519": Slice(
        ("ipsec.crypto.sign.ed25519", "ipsec.crypto.sign.base25519"), "signatures by Ed25519", _signs(keys.ED25519)
    ),
    "ecdsa": Slice(
        ("ipsec.crypto.sign.ecdsa", "ipsec.crypto.sign.p256"), "signatures by ECDSA, on P-256", _signs(keys.P256, keys.P384)
    ),
    "comb25519": Slice(
        ("ipsec.crypto.sign.base25519",), "key pairs of Curve25519 by what signs, where no kernels in C do", _has_comb_in_viper
    ),
    "ecdsa384": Slice(("ipsec.crypto.sign.p384",), "the same on P-384", _signs(keys.P384)),
    "rsa": Slice(("ipsec.crypto.sign.rsa",), "signatures by RSA, of a gateway", _signs(keys.RSA)),
    "mobike": Slice(("ipsec.ike.mobike",), "tunnels that go along to another address (RFC 4555)", lambda c, _arch: c.mobike),
    "where": Slice(
        ("ipsec.where", "ipsec.way_options", "ipsec.drive.routes"),
        "a choice of gateways, and of their addresses",
        lambda c, _arch: bool(c.gateways) or c.redirect or bool(c.tcp),
    ),
    "stream": Slice(("ipsec.drive.tcp_link",), "TCP where no UDP passes (RFC 9329)", lambda c, _arch: bool(c.tcp)),
    "more": Slice(
        ("ipsec.more_options", "ipsec.ike.more", "ipsec.esp.many"),
        "further Child SAs, for networks that one selector set cannot express",
        lambda c, _arch: bool(c.more_ts),
    ),
    "childless": Slice(("ipsec.ike.childless",), "the first Child SA apart (RFC 6023)", lambda c, _arch: c.childless),
    "redirect": Slice(("ipsec.ike.redirect",), "gateways that send us to others (RFC 5685)", lambda c, _arch: c.redirect),
    "names": Slice(("ipsec.suite_names",), "names of suites, for lists of them and for the log", _always),
    "gcm8k": Slice(("ipsec.crypto.modes.gcm8k",), "faster AES-GCM for 12 KB of RAM a tunnel", _gcm8k),
    "plain": Slice(
        ("ipsec.crypto.kernels.plain", "ipsec.crypto.kernels.aead_plain", "ipsec.crypto.kernels.cbc_plain"),
        "slow kernels for firmware without native code",
        lambda _c, arch: not arch,
    ),
    "tcp": Slice(
        (
            "ipsec.inet.tcp", "ipsec.inet.too_big", "ipsec.drive.sync_stream", "ipsec.drive.aio_stream",
            "ipsec.drive.socket_module",
        ),  # fmt: skip
        "TCP client inside the tunnel, and the tunnel as a module like `socket`",
        _always,
    ),
    "listen": Slice(
        ("ipsec.inet.listen", "ipsec.drive.listening", "ipsec.drive.aio_server"),
        "TCP that peers inside the tunnel open",
        _always,
    ),
    "raw": Slice(("ipsec.drive.raw_socket",), "sockets of any IP protocol", _always),
    "tls": Slice(("ipsec.drive.secured",), "TLS on streams inside the tunnel", _always),
    "dns": Slice(("ipsec.inet.dns", "ipsec.inet.dns_tcp", "ipsec.drive.names"), "names inside the tunnel", _always),
    "fragment": Slice(("ipsec.ike.fragment",), "IKE messages in pieces", lambda c, _arch: c.fragmentation),
    "asyncio": Slice(("ipsec.drive.aio", "ipsec.drive.aio_face"), "driver for asyncio", _always),
    "blocking": Slice(("ipsec.drive.sync",), "driver that blocks", _always),
}

_VIPER_ONLY = ("ipsec.crypto.kernels.field384",)  # kernels that the native module has not
# what the small native module has no kernels for; and whatever calls the field machine, X25519 excepted
_IN_THE_LARGE = ("ipsec.crypto.modes.chapoly", "ipsec.crypto.modes.cbc", "ipsec.crypto.sha512", "ipsec.crypto.sign.modular")
PLAIN = ("ipsec.esp.plain", "ipsec.inet.plain", *SLICES["plain"].gates)
# With the core, what lib/package.json installs: what is there is offered, and with these every usual gateway's default is met
BASIC = ("ccm", "gcm", "cbc", "sha512", "x25519", "p256", "modp", "names", "rekey", "mobike", "where", "redirect",
         "fragment", "blocking")  # fmt: skip


def chosen(config: Config | None, arch: str, extra: Iterable[str] = ()) -> list[str]:
    """Names of the slices that this configuration needs on this architecture, and the `extra` ones.

    Without a configuration all that are not only for asking or for other architectures.
    """
    names = [n for n, s in SLICES.items() if n in extra or (_fits(s, arch) if config is None else s.when(config, arch))]
    return [n for n in names if modules(n)]


def needed(config: Config | None, arch: str, extra: Iterable[str] = (), viper: bool = False) -> list[str]:
    """Modules of the core and of the chosen slices; sorted names such as `ipsec.ike.sa`.

    Kernels in viper and in plain Python are left out where there are those in C (`native.path`), unless `viper` is wanted.
    """
    found = set(modules("core"))
    for name in chosen(config, arch, extra):
        found.update(modules(name))
    if native.path(arch) and not viper:
        found = {m for m in found if not is_replaced(m)}
    return sorted(found)


def small_is_enough(needed_modules: Iterable[str]) -> bool:
    """Whether the small native module has all kernels for these modules."""
    names = set(needed_modules)
    others = names - {"ipsec.crypto.groups.x25519"}
    return not names & set(_IN_THE_LARGE) and not any("ipsec.crypto.groups.machine" in imports(m) for m in others)


def is_replaced(module: str) -> bool:
    """Whether this is a module of kernels in viper or in plain Python, in whose place a board may have those in C."""
    return module in PLAIN or module not in _VIPER_ONLY and b"\n@micropython.viper\n" in source_of(module)


def _fits(s: Slice, arch: str) -> bool:
    return s.gates[0] not in ("ipsec.crypto.kernels.plain", "ipsec.crypto.kernels.chacha20_w64") or s.when(None, arch)  # type: ignore[arg-type]


def modules(name: str) -> list[str]:
    """Modules of a slice or of the core, sorted."""
    gates = {g for s in SLICES.values() for g in s.gates} | set(_HOST_ONLY)
    core = _closure(_CORE_ROOTS, gates)
    if name == "core":
        return sorted(core)
    own = set(SLICES[name].gates)
    return sorted(_closure(own, gates - own) - core)


def unreached() -> list[str]:
    """Modules of the library that belong to no slice; host-only ones do not count."""
    placed = set(needed(None, "", SLICES)) | {*_HOST_ONLY, *REPLACING.values(), *APART}
    return sorted(set(_all_modules()) - placed)


def source_of(module: str) -> bytes:
    """The source text of a module."""
    return (LIBRARY / path_of(module)).read_bytes()


def compiled(module: str) -> str:
    """The .mpy file of a module, relative to the library's folder on a board."""
    return path_of(module).with_suffix(".mpy").as_posix()


def path_of(module: str) -> Path:
    """The source file of a module, relative to lib/."""
    return _path_in(LIBRARY, module)


@functools.cache
def _path_in(library: Path, module: str) -> Path:
    base = Path(*module.split("."))
    return base / "__init__.py" if (library / base).is_dir() else base.with_suffix(".py")


def _all_modules() -> list[str]:
    files = (p.relative_to(LIBRARY) for p in (LIBRARY / PACKAGE).rglob("*.py"))
    return [".".join(p.with_suffix("").parts).removesuffix(".__init__") for p in files]


def _closure(roots: Iterable[str], gates: set[str]) -> set[str]:
    """What the roots import, directly or not, at any place in their text, without passing a gate."""
    found: set[str] = set()
    waiting = [m for m in roots if (LIBRARY / path_of(m)).is_file()]
    while waiting:
        module = waiting.pop()
        if module in found:
            continue
        found.add(module)
        parents = [module.rpartition(".")[0]] if "." in module else []
        waiting += [m for m in (*imports(module), *parents) if m not in gates and m not in found]
    return found


def imports(module: str) -> set[str]:
    """Modules of the library that this one imports, anywhere in its text."""
    path = LIBRARY / path_of(module)
    return {n for n in _named(path, path.stat().st_mtime_ns) if (LIBRARY / path_of(n)).is_file()}


@functools.cache
def _named(path: Path, _mtime_ns: int) -> frozenset[str]:
    """What a source file may import of the library; names in modules are among them."""
    named: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            named.update(a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            named.add(node.module)
            named.update(f"{node.module}.{a.name}" for a in node.names)
    return frozenset(n for n in named if n.split(".")[0] == PACKAGE)
