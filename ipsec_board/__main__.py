"""Command line of the board tool: `ipsec-board -h`.

Every error is printed with its remedy, and the exit status is 1. Start reading at `main`.
"""

import argparse
import errno
import getpass
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import ipsec
import shtab

from ipsec_board import (
    bench,
    boards,
    certify,
    combinations,
    devices,
    doctor,
    flash,
    gateways,
    install,
    link,
    packages,
    provision,
    run,
    series,
    slices,
)
from ipsec_board.errors import BoardError
from ipsec_board.gateway import GATEWAYS, initial, raw_keys
from ipsec_board.gateway import plan as plans
from ipsec_board.gateway.authority import Authority
from ipsec_board.show import Show
from ipsec_board.usage import Parser, UsageError, number

_SECONDS = number(float, 0, 1_000_000)
Command = Callable[[argparse.Namespace, Show], None]


def main(argv: Sequence[str] | None = None, show: Show | None = None) -> int:
    """Give one subcommand; the result is the exit status."""
    show = show or Show()
    try:
        args = _parser().parse_args(sys.argv[1:] if argv is None else argv)
        combinations.check(args)
        args.command(args, show)
    except UsageError as e:
        show.error(e)
        return 2
    except BoardError as e:
        show.error(e)
        return 1
    except BrokenPipeError:  # who read our output has gone
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - until the interpreter ends, which flushes it
        return 1
    except OSError as e:
        show.error(_of_system(e))
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _of_system(e: OSError) -> BoardError:
    """What the system says about a file that nobody else has caught."""
    remedy = "name a file or folder that you may read and write"
    if e.errno in (errno.ENOSPC, errno.EDQUOT):
        remedy = "make room there, or name a folder elsewhere"
    return BoardError(f"{e.filename or 'a file'}: {e.strerror or e}", remedy)


def command() -> int:
    """The console script `ipsec-board`."""
    return main()


def _parser() -> Parser:
    parser = Parser(prog="ipsec-board", description="Set up boards and their gateways, and look after them.")
    parser.add_argument("--version", action="version", version=f"ipsec-board {ipsec.__version__}")
    subs = parser.add_subparsers(required=True, metavar="SUBCOMMAND")
    for add in (_list, _flash, _install, _provision, _run, _reset, _monitor, _bench, _doctor, _gateway, _fleet, _packages):
        add(subs)
    shtab.add_argument_to(parser, "--print-completion", help="print what makes this shell complete our commands")
    _complete_files(parser)
    return parser


