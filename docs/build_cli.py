"""Write docs/cli.md from the help texts of the command line: python docs/build_cli.py."""

import inspect
import re
from pathlib import Path
from typing import Any

from typer.main import get_command

from foregate.cli import app
from foregate.cli.settings import Setting, settings

PAGE = Path(__file__).with_name("cli.md")
HEAD = """# Command line

Made from the help texts by `make docs`; a test checks that it is current. Results go to stdout or into files, progress
and remarks to stderr. Exit codes: 0, done; 1, the data or the model has a problem, told in one sentence; 2, wrong use.
"""

SETTINGS = """## Settings

What `--set NAME=VALUE` says wherever something is trained, as `options={…}` does in Python; `--set help` lists the
same. Every name may be given once; a wrong name or value is refused before anything is read.

```text
$ foregate fit sales.csv --horizon 28 --out model --set hidden=64 --set augment.jitter=0.03 --set training.optimizer=sgd
```

| | meaning | values | default |
|---|---|---|---|"""


def page() -> str:
    """The text of docs/cli.md."""
    group: Any = get_command(app)
    context = group.context_class(group, info_name="foregate")
    verbs = {name: group.get_command(context, name) for name in group.list_commands(context)}
    shown = [verb(name, command) for name, command in verbs.items() if not command.hidden]
    return "\n".join([HEAD, *shown, SETTINGS, *(setting(name, one) for name, one in settings().items()), ""])


def verb(name: str, command: Any) -> str:
    """The section of one verb: what it does, an example, its arguments and options."""
    shown = [each for each in command.params if not getattr(each, "hidden", False)]
    shown.sort(key=lambda each: each.param_type_name)  # arguments before options
    arguments = [argument(each) for each in shown if each.param_type_name == "argument"]
    usage = " ".join(["foregate", name, *arguments, "[OPTIONS]"])
    rows = [row(each) for each in shown]
    table = ["| | meaning | default |", "|---|---|---|", *rows, ""] if rows else []
    return "\n".join([f"## {name}\n", f"```text\n{usage}\n```\n", paragraphs(command.help or ""), *table])


def paragraphs(text: str) -> str:
    """A help text as markdown; what follows `Example:` is a block."""
    text = inspect.cleandoc(text.replace("\b", ""))
    before, _, example = re.sub(r"Examples:", "Example:", text).partition("Example:")
    block = f"```text\n{inspect.cleandoc(example).strip()}\n```\n" if example.strip() else ""
    return f"{before.strip()}\n\n{block}"


def argument(each: Any) -> str:
    """How an argument stands in the usage line."""
    name = (each.metavar or each.name).upper().strip("[]")
    return name if each.required else f"[{name}]"


def row(each: Any) -> str:
    """One line of the table: name, meaning, default."""
    option = each.param_type_name == "option"
    name = ", ".join(f"`{text}`" for text in [*each.opts, *each.secondary_opts]) if option else f"`{argument(each)}`"
    meaning = " ".join((each.help or "").split()).replace("|", "\\|")
    said = each.default is not None and each.default is not False and each.default not in ((), [])
    default = "required" if each.required else f"`{each.default}`" if said else ""
    return f"| {name} | {meaning} | {default} |"


def setting(name: str, one: Setting) -> str:
    """One line of the table of settings: name, meaning, values, default."""
    usual = f"`{one.default}`" if one.default else ""
    return f"| `{name}` | {one.meaning.replace('|', chr(92) + '|')} | {one.values} | {usual} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")
