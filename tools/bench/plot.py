"""docs/figures.svg: a bar for each aim, the measured value in parts of the aim. Start reading at `svg`."""

from html import escape

from tools.bench.aims import Verdict, verdicts
from tools.bench.tables import number

_ROW, _TOP, _LABEL, _UNIT, _RIGHT = 20, 34, 500, 240, 210
_MOST = 2.0  # longer bars are cut
_MET, _MISSED = "#2f7d5b", "#c2571a"
_FONT = 'font-family="sans-serif" font-size="12"'


def svg(results: dict) -> str:
    """The plot as text; the line at 1 is the aim."""
    bars = [verdict for verdict in verdicts(results) if verdict.share is not None]
    height = _TOP + _ROW * len(bars) + 12
    width = _LABEL + int(_UNIT * _MOST) + _RIGHT
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
             f'<rect width="{width}" height="{height}" fill="white"/>',
             _text(_LABEL, 18, "measured, in parts of the aim (shorter is better)")]
    for i, verdict in enumerate(bars):
        lines += _bar(_TOP + i * _ROW, verdict)
    x = _LABEL + _UNIT
    lines.append(f'<line x1="{x}" y1="{_TOP - 6}" x2="{x}" y2="{height - 8}" stroke="#222" stroke-dasharray="4 3"/>')
    return "\n".join([*lines, "</svg>", ""])


def _bar(y: int, verdict: Verdict) -> list[str]:
    share = verdict.share or 0.0
    width = min(share, _MOST) * _UNIT
    unit = verdict.aim.unit
    figures = f"{number(verdict.value, unit)} of {number(verdict.aim.limit, unit)} {unit}".strip()
    colour = _MET if share <= 1 else _MISSED
    return [_text(_LABEL - 8, y + 13, f"{verdict.aim.text}, {verdict.board}", "end"),
            f'<rect x="{_LABEL}" y="{y + 2}" width="{width:.1f}" height="{_ROW - 6}" fill="{colour}"/>',
            _text(_LABEL + max(width, _UNIT) + 6, y + 13, figures)]


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" {_FONT} fill="#222" text-anchor="{anchor}">{escape(text, quote=False)}</text>'
