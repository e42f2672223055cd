"""What the tool prints is what it was given."""

import io

import pytest

from ipsec_board.errors import BoardError
from ipsec_board.show import Show, console

TEXTS = ("89:74:c1:ab:ef:0a", ":warning:", "[red]a[/]", "10.0.0.0/8[tcp/8883]", "a\\", "x" * 300)


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_stays_as_it_is(text):
    out, err = io.StringIO(), io.StringIO()
    show = Show(console(file=out, width=80), console(file=err, width=80))
    show.line(text)
    show.good(text)
    assert out.getvalue() == text + "\n" + text + "\n"
    show.warn(text)
    show.error(BoardError(text, text))
    assert err.getvalue() == f"warning: {text}\nerror: {text}\nremedy: {text}\n"
    if len(text) < 40:
        show.table(text, (text,), [(text,)])
        assert out.getvalue().count(text) == 5