def _complete_files(parser: argparse.ArgumentParser) -> None:
    """Tell the shell which arguments are files and folders."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for sub in action.choices.values():
                _complete_files(sub)
        elif action.type is Path:
            action.complete = shtab.DIRECTORY if action.dest == "out" else shtab.FILE  # type: ignore[attr-defined]


def _sub(
    subs, name: str, about: str, command: Command, *, port: bool = True, resets: bool = True
) -> argparse.ArgumentParser:
    sub = subs.add_parser(name, help=about, description=about)
    sub.set_defaults(command=command, parser=sub)
    if port:
        sub.add_argument("--port", help="serial port or socket:// URL; may be left out with one board")
    if port and resets:
        sub.add_argument("--no-reset", action="store_true", help="do not restart the board's interpreter first")
    return sub


def _connect(args: argparse.Namespace) -> link.Link:
    return link.connect(args.port, reset=not args.no_reset)


def _list(subs) -> None:
    sub = _sub(subs, "list", "boards found, with port, chip and firmware", _do_list, port=False)
    sub.add_argument("--port", action="append", default=[], help="ask this port too")


def _do_list(args: argparse.Namespace, show: Show) -> None:
    boards.list_boards(args.port, show)


def _flash(subs) -> None:
    sub = _sub(subs, "flash", "write a MicroPython firmware file (.bin for ESP32, .uf2 for RP2)", _do_flash, resets=False)
    sub.add_argument("firmware", type=Path)
    sub.add_argument("--drive", type=Path, help="boot drive of an RP2 board")
    sub.add_argument("--erase", action="store_true", help="ESP32: erase the whole flash first, with all files on the board")


def _do_flash(args: argparse.Namespace, show: Show) -> None:
    flash.flash(args.firmware, args.port, args.drive, show, args.erase)


def _install(subs) -> None:
    sub = _sub(subs, "install", "put lib/ipsec on the board: what it needs, what has changed", _do_install)
    sub.add_argument("--config", type=Path, help="provisioning file: install only the modules it needs")
    sub.add_argument("--with", dest="extra", action="append", default=[], choices=sorted(slices.SLICES), help="a slice more")
    sub.add_argument("--app", action="store_true", help="also main.py and the application of firmware/")
    sub.add_argument("--source", action="store_true", help=".py files instead of .mpy")
    about = "a file for each module, as mip lays them, instead of all joined into a few, which take less RAM"
    sub.add_argument("--plain", action="store_true", help=about)
    about = "for configurations of `provision --prepared`: without a checker on the board, for 5 KB of RAM"
    sub.add_argument("--prepared", action="store_true", help=about)
    about = "where the library's texts are: in a file on the board, or codes there and the texts in this tool, for 12 KB of flash"
    sub.add_argument("--texts", choices=("device", "host"), default="device", help=about)
    sub.add_argument("--native", type=Path, action="append", default=[], help="a C module (.mpy) for this board")
    sub.add_argument("--viper", action="store_true", help="kernels in viper instead of those in C: slower, 8 KB more RAM")
    about = "files in the file system, even where the firmware has a ROMFS segment, from which code runs without taking heap"
    sub.add_argument("--no-romfs", action="store_true", help=about)
    about = "bytecode in the heap, even where it could run from the flash file system (RP2040, RP2350), for 40 KB more RAM"
    sub.add_argument("--no-in-place", action="store_true", help=about)
    about = "joined files deflated, for a quarter less flash: where bytecode could run from flash or ROMFS it is in the heap then"
    sub.add_argument("--packed", action="store_true", help=about)
    sub.add_argument("--target", default="", help="folder on the board (default: its lib folder)")
    _insecure(sub)


def _do_install(args: argparse.Namespace, show: Show) -> None:
    config = provision.read_plan(args.config, show, insecure=args.insecure).config if args.config else None
    joined = {"plain": args.plain, "texts": args.texts, "prepared": args.prepared, "romfs": not args.no_romfs,
              "in_place": not args.no_in_place, "packed": args.packed}  # fmt: skip
    choice = install.Choice(config, args.extra, args.source, args.app, args.native, args.target, args.viper, **joined)
    with _connect(args) as board:
        install.install(board, choice, show)


def _provision(subs) -> None:
    sub = _sub(subs, "provision", "write a tunnel configuration and its secret to the board", _do_provision)
    sub.add_argument("file", type=Path, nargs="+", help="provisioning files, TOML or JSON: one for each board")
    sub.add_argument("--new-psk", action="store_true", help="make the PSK file first: 32 random octets")
    sub.add_argument("--new-ppk", action="store_true", help="make the file of ppk_file first: a key against quantum computers")
    about = 'with auth = "eap": make the file of nt_hash_file first, of the password that is asked for, or read from a pipe'
    sub.add_argument("--new-nt-hash", action="store_true", help=about)
    sub.add_argument("--text", action="store_true", help="with --new-psk: as 64 letters and digits, for AWS and Azure")
    about = 'with auth = "key" and "cert": have the board make another key of this kind'
    sub.add_argument("--new-key", choices=sorted(raw_keys.KINDS), default="", help=about)
    about = "an authority of your own in this folder, made where there is none: it issues the device's certificate"
    sub.add_argument("--ca", type=Path, help=about)
    about = "take this file apart, PKCS #12 or a key with a password, into files beside the provisioning file; touch no board"
    sub.add_argument("--import", dest="source", type=Path, help=about)
    sub.add_argument("--password-file", type=Path, help="with --import: the file that holds its password")
    sub.add_argument("--gateway", choices=sorted(GATEWAYS), help="whose snippet to print (default: strongswan)")
    sub.add_argument("--prepared", action="store_true", help="in the form that `install --prepared` needs")
    sub.add_argument("--check", action="store_true", help="only check the file (and make the PSK); touch no board")
    sub.add_argument("--init", action="store_true", help="write a first provisioning file, commented; touch no board")
    about = "with --init: how the device proves itself, and the gateway, too, where that can be"
    sub.add_argument("--auth", choices=initial.METHODS, default="", help=about)
    about = "with --init: how the gateway proves itself, where that is another way"
    sub.add_argument("--remote-auth", choices=initial.REMOTE_METHODS, default="", help=about)
    sub.add_argument("--fleet", action="store_true", help="with --init: a template for `ipsec-board fleet`, with $name in it")
    sub.add_argument("--for", dest="kind", choices=sorted(GATEWAYS), default="", help="with --init: for this kind of gateway")
    _insecure(sub)


def _insecure(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--insecure", action="store_true", help="accept a secret that others can read")


def _do_provision(args: argparse.Namespace, show: Show) -> None:
    if args.init:
        for path in args.file:
            provision.init(path, args.kind, show, args.auth or "psk", args.remote_auth, args.fleet)
        return
    if args.source:
        if len(args.file) != 1:
            raise BoardError("--import is for one provisioning file", "give the files one by one")
        certify.take_apart(args.source, args.file[0], args.password_file, show)
        return
    issuer = _authority(args, show)
    for path in args.file if args.new_psk else ():
        provision.new_secret(path, show, args.text)
    for path in args.file if args.new_ppk else ():
        provision.new_secret(path, show, kind="ppk")
    for path in args.file if args.new_nt_hash else ():
        provision.new_nt_hash(path, show, _password(path))
    found = provision.read_plans(args.file, show, insecure=args.insecure)
    if args.check:
        for path in args.file:
            show.good(f"{path}: nothing wrong")
    elif len(found) > 1:
        if args.prepared:
            raise BoardError("--prepared is for one file", "provision one board at a time")
        if args.port:
            raise BoardError("several files are for several boards", "leave --port out: each board is awaited in turn")
        series.provision_boards(found, show, issuer=issuer)
    else:
        with _connect(args) as board:
            if not provision.provision(board, found[0], show, args.prepared, args.new_key, issuer):
                return
        found = provision.read_plans(args.file, show, insecure=args.insecure)  # the device's public key is known now
        gateways.show_gateway(found, args.gateway or "strongswan", None, show, issuer=issuer)


def _authority(args: argparse.Namespace, show: Show) -> Authority | None:
    """The one of --ca, made where there is none; not where neither end has a certificate, which is said. Raises BoardError."""
    if args.ca and not any(plans.names_certificates(path) for path in args.file):
        show.warn('--ca does nothing here: neither end has a certificate; leave it out, or write auth = "cert" into the file')
        if not args.ca.exists():
            return None
    return certify.open_authority(args.ca, show) if args.ca else None


def _password(path: Path) -> str:
    """The password of a device's account."""
    if sys.stdin.isatty():
        return getpass.getpass(f"Password of the account of {path}: ")
    return sys.stdin.readline().rstrip("\r\n")


