"""A strongSwan daemon in a namespace, with ESP in user space, driven over its vici socket.

charon runs with the kernel-libipsec plugin, so the host's kernel needs no IPsec: inner packets pass through a TUN
device `ipsec0` of the namespace. Start to ready takes about 20 ms, so every test has a gateway of its own.

The options of `load_psk` are vici's (swanctl.conf(5)), named as there. Start reading at `StrongSwan`.
"""

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import vici
from cryptography.hazmat.primitives import serialization

from host_tests.interop import spaces
from host_tests.interop.install import CHARON
from host_tests.interop.spaces import Space

GATEWAY_ID = "gw.test"
CLIENT_ID = "cli.test"
PSK = "correct horse battery staple 0123456789"
IKE_PROPOSALS = ["aes128ccm16-prfsha256-x25519", "aes128gcm16-prfsha256-x25519", "aes128-sha256-ecp256"]
ESP_PROPOSALS = ["aes128ccm16", "aes128gcm16", "aes128-sha256"]
POOL4 = "10.20.0.0/24"
POOL6 = "fd00:20::/120"

_PLUGINS = (
    "random nonce openssl aes sha1 sha2 md5 hmac kdf gcm ccm chapoly ctr cmac xcbc mgf1 curve25519 gmp drbg pem pkcs1 "
    "pkcs8 x509 pubkey constraints revocation kernel-libipsec kernel-netlink socket-default vici updown eap-identity "
    "eap-mschapv2 eap-tls eap-md5 eap-ttls counters"
)
# Level 4 of ike and chd prints every key: what this daemon protects is a test's. `keys` reads them from the log.
_CONF = """charon {{
  load = {plugins}
{settings}
  plugins {{
    vici {{ socket = unix:///mnt/{name}/charon.vici }}
    kernel-netlink {{ roam_events = no }}
  }}
  filelog {{ log {{
    path = /mnt/{name}/charon.log
    time_format = %H:%M:%S
    time_add_ms = yes
    flush_line = yes
    default = 1
    ike = 4
    chd = 4
    cfg = 2
    knl = 2
    enc = 1
    net = 1
  }} }}
}}
"""
_COUNTERS = ("bytes-in", "packets-in", "bytes-out", "packets-out")
_DEFAULTS = {"dos_protection": "no", "retransmit_timeout": "1.0", "retransmit_tries": "4"}


