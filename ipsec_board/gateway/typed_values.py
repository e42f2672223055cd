"""What is typed in place of a number, a word or a day: units, synonyms, other notations.

Start reading at `numbers`.
"""

import datetime
import difflib
import re
from collections.abc import Iterator, Sequence

from ipsec_board.gateway import meant
from ipsec_board.gateway.typed_text import plain

_SYNONYMS = {"yes": "fallback", "true": "fallback", "on": "fallback", "secret": "psk", "preshared": "psk", "pubkey": "key",
             "rsasig": "cert", "x509": "cert", "certificate": "cert", "ntp": "rtc", "system": "rtc", "eap-mschapv2": "eap",
             "mschapv2": "eap", "rsa": "cert", "eap-tls": "cert",
             "pre-share": "psk", "pre-shared-key": "psk", "authby=secret": "psk"}  # fmt: skip
_OFF = ("off", "no", "none", "never", "disable", "disabled", "false", "unlimited", "infinite", "infinity", "forever", "inf")
LIFETIMES = ("lifetime_s", "child_lifetime_s")  # which have no "never"
_UNITS = {
    **dict.fromkeys(("ms", "msec", "msecs", "milliseconds"), 1),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1000),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60000),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600000),
    **dict.fromkeys(("d", "day", "days"), 86400000),
    **dict.fromkeys(("w", "week", "weeks"), 7 * 86400000),
}
_SIZES = {
    **dict.fromkeys(("b", "bytes", "octets"), 1),
    **dict.fromkeys(("k", "kb", "kib", "kilobytes", "kbytes"), 1 << 10),
    **dict.fromkeys(("m", "mb", "mib", "megabytes"), 1 << 20),
    **dict.fromkeys(("g", "gb", "gib", "gigabytes"), 1 << 30),
}
_NUMBER = r"([+-]?\d{1,18}(?:\.\d{1,9})?(?:e\d{1,2})?)"
_BY_PART = (
    (r"xauth", "eap"), (r"psk|pre-?share", "psk"), (r"\beap", "eap"), (r"cert|x\.?509|rsa|digital|signature", "cert"),
    (r"ecdsa|ed25519|pub-?key|raw", "key"),
    (r"force|only|must", "always"), (r"enable|on-?demand|tcp|tls|443", "fallback"),
    (r"speed|fast", "measured"), (r"list|strict|client|config", "fixed"), (r"host|hardware|\byes|true|clock", "rtc"),
)  # fmt: skip
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def numbers(name: str, value: object, lowest: int, highest: int) -> Iterator[int]:
    """The nearest number that the option takes, in its unit."""
    text = plain(value).replace("_", "").strip().lower()
    is_off = value is False or text in _OFF
    if lowest == 0 and is_off:
        yield 0
    if name in LIFETIMES and (is_off or text == "0"):
        yield highest
    if name == "retransmit_tries" and text.rpartition("=")[2].strip(" %") in _OFF:
        yield highest
    if isinstance(value, bool):
        return
    number = _amount(name, text)
    if number is None and isinstance(value, int):
        number = float(highest if value > 0 else lowest)  # more digits than anybody types
    if number is None:
        return
    best = min(max(int(number), lowest), highest)
    if name.endswith("port") and best != int(number):
        return  # the nearest port is none that anybody means
    if name == "replay_window":
        yield min((32, 64, 128, 256, 512, 1024), key=lambda n: abs(n - best))
    if name == "gcm_table_kb":
        yield 2 if best < 6 else 8
    if name in ("tcp_room", "udp_room") and 0 < best < 256:
        yield 256
    yield best


