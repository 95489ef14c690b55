"""Colours and the style sheet of the report, in one place for charts and text, for light and dark screens."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["COLOURS", "DASHES", "LINES", "STYLE", "colour_of", "themed"]

COLOURS = {
    "ink": ("#1c2127", "#e9ecef"),
    "soft": ("#5b6570", "#a3adb8"),
    "line": ("#dde1e6", "#343b44"),
    "page": ("#f6f7f9", "#101418"),
    "card": ("#fffffe", "#181d23"),
    "model-0": ("#0072b2", "#4db2ee"),
    "model-1": ("#d55e00", "#f58a3c"),
    "model-2": ("#009e73", "#2fcf9f"),
    "model-3": ("#b0568c", "#e39ac6"),
    "model-4": ("#8a6d00", "#e3c14a"),
    "good": ("#0b7a4b", "#4cc38a"),
    "warn": ("#a15c00", "#f0b04f"),
    "bad": ("#b3261e", "#ff8a80"),
}
"""Role -> colour on light and on dark. The models' are those of Okabe and Ito (2008), told apart by the colour-blind,
the last two darkened until they can be read on white. No two roles share a light colour: it stands for the role."""

LINES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)), (0, (3, 1, 1, 1, 1, 1)))
"""Dash patterns, one per model, so that colour is never the only difference."""

DASHES = ("", "9 4", "2 3", "10 3 3 3", "6 2 2 2 2 2")
"""The same for the keys, as SVG says them."""


def colour_of(model: str, models: Sequence[str]) -> int:
    """Number of the colour and line of a model: the first of `models` has 0, and beyond the last they begin anew.

    Examples:
        >>> colour_of("Naive", ["LSTM", "SeasonalNaive", "Naive"])
        2
    """
    return list(models).index(model) % len(LINES)


def themed(svg: str) -> str:
    """An SVG in light colours with each replaced by the variable of its role, which the style sheet defines.

    Examples:
        >>> themed('<path style="fill: #0072b2"/>')
        '<path style="fill: var(--model-0)"/>'
    """
    roles = {light: role for role, (light, _) in COLOURS.items()}
    return re.sub(r"#[0-9a-f]{6}\b", lambda m: f"var(--{roles[m[0]]})" if m[0] in roles else m[0], svg)


def _variables(dark: bool) -> str:  # noqa: FBT001
    return "".join(f"--{role}:{colours[dark]};" for role, colours in COLOURS.items())


STYLE = (
    f":root{{color-scheme:light dark;{_variables(False)}}}"
    f"@media(prefers-color-scheme:dark){{:root{{{_variables(True)}}}}}"
    """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,
"Helvetica Neue",Arial,sans-serif;overflow-wrap:anywhere}
main{max-width:1120px;margin:0 auto;padding:40px 24px 64px}
h1{font-size:15px;font-weight:600;color:var(--soft);margin:0 0 8px}
.verdict{font-size:clamp(21px,2.6vw,30px);line-height:1.3;font-weight:650;letter-spacing:-.01em;margin:0 0 12px;
max-width:32em;text-wrap:pretty}
.lead{color:var(--soft);margin:0;max-width:46em}
h2{font-size:20px;line-height:1.3;margin:48px 0 4px;letter-spacing:-.005em}
h2+p{margin-top:0}
h3{font-size:15px;margin:0 0 2px}
h3 .note{font-weight:400;font-size:13px;margin-left:4px}
p{margin:0 0 12px;max-width:52em;text-wrap:pretty}
.note,figcaption,summary{color:var(--soft);font-size:14px}
a{color:var(--model-0)}
nav{display:flex;flex-wrap:wrap;gap:4px 20px;margin:24px 0 0;font-size:14px}
nav a{text-decoration:none}
nav a:hover{text-decoration:underline}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:28px 0 0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 14px}
.tile b{display:block;font-size:22px;line-height:1.25;font-weight:650;font-variant-numeric:tabular-nums}
.tile span{display:block;font-size:13px;color:var(--soft)}
.tile span:first-child{color:var(--ink)}
.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:16px;margin:16px 0 0}
figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px;min-width:0}
figure svg{display:block;width:100%;height:auto;font-family:inherit}
figure svg text{font-family:inherit!important}
figure svg *{stroke-linejoin:round;stroke-linecap:butt}
.grid.lone{grid-template-columns:repeat(auto-fill,minmax(min(100%,420px),1fr))}
.wide,.solo{margin-top:16px}
.solo .narrow{display:none}
@media(max-width:640px){.solo .broad{display:none}.solo .narrow{display:block}}
.key{display:flex;flex-wrap:wrap;gap:2px 16px;margin:2px 0 6px;padding:0;list-style:none;font-size:13px;
color:var(--soft)}
.key svg{display:inline-block;width:26px;height:10px;margin-right:6px;vertical-align:middle}
details{margin-top:8px;min-width:0}
summary{cursor:pointer;width:max-content;max-width:100%}
.scroll{position:relative;overflow-x:auto;max-width:100%;margin-top:8px;-webkit-overflow-scrolling:touch}
.sheet{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:6px 16px;margin-top:16px}
table{border-collapse:collapse;font-size:14px;font-variant-numeric:tabular-nums;width:100%}
details table{width:auto}
th,td{text-align:right;padding:7px 0 7px 20px;border-bottom:1px solid var(--line);white-space:nowrap;font-weight:400}
th:first-child,td:first-child{text-align:left;padding-left:0}
tr:last-child>*{border-bottom:0}
thead th{color:var(--soft);font-size:13px;vertical-align:bottom}
tbody th{font-weight:600}
td.words,thead th.words{text-align:left}
td.words,table.words tbody th{white-space:normal;overflow-wrap:break-word}
td.best{font-weight:700;color:var(--good)}
table.facts th,table.facts td{text-align:left;white-space:normal;vertical-align:top}
table.facts th{font-weight:400;color:var(--soft);width:12em}
.findings{list-style:none;padding:0;margin:16px 0 0}
.findings li{padding:10px 0 10px 14px;border-left:3px solid var(--line);margin:0 0 8px}
.findings .error{border-color:var(--bad)}
.findings .warning{border-color:var(--warn)}
.findings .where{color:var(--soft);font-size:14px;display:block}
.mark{font-size:12px;font-weight:650;margin-right:8px;color:var(--soft)}
.error .mark{color:var(--bad)}
.warning .mark{color:var(--warn)}
dl{display:grid;gap:2px;margin:16px 0 0}
dt{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:14px;background:var(--card);
border:1px solid var(--line);border-radius:8px;padding:7px 12px;overflow-x:auto}
dd{margin:2px 0 14px;color:var(--soft);font-size:14px}
ul.notes{padding-left:20px;margin:8px 0 0}
ul.notes li{margin-bottom:4px}
footer{margin-top:56px;color:var(--soft);font-size:13px}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@media(max-width:640px){main{padding:24px 16px 48px}h2{margin-top:40px}figure{padding:12px}
table.facts th{width:8em}}
@media print{body{background:none}figure,.tile,.sheet{break-inside:avoid}nav{display:none}}
"""
)
"""The style sheet: no fonts, pictures or rules from elsewhere."""
