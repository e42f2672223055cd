"""The responder by hand and for the demo: `python -m host_tests.responder --psk secret --json`.

Stops at SIGTERM, SIGINT, or when standard input closes (`--no-stdin` leaves that out). Lines on standard input are
commands (`commands.py`): `ping ADDRESS`, `dpd`, `rekey-child [GROUP]`, `rekey-ike`, `create-child [GROUP]`, `delete-child
[COPIES]`, `delete-ike`, `exchange TYPE`, `redirect GATEWAY`, `forget`, `fault NAME`, `link loss=0.3,delay_s=0.2`, `clear`,
`counters`, `quit`; with --relay also `rebind [HOST]`, `block`, `unblock`.
"""

import argparse
import base64
import json
import signal
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

from cryptography.x509 import load_pem_x509_certificates

from . import Options, Responder
from .commands import FAULTS, Console, random_link
from .relay import Relay


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m host_tests.responder", description="The reference IKEv2 gateway.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="UDP port of IKE (0: any free one)")
    parser.add_argument("--natt-port", type=int, default=0, help="UDP port of IKE and ESP behind a NAT (0: any free one)")
    parser.add_argument("--psk", help="pre-shared key; visible to other users, so --psk-file is better")
    parser.add_argument("--psk-file", help="file that holds the pre-shared key, one line: text, hex:... or base64:...")
    parser.add_argument("--key", metavar="FILE", help="private key of the gateway, PEM: it signs; with --peer-key")
    parser.add_argument("--peer-key", metavar="FILE", help="public key of the clients, PEM: they sign")
    parser.add_argument("--cert", metavar="FILE", help="certificate of the gateway and those of its issuers, PEM; with --key")
    parser.add_argument("--peer-ca", metavar="FILE", help="authorities of the clients' certificates, PEM")
    parser.add_argument("--id", default="gw.example", help="identity of the gateway")
    parser.add_argument("--peer-id", help="identity the device must have (default: any)")
    parser.add_argument("--ike", action="append", metavar="SUITE", help="IKE suite, again for more; in order of liking")
    parser.add_argument("--esp", action="append", metavar="SUITE", help="ESP suite, again for more")
    parser.add_argument("--cookies", type=int, default=0, metavar="N", help="ask for a COOKIE N times")
    parser.add_argument("--fault", action="append", default=[], choices=sorted(FAULTS), metavar="NAME", help="misbehave")
    parser.add_argument("--link", metavar="TEXT", help="a bad link, such as loss=0.3,delay_s=0.2,reorder=0.1,seed=7")
    parser.add_argument("--relay", action="store_true", help="put a NAT before it; the event `relay` has the ports for clients")
    parser.add_argument("--tell-unknown", action="store_true", help="say INVALID_SPI in the clear to users of SAs long gone")
    parser.add_argument("--rekey-child", type=float, default=0, metavar="S", help="rekey each Child SA at this age, seconds")
    parser.add_argument("--rekey-group", type=int, default=0, metavar="N", help="with a key exchange of this group")
    parser.add_argument("--rekey-ike", type=float, default=0, metavar="S", help="rekey the IKE SA at this age, seconds")
    parser.add_argument("--piece-octets", type=int, default=1200, metavar="N", help="cut longer IKE messages (RFC 7383)")
    parser.add_argument("--follow", default="update", choices=("update", "natd", "all"), help="what moves a client with MOBIKE")
    parser.add_argument("--redirect", default="", metavar="GATEWAY", help="send clients there (RFC 5685)")
    parser.add_argument("--tcp-port", type=int, metavar="N", help="TCP port of IKE and ESP (RFC 9329; 0: any free one)")
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"), help="the TCP stream is inside TLS")
    parser.add_argument("--childless", action="store_true", help="allow IKE_AUTH without Child SA (RFC 6023)")
    parser.add_argument("--no-udp", action="store_true", help="take nothing by UDP")
    parser.add_argument("--lifetime", type=int, default=0, metavar="S", help="send AUTH_LIFETIME of so many seconds")
    parser.add_argument("--pcap", metavar="FILE", help="capture file of every datagram")
    parser.add_argument("--keylog", metavar="FOLDER", help="Wireshark key tables: SECRETS, for test keys only")
    parser.add_argument("--json", action="store_true", help="one JSON object an event")
    parser.add_argument("--no-stdin", action="store_true", help="do not read commands, do not stop when input closes")
    return parser.parse_args(argv)