def _run(subs) -> None:
    sub = _sub(subs, "run", "start the uplink and follow its log", _do_run)
    sub.add_argument("--seconds", type=_SECONDS, default=0, help="stop it after so long")


def _do_run(args: argparse.Namespace, show: Show) -> None:
    with _connect(args) as board:
        run.run(board, show, args.seconds)


def _reset(subs) -> None:
    _sub(subs, "reset", "restart the board, so that its main.py runs", _do_reset, resets=False)


def _do_reset(args: argparse.Namespace, show: Show) -> None:
    with link.connect(args.port, reset=False) as board:
        run.reset(board, show)


def _monitor(subs) -> None:
    sub = _sub(subs, "monitor", "follow the log of a board that runs already", _do_monitor, resets=False)
    sub.add_argument("--seconds", type=_SECONDS, default=0, help="end after so long")


def _do_monitor(args: argparse.Namespace, show: Show) -> None:
    run.monitor(args.port, show, args.seconds)


def _bench(subs) -> None:
    sub = _sub(subs, "bench", "known answers, figures of this board, and the order of suites that follows", _do_bench)
    sub.add_argument("--suite", action="append", default=[], help="measure this IKE or ESP suite (default: a choice)")
    sub.add_argument("--repeat", type=number(int, 1, 100_000), default=20, help="packets per measurement (default %(default)s)")
    sub.add_argument("--tunnel", type=_SECONDS, default=0, metavar="SECONDS", help="also measure the provisioned tunnel")
    sub.add_argument("--peer", default="", help="address inside that answers ping, for --tunnel")


