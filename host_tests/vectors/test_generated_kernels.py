"""Every generated kernel in lib/ipsec/crypto/kernels is what its generator in tools/kernels makes."""

import importlib
import pkgutil

import pytest

from tools import kernels
from tools.kernels.emit import is_current

GENERATORS = [module.name for module in pkgutil.iter_modules(kernels.__path__) if module.name != "emit"]


@pytest.mark.parametrize("name", GENERATORS)
def test_kernel_is_current(name):
    files = importlib.import_module(f"tools.kernels.{name}").FILES
    assert files
    for path, source in files.items():
        assert is_current(path, source), f"{path} is stale: run `python -m tools.kernels.{name}`"
