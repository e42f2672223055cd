"""What a gateway is told: every option with its unit and default. Start reading at `Options`."""

import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from . import signature
from .selectors import Identity, Selector
from .suites import DEFAULT_ESP, DEFAULT_IKE, Suite


@dataclass
class Options:
    """Options of one `Responder`. Texts of identities and suites are those of `Identity.of` and `Suite.of`."""

    host: str = "127.0.0.1"
    port: int = 0  # IKE without non-ESP marker; 0 takes a free port
    natt_port: int = 0  # IKE with non-ESP marker, and ESP
    tcp_port: int | None = None  # of IKE and ESP in TCP (RFC 9329); 0 takes a free port, None: no TCP
    tls: tuple[str, str] | None = None  # files of certificate and key, when the stream is inside TLS
    udp: bool = True  # False: datagrams of clients are dropped, as a firewall does
    local_id: str = "gw.example"
    remote_id: str | None = None  # None accepts every identity that has a key
    psk: str | bytes | dict[str, str | bytes] = ""  # one key for all, or a key by identity text
    key: Any = ""  # private key of the gateway, PEM or pyca's: it authenticates itself by it
    peer_keys: Any = ""  # one public key for all, PEM or pyca's, or a key by identity text: who has one must sign
    signature_hashes: tuple[int, ...] = signature.ALL_HASHES  # what it can verify (RFC 7427); empty: it has only methods 1 and 9
    ppks: dict[bytes, bytes] = field(default_factory=dict)  # post-quantum pre-shared keys by name (RFC 8784); empty: not known
    ppk_required: bool = False  # no client without one of them
    eap_users: dict[str, str] = field(default_factory=dict)  # passwords by name, of clients that want EAP-MSCHAPv2; needs `key`
    eap_types: tuple[int, ...] = (1, 26)  # what EAP requests begin with: 1 asks for the name, 26 is MSCHAPv2, others get a Nak
    certificates: tuple = ()  # the gateway's own, then its issuers', pyca's or DER; sent when the client asks
    always_send: bool = False  # or whether it asks or not
    authorities: tuple = ()  # pyca's: who has no key here must have a certificate from one of them
    pss: bool = True  # an RSA key signs by RSASSA-PSS, else by PKCS #1 v1.5

    ike_suites: tuple[str, ...] = DEFAULT_IKE
    esp_suites: tuple[str, ...] = DEFAULT_ESP
    pfs_groups: tuple[int, ...] = (31, 19, 14)
    pfs_required: bool = False  # CREATE_CHILD_SA without KE payload gets NO_PROPOSAL_CHOSEN
    most_children: int = 16  # a request for one more Child SA gets NO_ADDITIONAL_SAS
    nat_detection: str = "auto"  # auto, honest, force, none: see exchange_init.nat_payloads
    cookie_rounds: int = 0  # how often a first request is answered with a fresh COOKIE
    cookie_first: bool = True  # False: INVALID_KE_PAYLOAD goes before COOKIE
    fragmentation: bool = True  # RFC 7383, when the client supports it
    piece_octets: int = 1200  # the gateway's messages under SK are cut when they have more
    mobike: bool = True  # RFC 4555, when the client supports it
    more_addresses: tuple[str, ...] = ()  # told as ADDITIONAL_*_ADDRESS
    follow: str = "update"  # what moves an SA with MOBIKE: update, natd, all; see mobike.py
    acceptable: Callable[[str], bool] | None = None  # addresses that UPDATE_SA_ADDRESSES may move to; None: all
    redirect_to: str = ""  # address or name of another gateway (RFC 5685)
    redirect_at: str = "init"  # init, auth
    childless: bool = False  # announces and accepts RFC 6023
    auth_lifetime_s: int = 0  # sent as AUTH_LIFETIME when not 0 (RFC 4478)

    pool4: str = "10.20.0.0/24"  # empty: none
    pool6: str = "fd00:20::/112"
    dns: tuple[str, ...] = ("10.10.0.53", "fd00:10::53")
    domains: tuple[str, ...] = ()  # INTERNAL_DNS_DOMAIN (RFC 8598), for who asks for it
    networks: tuple[str, ...] = ("10.10.0.0/24", "fd00:10::/64")  # protected networks: TSr and the INTERNAL_SUBNETs
    names: dict[str, list[str]] = field(default_factory=lambda: {"collector.example": ["10.10.0.1", "fd00:10::1"]})

    rekey_child_s: float = 0  # the gateway rekeys each Child SA at this age; 0: never
    rekey_child_group: int = 0  # with a key exchange of this group; 0: without
    rekey_ike_s: float = 0
    tell_unknown: bool = False  # INVALID_IKE_SPI and INVALID_SPI in the clear to whoever uses an SA that is not there
    dpd_s: float = 0  # a liveness check after so much silence; 0: never
    retry_ms: int = 500  # wait after a TEMPORARY_FAILURE; doubles each time
    retry_tries: int = 5
    linger_ms: int = 1000  # a Child SA that was replaced still receives for so long after its Delete

    retransmit_ms: int = 500  # first interval of the gateway's own requests; each next one is twice as long
    retransmit_tries: int = 5
    replay_window: int = 64
    random: Callable[[str, int], bytes | None] | None = None  # (purpose, octets); None, or a None result: the system's

    pcap: str | None = None  # file for every datagram, IKE and ESP
    keylog_dir: str | None = None  # SECRETS: folder for Wireshark's ikev2_decryption_table and esp_sa

    def __post_init__(self):
        self.identity = Identity.of(self.local_id)
        self.ike = [Suite.of(name) for name in self.ike_suites]
        self.esp = [Suite.of(name) for name in self.esp_suites]
        self.selectors = [Selector.of(network) for network in self.networks]
        self.private_key = signature.private(self.key) if self.key else None

    def key_of(self, identity: Identity) -> bytes | None:
        """The pre-shared key of a peer, or None when it has no business here."""
        if self.remote_id is not None and Identity.of(self.remote_id) != identity:
            return None
        key = self._of(self.psk, identity)
        key = key.encode() if isinstance(key, str) else key
        return key or None

    def public_key_of(self, identity: Identity) -> Any:
        """The public key of a peer, or None."""
        if self.remote_id is not None and Identity.of(self.remote_id) != identity:
            return None
        key = self._of(self.peer_keys, identity)
        return signature.public(key) if key else None

    def is_wanted(self, identity: Identity) -> bool:
        """Whether a peer of this identity has business here at all."""
        return self.remote_id is None or Identity.of(self.remote_id) == identity

    @staticmethod
    def _of(keys: Any, identity: Identity) -> Any:
        if not isinstance(keys, dict):
            return keys
        return next((value for text, value in keys.items() if Identity.of(text) == identity), "")


class Pool:
    """Addresses to lend, the network's first host first. An empty text makes an empty pool."""

    def __init__(self, network: str):
        self._hosts = ipaddress.ip_network(network) if network else None
        self.lent: set[bytes] = set()

    @property
    def prefix_len(self) -> int:
        return self._hosts.prefixlen if self._hosts else 0

    def take(self, wished: bytes = b"") -> bytes | None:
        """A free address, the wished one when it is free; None when there is none."""
        if self._hosts is None:
            return None
        for host in self._candidates(wished):
            if host not in self.lent:
                self.lent.add(host)
                return host
        return None

    def _candidates(self, wished: bytes) -> Iterator[bytes]:
        assert self._hosts is not None
        if wished and any(wished) and ipaddress.ip_address(wished) in self._hosts:
            yield wished
        for host in self._hosts.hosts():
            yield host.packed

    def give_back(self, address: bytes) -> None:
        self.lent.discard(address)
