"""`Config`: the checked options of a tunnel; `options.py` tells, reads and checks them.

Start reading at `Config`.
"""

from ipsec import suite
from ipsec.micro import forget


class Config:
    """Checked options as attributes; `warnings` is a list of texts about options that are legal but unwise.

    Raises ConfigError that names the option, the value and the remedy.
    """

    # Types after the check; annotations cost a board nothing.
    gateway: str  # of a list the one that is asked now
    gateways: list[str]  # the list; empty when there is none
    remote_ids: list[str]  # the identities of a list, empty when they all have `remote_id`
    port: int
    natt_port: int
    tcp: str
    tcp_port: int
    tcp_tls: bool
    local_port: int
    local_id: str
    remote_id: str
    auth: str
    psk: bytes
    key: str
    key_file: str
    gateway_key: str
    remote_auth: str
    cert: str
    ca: str
    clock: str
    provisioned: str
    ike_offer: list[suite.Proposal]  # of `ike_proposals`; empty without one, until `offer.fill`
    esp_offer: list[suite.Proposal]
    suite_order: str
    virtual_ip: list[str]
    inner_address: bytes  # 4 or 16 octets, or empty
    remote_ts: list[tuple]  # (protocol, first port, last port, first address, last address), addresses as octets
    local_ts: list[tuple]
    more_ts: list[tuple]  # for each further Child SA (ours, the gateway's side), in the same form
    dns_domains: list[str]
    mtu: int
    tcp_room: int
    udp_room: int
    retransmit_ms: int
    retransmit_tries: int
    dpd_s: int
    natt_keepalive_s: int
    lifetime_s: int
    child_lifetime_s: int
    child_lifetime_kib: int
    child_lifetime_packets: int
    mobike: bool
    reconnect: bool
    reconnect_ms: int
    reconnect_max_ms: int
    redirect: bool
    childless: bool
    fragmentation: bool
    replay_window: int
    gcm_table_kb: int
    listed: list[str]  # which of the two lists of proposals it has of its own
    large_tables: bool  # whether `gcm_table_kb` asks for more memory and speed
    ppk_id = ppk = nt_hash = b""  # octets after the check; with the others of auth_options.py
    eap_identity = certreq = ""
    ppk_required: bool
    credentials = None  # what ike/auth makes of the keys, once
    path = ""  # of the file it was read from
    utc: object = None  # with clock "rtc" what gives the time, 14 digits; the driver's

    def __init__(self, **options):
        from ipsec.options import fill

        self.warnings = []
        fill(self, options)
        forget("ipsec.options")

    def is_listed(self, name: str) -> bool:
        """Whether the configuration has this list of proposals of its own."""
        return name in self.listed

    @property
    def ike_proposals(self) -> list:
        """The offer's suites one by one, empty as long as the offer is."""
        return _suites(self.ike_offer)

    @property
    def esp_proposals(self) -> list:
        """The same for ESP."""
        return _suites(self.esp_offer)

    def __repr__(self):
        return "Config(gateway=%r, local_id=%r)" % (self.gateway, self.local_id)  # never the secret


def _suites(offer):
    from ipsec.offer import suites

    return suites(offer)


def load(path: str) -> Config:
    """Read a configuration file (JSON); `psk_file` and others are looked for beside it.

    Raises ConfigError.
    """
    from ipsec.options import read

    config = Config(**read(path))
    config.path = path
    return config
