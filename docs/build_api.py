"""Write docs/api.md from the docstrings of the public names: python docs/build_api.py."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import foregate

PAGE = Path(__file__).with_name("api.md")
HEAD = """# Reference

Made from the docstrings by `make docs`; a test checks that it is current.
"""
UNSAID = (None, "None", inspect.Signature.empty)
WIDTH = 100
SECTIONS = ("Args", "Attributes", "Examples", "Raises", "Returns", "Source", "Yields")


def page() -> str:
    """The text of docs/api.md."""
    text = "\n".join([HEAD, *(entry(name, getattr(foregate, name)) for name in foregate.__all__)])
    return re.sub(
        r"(?<!`)``(?!`)([^`]+)``(?!`)", r"`\1`", text
    )  # docstrings mark code with two ticks, markdown with one


def entry(name: str, thing: Any) -> str:
    """The section of one public name: signature, docstring, then fields and methods; of a module, what it exports."""
    if inspect.ismodule(thing):
        exported = ((f"{name}.{each}", getattr(thing, each)) for each in thing.__all__)
        inner = [entry(each, member) for each, member in exported if callable(member)]
        return "\n".join([f"## {name}\n", prose(inspect.getdoc(thing) or ""), *inner])
    parts = [f"## {name}\n", signature(name, thing), prose(inspect.getdoc(thing) or "")]
    if inspect.isclass(thing) and not issubclass(thing, BaseException):
        parts += [fields(thing), *(method(name, thing, each) for each in vars(thing) if not each.startswith("_"))]
    return "\n".join(part for part in parts if part)


def signature(title: str, thing: Callable[..., object]) -> str:
    """How it is called, as a block; the base class of an error."""
    if inspect.isclass(thing) and issubclass(thing, BaseException):
        return f"An error; a kind of `{thing.__bases__[0].__name__}`.\n"
    called = inspect.signature(thing)
    returns = "" if called.return_annotation in UNSAID else f" -> {called.return_annotation}"
    names = [parameter(each) for each in called.parameters.values() if each.name not in ("self", "cls")]
    keyword = [each for each in called.parameters.values() if each.kind is each.KEYWORD_ONLY]
    if keyword and not any(each.kind is each.VAR_POSITIONAL for each in called.parameters.values()):
        names.insert(names.index(parameter(keyword[0])), "*")
    line = f"{title}({', '.join(names)}){returns}"
    if len(line) > WIDTH:
        line = f"{title}(\n" + "".join(f"    {name},\n" for name in names) + f"){returns}"
    return f"```text\n{line}\n```\n"


def parameter(each: inspect.Parameter) -> str:
    """One parameter with its type and default."""
    mark = "*" if each.kind is each.VAR_POSITIONAL else "**" if each.kind is each.VAR_KEYWORD else ""
    kind = "" if each.annotation is each.empty else f": {each.annotation}"
    shown = "…" if "factory" in repr(each.default) else repr(each.default)
    return f"{mark}{each.name}{kind}" + ("" if each.default is each.empty else f" = {shown}")


def prose(doc: str) -> str:
    """A Google-style docstring as markdown: sections as bold words, examples as blocks."""
    out: list[str] = []
    lines = doc.splitlines()
    while lines:
        line = lines.pop(0)
        title = line.rstrip(":")
        if line.endswith(":") and title in SECTIONS:
            body: list[str] = []
            while lines and (not lines[0].strip() or lines[0].startswith(" ")):
                body.append(lines.pop(0))
            out += [f"**{title}**", "", section(title, textwrap.dedent("\n".join(body)).strip("\n"))]
        else:
            out.append(line)
    return "\n".join(out).rstrip() + "\n"


def section(title: str, body: str) -> str:
    """The body of a docstring's section."""
    if title == "Examples":
        return f"```pycon\n{body.strip()}\n```\n"
    if title in {"Args", "Attributes", "Raises"}:
        return listed(body) + "\n"
    return body + "\n"


def listed(body: str) -> str:
    """`name: meaning` paragraphs as a list; lines that are indented go on with the one before."""
    items: list[str] = []
    for line in body.splitlines():
        if line.startswith(" ") and items:
            items[-1] += " " + line.strip()
        elif line.strip():
            name, _, meaning = line.partition(":")
            items.append(f"- `{name}`: {meaning.strip()}")
    return "\n".join(items)


def fields(cls: type) -> str:
    """The annotated fields of a class that have a docstring under them, as a list."""
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(body, ast.ClassDef)
    items = []
    for node, below in zip(body.body, body.body[1:], strict=False):
        if isinstance(node, ast.AnnAssign) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            meaning = " ".join(str(below.value.value).split())
            items.append(f"- `{ast.unparse(node.target)}` (`{ast.unparse(node.annotation)}`): {meaning}")
    return "\n".join(["**Fields**", "", *items, ""]) if items else ""


def method(owner: str, cls: type, name: str) -> str:
    """The section of a public method or property that has a docstring."""
    raw = vars(cls)[name]
    function = raw.fget if isinstance(raw, property) else getattr(raw, "__func__", raw)
    if not inspect.isfunction(function) or not inspect.getdoc(function):
        return ""
    called = f"```text\n{owner}.{name}\n```\n" if isinstance(raw, property) else signature(f"{owner}.{name}", function)
    return f"### {owner}.{name}\n\n{called}\n{prose(inspect.getdoc(function) or '')}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")
