"""The table of promises says which are kept, and its exit status too."""

import pytest

from host_tests.inet import shown


def test_a_promise_that_is_not_kept_is_a_failure(monkeypatch, capsys):
    said = {"kb_s": 44.0}
    monkeypatch.setattr(shown, "module", lambda *arguments, alone: f'{{"kb_s": {said["kb_s"]}}}\n')
    assert shown.main(["pace"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.endswith(" NOT KEPT") for line in lines] == [True, True, True, False] and lines[3].endswith(" kept")
    said["kb_s"] = 140.0
    assert shown.main(["pace"]) == 0


def test_what_the_event_names_is_compared(monkeypatch):
    row = '{"path": "600", "silences_s": [0.1, %s], "mtu": 500, "told": ["set mtu to %d, so"]}'
    for silence, named, kept in ((2.9, 500, True), (3.1, 500, False), (1, 1150, False)):
        monkeypatch.setattr(shown, "module", lambda *a, s=row % (silence, named), **kw: s)
        assert [r[3] for r in shown.path()] == [kept]


def test_a_command_that_says_nothing_is_told(monkeypatch):
    monkeypatch.setattr(shown, "module", lambda *arguments, **kw: "Traceback: no TUN")
    with pytest.raises(ValueError, match="no TUN"):
        list(shown.path())
    with pytest.raises(SystemExit):
        shown.main(["nothing"])
