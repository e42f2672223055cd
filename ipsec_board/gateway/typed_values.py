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
_UNITS = {"ms": 1, "s": 1000, "sec": 1000, "seconds": 1000, "m": 60000, "min": 60000, "minutes": 60000, "h": 3600000,
          "hours": 3600000, "d": 86400000, "days": 86400000}  # fmt: skip
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def numbers(name: str, value: object, lowest: int, highest: int) -> Iterator[int]:
    """The nearest number that the option takes, in its unit."""
    text = plain(value).replace("_", "").strip().lower()
    is_off = value is False or text in _OFF
    if lowest == 0 and is_off:
        yield 0
    if name in LIFETIMES and (is_off or text == "0"):
        yield highest
    if isinstance(value, bool):
        return
    found = re.fullmatch(r"([+-]?\d{1,18}(?:\.\d{1,9})?(?:e\d{1,2})?)\s*([a-z]*)", text)
    if not found and not isinstance(value, int):
        return
    number = float(found[1]) if found else float(highest if value > 0 else lowest)  # type: ignore[operator]
    unit = _UNITS.get(found[2]) if found and found[2] else None
    if unit and name.endswith(("_ms", "_s")):
        number *= unit / (1 if name.endswith("_ms") else 1000)
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


def words(text: str, known: Sequence[str]) -> Iterator[str]:
    """Those of the known words that a text may mean."""
    bare = text.strip().strip("\"'").lower()
    if _SYNONYMS.get(bare) in known:
        yield _SYNONYMS[bare]
    if bare in known:
        yield bare
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