class StrongSwan:
    """One charon in `space`.

    `settings` go into strongswan.conf's charon section (`{"fragment_size": 576}`), see `cookies()` for an example of
    a whole set. Raises RuntimeError with charon's own words when it does not start.
    """

    def __init__(self, space: Space, name: str = "gw", settings: dict | None = None) -> None:
        self.space = space
        self.work = space.network.work / name
        self.work.mkdir()
        lines = "\n".join(f"  {key} = {value}" for key, value in {**_DEFAULTS, **(settings or {})}.items())
        (self.work / "strongswan.conf").write_text(_CONF.format(plugins=_PLUGINS, settings=lines, name=name))
        self._output = (self.work / "output.txt").open("w")
        self.process = space.start(
            ["/" + CHARON], in_root=True, private_run=True, stdout=self._output, stderr=subprocess.STDOUT,
            env={**os.environ, "STRONGSWAN_CONF": f"/mnt/{name}/strongswan.conf"},
        )  # fmt: skip
        self.vici = self._connect(10)
        self._seen: dict[str, dict[str, int]] = {}  # highest counters of each CHILD_SA, by its unique number
        self._listener = threading.Thread(target=self._listen, args=(self.session(None),), daemon=True)
        self._listener.start()

    def session(self, timeout_s: float | None = 15) -> vici.Session:
        """A further vici session; one session serves one request at a time."""
        link = socket.socket(socket.AF_UNIX)
        link.settimeout(timeout_s)
        link.connect(str(self.work / "charon.vici"))
        return vici.Session(link)

    def close(self) -> None:
        """Stop charon; it deletes its SAs and tells its peers."""
        spaces.stop(self.process)
        self._listener.join(5)
        self._output.close()

    # --- configuration

    def load_psk(
        self,
        name: str = "rw",
        *,
        psk: str | bytes = PSK,
        gateway_id: str = GATEWAY_ID,
        client_id: str = CLIENT_ID,
        proposals: Iterable[str] = IKE_PROPOSALS,
        esp_proposals: Iterable[str] = ESP_PROPOSALS,
        local_ts: Iterable[str] = ("10.10.0.0/24", "fd00:10::/64"),
        pool4: str = POOL4,
        pool6: str = POOL6,
        dns: Iterable[str] = (spaces.INSIDE,),
        attributes: dict | None = None,
        child: dict | None = None,
        **connection,
    ) -> None:
        """Load a connection that awaits a client with this pre-shared key and gives it addresses and DNS servers.

        `child` holds options of the CHILD_SA (`rekey_time`, `life_time`, `dpd_action` ...); further keywords are
        options of the connection (`dpd_delay`, `rekey_time`, `childless`, `encap`, `fragmentation`, `mobike` ...).
        An empty `pool4` or `pool6` means that no such address is given; `attributes` are others to give, by type number.
        """
        pools = {f"{name}-{kind}": addrs for kind, addrs in (("v4", pool4), ("v6", pool6)) if addrs}
        for pool, addrs in pools.items():
            kind = ":" if pool.endswith("v6") else "."
            given = {"addrs": addrs, "dns": [server for server in dns if kind in server], **(attributes or {})}
            self.vici.load_pool({pool: given})
        self.vici.load_conn({name: {
            "version": "2",
            "local_addrs": [spaces.GATEWAY, "fd00:9::1"],
            "pools": list(pools),
            "proposals": list(proposals),
            "local": {"auth": "psk", "id": gateway_id},
            "remote": {"auth": "psk", "id": client_id},
            "children": {"net": {"local_ts": list(local_ts), "esp_proposals": list(esp_proposals), **(child or {})}},
            **connection,
        }})  # fmt: skip
        self.load_secret(psk, gateway_id, client_id)

    def load_raw_keys(self, private: str, peer: str, gateway_id=GATEWAY_ID, client_id=CLIENT_ID, **options) -> None:
        """Load a connection with raw public keys: our private key and the client's public one, in PEM; else as `load_psk`."""
        self.vici.load_key({"type": "any", "data": private})
        local = {"auth": "pubkey", "id": gateway_id, "pubkeys": [public_of(private)]}
        remote = {"auth": "pubkey", "id": client_id, "pubkeys": [peer]}
        self.load_psk(gateway_id=gateway_id, client_id=client_id, **{"local": local, "remote": remote, **options})

    def load_psk_initiator(
        self,
        name: str = "rw",
        *,
        gateway: str = spaces.GATEWAY,
        psk: str | bytes = PSK,
        gateway_id: str = GATEWAY_ID,
        client_id: str = CLIENT_ID,
        proposals: Iterable[str] = IKE_PROPOSALS[:1],
        esp_proposals: Iterable[str] = ESP_PROPOSALS[:1],
        remote_ts: Iterable[str] = ("10.10.0.0/24", "fd00:10::/64"),
        vips: Iterable[str] = ("0.0.0.0", "::"),
        child: dict | None = None,
        **connection,
    ) -> None:
        """Load the client's side of the same, for a strongSwan that stands where a device will stand."""
        self.vici.load_conn({name: {
            "version": "2",
            "remote_addrs": [gateway],
            "vips": list(vips),
            "proposals": list(proposals),
            "local": {"auth": "psk", "id": client_id},
            "remote": {"auth": "psk", "id": gateway_id},
            "children": {"net": {"remote_ts": list(remote_ts), "esp_proposals": list(esp_proposals), **(child or {})}},
            **connection,
        }})  # fmt: skip
        self.load_secret(psk, gateway_id, client_id)

    def load_secret(self, psk: str | bytes, *owners: str) -> None:
        """Load a pre-shared key for these identities; a further one for the same identities is tried as well."""
        self.vici.load_shared({"type": "IKE", "data": psk, "owners": list(owners)})

    def clear(self) -> None:
        """Forget all connections, pools and secrets."""
        for name in self.vici.get_conns()["conns"]:
            self.vici.unload_conn({"name": name})
        for name in self.vici.get_pools({}):
            self.vici.unload_pool({"name": name})
        self.vici.clear_creds()

    # --- actions

    def initiate(self, child: str = "net", timeout_s: float = 5) -> None:
        """Bring up a CHILD_SA and its IKE_SA. Raises vici.exception.CommandException."""
        self._drain(self.vici.initiate({"child": child, "timeout": str(int(timeout_s * 1000))}))

    def terminate(self, **what: str) -> None:
        """Delete: `terminate(ike="rw")`, `terminate(child="net")`, with force="yes" without waiting for the peer."""
        self._drain(self.vici.terminate(what))

    def rekey(self, **what: str) -> None:
        """Start a rekey: `rekey(ike="rw")`, `rekey(child="net")`; the exchange goes on in the background."""
        self.counters()
        self.vici.rekey(what)

    def redirect(self, gateway: str, **what: str) -> None:
        """Send clients to another gateway (RFC 5685): `redirect("10.9.1.9", ike="rw")`."""
        self.vici.request("redirect", {"gateway": gateway, **what})

    # --- observation

    def list_sas(self) -> list[dict]:
        """The IKE_SAs, each a dict of text with its `name` and its `child-sas`, a list of dicts with theirs."""
        found = []
        for entry in self.vici.list_sas():
            for name, sa in entry.items():
                text = _text(sa)
                text["name"] = name
                text["child-sas"] = list(text.get("child-sas", {}).values())
                found.append(text)
        return found

    def counters(self) -> dict[str, int]:
        """Octets and packets of inner traffic over all CHILD_SAs: bytes-in, packets-in, bytes-out, packets-out.

        Those of closed CHILD_SAs are included. charon itself forgets what went out through a CHILD_SA since the last
        look at it when a rekey replaces it; `rekey` looks before.
        """
        for sa in self.list_sas():
            for child in sa["child-sas"]:
                self._note(child)
        return {key: sum(child[key] for child in list(self._seen.values())) for key in _COUNTERS}

    def _note(self, child: dict) -> None:
        seen = self._seen.setdefault(child["uniqueid"], dict.fromkeys(_COUNTERS, 0))
        for key in _COUNTERS:
            seen[key] = max(seen[key], int(child.get(key, 0)))

    def log(self) -> str:
        """The log so far. It holds keys."""
        return (self.work / "charon.log").read_text(errors="replace")

    def wait_log(self, text: str, timeout_s: float = 10, count: int = 1) -> None:
        """Wait until the log holds `text` `count` times. Raises AssertionError with the end of the log."""
        end = time.monotonic() + timeout_s
        while self.log().count(text) < count:
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError(f"charon did not log {text!r} {count} times; it ends with:\n{self.log_tail()}")
            time.sleep(0.02)

    def log_tail(self, lines: int = 25) -> str:
        """The end of the log without its hex dumps: what went wrong, for a failure's text."""
        readable = [line for line in self.log().splitlines() if "]   " not in line]
        return "\n".join(readable[-lines:])

    def save(self, folder: Path) -> None:
        """Copy log and configuration out of the work folder, which goes away with the network."""
        shutil.copytree(self.work, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.vici"))

    def _connect(self, timeout_s: float) -> vici.Session:
        end = time.monotonic() + timeout_s
        while True:
            try:
                return self.session()
            except OSError as error:
                if self.process.poll() is not None or time.monotonic() > end:
                    spaces.stop(self.process, 0)
                    said = (self.work / "output.txt").read_text()
                    raise RuntimeError(f"charon did not start: {said}") from error
                time.sleep(0.01)

    def _listen(self, session: vici.Session) -> None:
        """Note the last counters of CHILD_SAs that close; ends with charon."""
        try:
            for kind, event in session.listen(["child-updown", "child-rekey"]):
                for sa in _text(event).values():
                    children = sa["child-sas"].values() if isinstance(sa, dict) else ()
                    for child in children:
                        self._note(child["old"] if kind == b"child-rekey" else child)
        except (OSError, vici.exception.SessionException):
            return

    @staticmethod
    def _drain(messages: Iterable) -> None:
        for _ in messages:  # vici acts while its answers are being read
            pass


def public_of(private: str) -> str:
    """The public key of a private key, both in PEM."""
    key = serialization.load_pem_private_key(private.encode(), None).public_key()
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def cookies() -> dict:
    """Settings of a gateway that asks for a cookie as soon as one IKE_SA is half open."""
    return {"dos_protection": "yes", "cookie_threshold": 1, "cookie_threshold_ip": 1}


def _text(value):
    """vici's answer with bytes decoded, all the way down."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, dict):
        return {key: _text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_text(item) for item in value]
    return value