def _amount(name: str, text: str) -> float | None:
    """The number in a text, in the option's unit: alone, with a unit, or behind the words of another product's line."""
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+", text):  # 1,400
        text = text.replace(",", "")
    if name.endswith(("_ms", "_s")):
        found = _duration(text)
        return None if found is None else found[0] * (1000 if found[1] and name.endswith("_ms") else 1)
    exact = re.fullmatch(rf"{_NUMBER}\s*([a-z]*)", text)
    behind = exact or re.fullmatch(rf"[a-z][a-z /=_-]*?[\s=/]{_NUMBER}\s*([a-z]*)", text)
    behind = behind or re.fullmatch(rf"{_NUMBER}/(udp|tcp)", text)
    if not behind:
        return None
    number, unit = float(behind[1]), behind[2]
    if name.endswith("_kib") and unit in _SIZES:
        return number * _SIZES[unit] / 1024
    if name.endswith("_packets") and unit in ("k", "m", "g"):
        return number * 1000 ** (" kmg".index(unit))
    return number


def _duration(text: str) -> tuple[float, bool] | None:
    """Seconds of a text with units, or its bare number; whether it has units."""
    clock = re.fullmatch(r"(?:(\d+)d\s+)?(\d{1,3}):(\d\d)(?::(\d\d))?", text)
    if clock:
        days, hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds), True
    iso = re.fullmatch(r"p(?:(\d+)d)?t?((?:\d+[hms])*)", text)
    if iso and (iso[1] or iso[2]):
        text = f"{iso[1] or 0}d{iso[2]}"
    tail = re.sub(r"^[a-z][a-z /_-]*[\s=]+(?=\d)|^.*\bseconds\s+(?=\d)", "", text)  # `lifetime seconds 3600`, `dpddelay=30s`
    tail = re.sub(r"^(\d+)(?:\s+\d+\s+(?:on-demand|periodic)|\s+threshold\s+\d+|,\s*\d+)$", r"\1", tail)
    parts = re.findall(rf"{_NUMBER}\s*([a-z]*)", tail)
    if not parts or re.sub(rf"{_NUMBER}\s*[a-z]*[\s,]*", "", tail):
        return None
    if len(parts) == 1 and parts[0][1] not in _UNITS:
        return (float(parts[0][0]), False) if not parts[0][1] else None
    if not all(unit in _UNITS for _, unit in parts):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts) / 1000, True


def words(text: str, known: Sequence[str]) -> Iterator[str]:
    """Those of the known words that a text may mean."""
    bare = text.strip().strip("\"'").lower()
    if _SYNONYMS.get(bare) in known:
        yield _SYNONYMS[bare]
    if bare in known:
        yield bare
    yield from (word for pattern, word in _BY_PART if word in known and re.search(pattern, bare))
    yield from difflib.get_close_matches(bare, known, 1)


def days(value: object) -> Iterator[str]:
    """Days in other notations; the last of its month for one that there is not, today for one that is yet to come."""
    if isinstance(value, datetime.date):
        yield min(value.isoformat()[:10], meant.today().isoformat())
    text = plain(value).strip().lower()
    if re.fullmatch(r"\d{9,10}", text):  # seconds since 1970
        yield datetime.datetime.fromtimestamp(int(text), datetime.UTC).date().isoformat()
    elif re.match(r"\d{8}(?!\d)|\d{14}", text):
        yield from _day(text[:4], text[4:6], text[6:8])
    numbers = re.findall(r"\d+", text)
    name = next((word[:3] for word in re.findall(r"[a-z]{3,}", text) if word[:3] in _MONTHS), "")
    year = next((part for part in numbers[:3] if len(part) == 4), "")
    if not year or len(numbers) < (2 if name else 3):
        return
    numbers.remove(year)
    if name:
        yield from _day(year, _MONTHS.index(name) + 1, numbers[0])
        return
    orders = [numbers[:2], numbers[1::-1]]
    for month, day in orders if text.startswith(year) else orders[::-1]:  # day.month.year goes before month/day/year
        yield from _day(year, month, day)


def _day(year: str, month: str | int, day: str) -> Iterator[str]:
    y, m, d = int(year), int(month), int(day)
    if 1970 <= y < 9999 and 0 < m < 13 and 0 < d < 32:
        last = (datetime.date(y + m // 12, m % 12 + 1, 1) - datetime.timedelta(days=1)).day
        yield min(datetime.date(y, m, min(d, last)), meant.today()).isoformat()