def decode_key(text: str) -> str | bytes:
    """The key in a file as `provision --new-psk` writes it: `hex:` and digits, or text. Raises ValueError without the key."""
    try:
        if text.startswith("hex:"):
            return bytes.fromhex(text[4:])
        if text.startswith("base64:"):
            return base64.b64decode(text[7:], validate=True)
    except ValueError:
        raise ValueError("what follows %r in the key's file is not valid" % text.split(":")[0]) from None
    return text


def options_of(args: argparse.Namespace) -> Options:
    """Options of the command line. Raises ValueError and OSError."""
    psk = args.psk
    if args.psk_file:
        with open(args.psk_file) as file:
            psk = decode_key(file.readline().strip())
    if not psk and not args.peer_key and not args.peer_ca:
        raise ValueError("--psk, --psk-file, or --key and --peer-key, or --key, --cert and --peer-ca are needed")
    options = Options(host=args.host, port=args.port, natt_port=args.natt_port, psk=psk or "", cookie_rounds=args.cookies)
    options.local_id, options.remote_id = args.id, args.peer_id
    options.rekey_child_s, options.rekey_child_group, options.rekey_ike_s = args.rekey_child, args.rekey_group, args.rekey_ike
    options.auth_lifetime_s, options.piece_octets, options.follow = args.lifetime, args.piece_octets, args.follow
    options.childless, options.tell_unknown = args.childless, args.tell_unknown
    options.redirect_to, options.tcp_port, options.udp = args.redirect, args.tcp_port, not args.no_udp
    options.tls = tuple(args.tls) if args.tls else None
    options.pcap, options.keylog_dir = args.pcap, args.keylog
    options.ike_suites = tuple(args.ike or options.ike_suites)
    options.esp_suites = tuple(args.esp or options.esp_suites)
    options.key = Path(args.key).read_text() if args.key else ""
    options.peer_keys = Path(args.peer_key).read_text() if args.peer_key else ""
    options.certificates = tuple(load_pem_x509_certificates(Path(args.cert).read_bytes())) if args.cert else ()
    options.authorities = tuple(load_pem_x509_certificates(Path(args.peer_ca).read_bytes())) if args.peer_ca else ()
    options.__post_init__()
    return options


def print_json(event: dict) -> None:
    print(json.dumps(event), flush=True)


def print_text(event: dict) -> None:
    details = " ".join("%s=%s" % item for item in event.items() if item[0] not in ("t", "event"))
    print("%9.3f  %-12s %s" % (event["t"], event["event"], details), flush=True)


def read_commands(console: Console, stop: threading.Event) -> None:
    for line in sys.stdin:
        if not console.run(line.strip()):
            break
    stop.set()


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        gw = Responder(options_of(args), sink=print_json if args.json else print_text)
        for name in args.fault:
            gw.faults.add(FAULTS[name]())
        if args.link:
            gw.faults.add(random_link(args.link))
        with ExitStack() as stack:
            stack.enter_context(gw)
            relay = stack.enter_context(Relay(gw)) if args.relay else None
            if relay:
                gw.journal.add("relay", port=relay.port, natt_port=relay.natt_port)
            if not args.no_stdin:
                threading.Thread(target=read_commands, args=(Console(gw, relay), stop), daemon=True).start()
            while not stop.wait(0.2):
                pass
    except (OSError, ValueError) as error:
        print("responder: %s" % error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
