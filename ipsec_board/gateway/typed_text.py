"""What is typed or pasted, as plain text.

Start reading at `cleaned`.
"""

import re


def plain(value: object) -> str:
    """A value as text, if it is a short one."""
    if isinstance(value, int) and abs(value) >= 2**64:
        return ""
    return str(value)[:600] if isinstance(value, (str, int, float)) else ""


def in_ascii(text: str) -> str:
    """A name in its ASCII form, where it has one."""
    try:
        return text if text.isascii() else text.encode("idna").decode()
    except UnicodeError:
        return text


def cleaned(text: str) -> str:
    """Without what comes along when something is copied."""
    return re.sub(r"[\x00-\x1f\u200b-\u200f\u202a-\u202e\ufeff\ud800-\udfff]", "", text).strip().strip("\"'`<>,; ")
