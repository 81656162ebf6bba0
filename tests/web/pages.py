"""Reads a page the way a strict reader does: what is open must be closed, ids are unique, fields have labels."""

from html.parser import HTMLParser

VOID = frozenset({"meta", "link", "input", "br", "hr", "img", "use", "path", "circle", "rect", "line"})


class Reader(HTMLParser):
    """Collects faults while it reads."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.open: list[str] = []
        self.ids: list[str] = []
        self.refers: list[str] = []
        self.labelled: set[str] = set()
        self.fields: list[dict[str, str]] = []
        self.headings = 0
        self.forms: list[dict[str, str]] = []
        self.keys: list[int] = []

    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in pairs}
        self._look(tag, attributes)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        self._look(tag, {name: value or "" for name, value in pairs})

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open[-1] != tag:
            self.faults.append(f"</{tag}> where {self.open[-1:]} is open, line {self.getpos()[0]}")
        else:
            self.open.pop()

    def _look(self, tag: str, attributes: dict[str, str]) -> None:
        for name, value in attributes.items():
            if name == "style" or name.startswith("on"):
                self.faults.append(f"inline {name} on {tag}")
            if name in {"aria-describedby", "aria-labelledby", "for"}:
                self.refers += value.split()
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag == "style" or (tag == "script" and "src" not in attributes):
            self.faults.append(f"inline {tag}")
        if tag == "h1":
            self.headings += 1
        if tag == "form":
            self.forms.append(attributes)
            self.keys.append(0)
        if tag == "label":
            self.labelled.add(attributes.get("for", "(inside)"))
        if tag in {"input", "select", "textarea"}:
            self._field(attributes)

    def _field(self, attributes: dict[str, str]) -> None:
        if attributes.get("name") == "key" and self.keys:
            self.keys[-1] += 1
        if attributes.get("type") != "hidden" and "aria-label" not in attributes and "label" not in self.open:
            self.fields.append(attributes)


def faults_of(page: str) -> list[str]:
    """What is wrong with the page; empty if nothing is."""
    reader = Reader()
    reader.feed(page)
    reader.close()
    faults = reader.faults
    faults += [f"{tag} is never closed" for tag in reader.open]
    faults += [f"id {name} twice" for name in set(reader.ids) if reader.ids.count(name) > 1]
    faults += [f"nothing has the id {name}" for name in set(reader.refers) - set(reader.ids)]
    faults += [f"no label for {field.get('name')}" for field in reader.fields if field.get("id") not in reader.labelled]
    if reader.headings != 1:
        faults.append(f"{reader.headings} main headings")
    for form, keys in zip(reader.forms, reader.keys, strict=True):
        if form.get("method") == "post" and keys != 1:
            faults.append(f"the form to {form.get('action')} has {keys} keys")
        if "action" not in form or "method" not in form:
            faults.append("a form without action or method")
    return faults
