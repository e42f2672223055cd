"""Fixtures of the interop tests. A test that fails shows the end of the gateway's log."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from host_tests.conftest import require
from host_tests.interop import spaces
from host_tests.interop import tls as tls_server
from host_tests.interop.gateway import Gateway, gateway
from host_tests.interop.install import Missing, print_progress, strongswan_root

_SCENES = pytest.StashKey[list[Gateway]]()


@pytest.fixture(scope="session")
def root():
    """The unpacked strongSwan, made once if need be; a machine that does not allow it skips the test with the remedy."""
    try:
        spaces.check_machine()
        return strongswan_root(report=print_progress)
    except Missing as error:
        require(False, str(error))


@pytest.fixture
def make_gateway(root, request) -> Iterator:
    """Makes scenes: `make_gateway(nat=True, dpd_delay="1s", ...)`, with the arguments of `gateway.gateway`."""
    request.node.stash[_SCENES] = []
    with ExitStack() as scenes:

        def make(**options) -> Gateway:
            scene = scenes.enter_context(gateway(**options))
            request.node.stash[_SCENES].append(scene)
            return scene

        yield make


@pytest.fixture
def gw(make_gateway) -> Gateway:
    """A scene with the gateway as it is without any options."""
    return make_gateway()


@pytest.fixture
def tls(gw, tmp_path) -> Iterator:
    """The file of the certificate of a TLS server at port 8443 behind the gateway, which echoes lines."""
    with tls_server.echo_server(gw, tmp_path) as certificate:
        yield certificate


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Add charon's last words to the report of a failed test; the scene still stands at this moment."""
    report = yield
    if report.when == "call" and report.failed:
        for scene in item.stash.get(_SCENES, []):
            report.sections.append(("end of charon's log", scene.swan.log_tail()))
    return report
