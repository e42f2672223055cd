"""Types of the package's face for editors and type checkers; see __init__.py."""

from collections.abc import Callable

from ipsec.config import Config
from ipsec.drive import aio, sync
from ipsec.event import Event

__version__: str

def connect(
    config: str | Config,
    on_event: Callable[[Event], object] | None = None,
    log: Callable[..., object] | None = None,
    keylog: Callable[..., object] | None = None,
    capture: bool = False,
) -> sync.Uplink: ...
async def connect_async(
    config: str | Config,
    on_event: Callable[[Event], object] | None = None,
    log: Callable[..., object] | None = None,
    keylog: Callable[..., object] | None = None,
    capture: bool = False,
) -> aio.Uplink: ...
