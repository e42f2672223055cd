"""The native module, all kernels in C, as `python -m tools.natmod --update` built it for each architecture.

It is part of the repository, so that nobody needs a cross compiler to install. There are two: one of all kernels, and one of
those for AES-GCM, AES-CCM and X25519 alone, which takes a quarter less RAM. Start reading at `path`.
"""

from pathlib import Path

from ipsec_board.paths import FIRMWARE

BUILT = FIRMWARE / "natmod" / "built"
MODULE = "ipsec/native.mpy"  # where the library looks for it
# Names in its C that the library's Python has, too, and that the linker keeps therefore
NAMES = """SLOTS TABLE_LEN WORK block blocks carry cbc_message chacha check check4 cipher comb copy count decap differs digest
 encap freeze ghash ghash_out ghash_table hash header icv_len inner_pad load_limbs load_number message modular
 modular_powers opens outer_pad pad_key pick poly poly_end poly_start powers run same same_spi store store_limbs
 store_number sum16 transport update write4 write_udp""".split()

# what a board of the first name loads besides its own, the best last (py/persistentcode.c, MPY_FEATURE_ARCH_TEST)
ALSO = {
    "armv7m": ("armv6", "armv6m"), "armv7em": ("armv6", "armv6m", "armv7m"),
    "armv7emsp": ("armv6", "armv6m", "armv7m", "armv7em"),
    "armv7emdp": ("armv6", "armv6m", "armv7m", "armv7em", "armv7emsp"), "armv6m": ("armv6",),
}  # fmt: skip


def path(arch: str, small: bool = False) -> Path | None:
    """The file for boards of this architecture (mpy-cross's name); None where there is none."""
    for name in (arch, *reversed(ALSO.get(arch, ()))):
        file = BUILT / f"{name}{'-small' if small else ''}.mpy"
        if name and file.is_file():
            return file
    return None
