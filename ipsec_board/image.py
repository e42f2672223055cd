"""For which chip a firmware file is: the header of ESP images and the family IDs of UF2 files.

Rules: the file's content decides, never its name. Start reading at `read`.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

from esptool.targets import CHIP_DEFS

from ipsec_board.errors import BoardError

_ESP_MAGIC = 0xE9
_ESP_CHIP_ID = 12  # offset of chip_id in esp_image_header_t (ESP-IDF, "App Image Format")
# familyID of a UF2 block (RP2350 datasheet 5.5.3; "UF2 format" for RP2040)
_UF2_FAMILIES = {0xE48BFF56: "RP2040", 0xE48BFF59: "RP2350", 0xE48BFF5A: "RP2350", 0xE48BFF5B: "RP2350"}
_UF2_ANY = (0xE48BFF57, 0xE48BFF58)  # absolute and data blocks: belong to no chip alone
_UF2_MAGIC = (0x0A324655, 0x9E5D5157)
_UF2_END = 0x0AB16F30
_UF2_HAS_FAMILY = 0x2000


@dataclass(frozen=True)
class Image:
    """A firmware file: `kind` is "esp" or "uf2", `chip` its chip, `offset` where it goes in flash (esp)."""

    path: Path
    kind: str
    chip: str
    offset: int = 0


def read(path: Path) -> Image:
    """Examine a firmware file. Raises BoardError for anything that is none, is damaged, or is for an unknown chip."""
    try:
        data = path.read_bytes()
    except OSError as e:
        raise BoardError(f"firmware {path} cannot be read ({e.strerror})", "give the path of a .bin or .uf2 file") from e
    if len(data) >= 8 and struct.unpack_from("<II", data) == _UF2_MAGIC:
        return Image(path, "uf2", _uf2_chip(path, data))
    if data[:1] == bytes([_ESP_MAGIC]) and len(data) >= 24:
        return _esp(path, data)
    raise BoardError(f"{path} is neither an ESP image nor a UF2 file", "download the .bin (ESP32) or .uf2 (RP2) of your board")


def require(image: Image, chip: str) -> None:
    """Raise BoardError when the image is not for this chip."""
    if image.chip != chip:
        raise BoardError(
            f"{image.path.name} is for {image.chip}, the board is {chip or 'of an unknown chip'}: not written",
            f"take the firmware for {chip}" if chip else "name the right port with --port",
        )


def _esp(path: Path, data: bytes) -> Image:
    """MicroPython's .bin files begin with the second-stage bootloader, whose place in flash depends on the chip."""
    number = struct.unpack_from("<H", data, _ESP_CHIP_ID)[0]
    for chip in CHIP_DEFS.values():
        if getattr(chip, "IMAGE_CHIP_ID", None) == number:
            return Image(path, "esp", chip.CHIP_NAME.replace("-", ""), chip.BOOTLOADER_FLASH_OFFSET)
    raise BoardError(f"{path} is an ESP image for the unknown chip {number}", "use esptool by hand for such a chip")


def _uf2_chip(path: Path, data: bytes) -> str:
    damaged = BoardError(f"{path} is a damaged UF2 file", "download it again")
    if len(data) % 512:
        raise damaged
    chips = set()
    for pos in range(0, len(data), 512):
        start = struct.unpack_from("<IIIIIIII", data, pos)
        if start[:2] != _UF2_MAGIC or struct.unpack_from("<I", data, pos + 508)[0] != _UF2_END:
            raise damaged
        family = start[7] if start[2] & _UF2_HAS_FAMILY else 0
        if family not in _UF2_ANY:
            chips.add(_UF2_FAMILIES.get(family, f"the unknown family {family:#010x}"))
    if len(chips) != 1 or not chips <= set(_UF2_FAMILIES.values()):
        raise BoardError(f"{path} is for {' and '.join(sorted(chips)) or 'no chip'}", "take a UF2 file for one RP2 chip")
    return chips.pop()