def _do_bench(args: argparse.Namespace, show: Show) -> None:
    if args.tunnel and not args.peer:
        raise BoardError("--tunnel needs an address inside", "name one that answers ping with --peer")
    with _connect(args) as board:
        bench.bench(board, show, repeat=args.repeat, seconds=args.tunnel, peer=args.peer, suites=args.suite)


def _doctor(subs) -> None:
    sub = _sub(subs, "doctor", "make the configured tunnel and say what is wrong", _do_doctor)
    sub.add_argument("--peer", default="", help="address inside that answers ping (default: publish_host of [device])")
    wait = number(int, 1, 600_000)
    sub.add_argument("--wait-ms", type=wait, default=2000, help="wait for a gateway's answer (default %(default)s)")


def _do_doctor(args: argparse.Namespace, show: Show) -> None:
    with _connect(args) as board:
        doctor.doctor(board, show, args.wait_ms, args.peer)


def _gateway(subs) -> None:
    sub = _sub(subs, "gateway", "write the gateway's side of one or more devices", _do_gateway, port=False)
    sub.add_argument("kind", choices=sorted(GATEWAYS), help="; ".join(f"{k}: {v[1]}" for k, v in GATEWAYS.items()))
    sub.add_argument("file", type=Path, nargs="+", help="provisioning files, TOML or JSON: one for each device")
    sub.add_argument("--out", type=Path, help="folder for the files with the secrets; else they are printed without them")
    sub.add_argument("--replace", action="store_true", help="overwrite what --out holds for other devices or settings")
    sub.add_argument("--ca", type=Path, help="the authority of `provision --ca`: it issues the gateway's certificate, too")
    _insecure(sub)


def _do_gateway(args: argparse.Namespace, show: Show) -> None:
    issuer = _authority(args, show)
    found = provision.read_plans(args.file, show, insecure=args.insecure)
    gateways.show_gateway(found, args.kind, args.out, show, args.replace, issuer)


def _fleet(subs) -> None:
    sub = _sub(subs, "fleet", "provisioning files and keys for many devices, from a template", _do_fleet, port=False)
    sub.add_argument("template", type=Path, help="provisioning file with $name, and perhaps $column, in it")
    sub.add_argument("--csv", type=Path, help="the devices: first line the columns' names, one of them `name`")
    sub.add_argument("--count", type=int, help="or so many devices, called by their numbers")
    sub.add_argument("--first", type=int, help="number of the first, with --count (default 1)")
    sub.add_argument("--out", type=Path, required=True, help="folder for the files")
    sub.add_argument("--text", action="store_true", help="keys of 64 letters and digits, for FortiGate, AWS and Azure")
    sub.add_argument("--gateway", choices=sorted(GATEWAYS), help="also write the gateway's side, into a folder of its name")
    sub.add_argument("--replace", action="store_true", help="overwrite what that folder holds for other devices or settings")


def _do_fleet(args: argparse.Namespace, show: Show) -> None:
    if (args.csv is None) == (args.count is None):
        raise BoardError("fleet needs a list of devices", "give either --csv FILE or --count NUMBER")
    rows = devices.of_csv(args.csv) if args.csv else devices.of_count(args.count, 1 if args.first is None else args.first)
    paths = series.make(args.template, rows, args.out, show, args.text)
    found = provision.read_plans(paths, show)
    if args.gateway:
        gateways.show_gateway(found, args.gateway, args.out / args.gateway, show, args.replace)


def _packages(subs) -> None:
    sub = _sub(subs, "packages", "bring the mip indexes up to date, or compile packages", _do_packages, port=False)
    sub.add_argument("--check", action="store_true", help="only say whether lib/package*.json are current")
    sub.add_argument("--arch", help="compile for this architecture of mpy-cross, such as armv6m or xtensawin")
    sub.add_argument("--out", type=Path, help="folder for --arch")


def _do_packages(args: argparse.Namespace, show: Show) -> None:
    if args.arch:
        if args.out is None:
            raise BoardError("--arch needs a folder", "name it with --out")
        count = packages.build(args.arch, args.out)
        show.good(f"{count} files for {args.arch}; install with: mpremote mip install {args.out}/package.json")
    elif args.check:
        names = packages.stale()
        if names:
            raise BoardError(f"not current: {', '.join(names)}", "give `ipsec-board packages`")
        show.good("the indexes are current")
    else:
        show.good(f"updated: {', '.join(packages.update()) or 'nothing, all current'}")


if __name__ == "__main__":
    sys.exit(main())
