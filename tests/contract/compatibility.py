"""May a schema follow another one within a version? Each breach is a line of text.

What we read must still take everything that it took; what we write must still be
only what readers were told. Unknown members are allowed on both sides, so a new
optional member never breaks anybody.
"""

TIGHTER = ("maxLength", "maximum", "maxItems")
"""Limits that allow less when they are lower."""
LOOSER = ("minLength", "minimum", "minItems")
"""Limits that allow less when they are higher."""


def breaches_of_reading(old, new):
    """Answer where `new` refuses what `old` took: for topics that we read."""
    return list(_narrowed(old, new, ""))


def breaches_of_writing(old, new):
    """Answer where `new` allows what `old` did not: for topics that we write."""
    return [
        *_narrowed(new, old, ""),
        *(
            f"/{name}: was there"
            for name in old.get("properties", {}).keys() - new.get("properties", {})
        ),
    ]


def _narrowed(wide, narrow, path):
    """Answer where `narrow` does not take what `wide` takes."""
    for member in sorted(
        set(narrow.get("required", ())) - set(wide.get("required", ()))
    ):
        yield f"{path}/{member}: required"
    yield from _fewer_values(wide, narrow, path)
    for keyword in (*TIGHTER, *LOOSER):
        if keyword in narrow and _cuts(keyword, narrow[keyword], wide.get(keyword)):
            yield f"{path}: {keyword}"
    for keyword in ("pattern", "format", "anyOf", "oneOf", "if", "then", "$ref"):
        if keyword in narrow and narrow[keyword] != wide.get(keyword):
            yield f"{path}: {keyword}"
    for part in ("properties", "$defs"):
        both = wide.get(part, {}).keys() & narrow.get(part, {}).keys()
        for name in sorted(both):
            yield from _narrowed(wide[part][name], narrow[part][name], f"{path}/{name}")
    if isinstance(wide.get("items"), dict) and isinstance(narrow.get("items"), dict):
        yield from _narrowed(wide["items"], narrow["items"], f"{path}/items")


def _fewer_values(wide, narrow, path):
    if "type" in narrow and not _types(wide) <= _types(narrow):
        yield f"{path}: type"
    if "enum" in narrow and not set(wide.get("enum", [path])) <= set(narrow["enum"]):
        yield f"{path}: enum"
    if "const" in narrow and wide.get("const") != narrow["const"]:
        yield f"{path}: const"


def _types(schema):
    types = schema.get("type", ["anything"])
    return {types} if isinstance(types, str) else set(types)


def _cuts(keyword, narrow, wide):
    if wide is None:
        return True
    return narrow < wide if keyword in TIGHTER else narrow > wide
