#!/usr/bin/env python3
"""Decodes every golden event from the documentation alone.

This is a reader that knows nothing of the Rust code: it takes the fields from the tables in event-schemas/docs and the
rules of the encoding from docs/README.md. It must consume every byte and arrive at the golden JSON exactly, so it
proves that the pages are enough to read the log in another language.

Usage: decode_events.py [EVENT_SCHEMAS_FOLDER]
"""

import json
import re
import sys
from pathlib import Path

INTEGERS = {"u16": 16, "u32": 32, "u64": 64, "i32": 32, "i64": 64}


class Refused(Exception):
    """The bytes are not what the page describes."""


class Reader:
    """Walks over a payload."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        piece = self.data[self.at : self.at + count]
        if len(piece) < count:
            raise Refused("ends too early")
        self.at += count
        return piece

    def byte(self):
        return self.take(1)[0]

    def flag(self):
        value = self.byte()
        if value > 1:
            raise Refused(f"{value} is neither 0 nor 1")
        return value == 1

    def varint(self, bits):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
        if byte == 0 and shift > 0:
            raise Refused("overlong number")
        if value >> bits:
            raise Refused("number too large")
        return value

    def integer(self, name):
        value = self.varint(INTEGERS[name])
        return value if name[0] == "u" else (value >> 1) ^ -(value & 1)


def rows(text):
    """The cells of every table row, without the back-ticks; heads and rulers are no rows of data."""
    for line in text.splitlines():
        if line.startswith("|") and not line.startswith(("|-", "| # ", "| code ", "| type ", "| encoding ")):
            yield [cell.strip(" `") for cell in line.strip("|").split(" | ")]


def fields(text):
    """Names and types of the fields of a page or section."""
    return [(row[1], row[2]) for row in rows(text) if row[0].isdigit()]


class Schema:
    """What the pages say."""

    def __init__(self, docs):
        self.docs = docs
        readme = (docs / "README.md").read_text()
        types = readme.split("## Types of fields")[1].split("## ")[0]
        self.shorthands = {row[0]: row[1] for row in rows(types) if row[0].isalpha()}
        self.structs = {name: fields(body) for name, body in self.sections("structs.md")}
        self.codes = {name for name, _ in self.sections("codes.md")}

    def sections(self, name):
        parts = re.split(r"^## (\w+)$", (self.docs / name).read_text(), flags=re.M)[1:]
        return zip(parts[::2], parts[1::2])

    def page(self, name):
        return fields((self.docs / f"{name}.md").read_text())

    def struct(self, reader, listed):
        return {name: self.value(reader, kind) for name, kind in listed}

    def value(self, reader, kind):
        if match := re.fullmatch(r"Option<(.*)>", kind):
            return self.value(reader, match[1]) if reader.flag() else None
        if kind == "Bytes":
            return reader.take(reader.integer("u32")).hex()
        if match := re.fullmatch(r"Vec<(.*)>", kind):
            return [self.value(reader, match[1]) for _ in range(reader.integer("u32"))]
        if match := re.fullmatch(r"\[u8; (\d+)\]", kind):
            return reader.take(int(match[1])).hex()
        if kind in INTEGERS:
            return reader.integer(kind)
        if kind == "bool":
            return reader.flag()
        if kind == "u8" or kind in self.codes:
            return reader.byte()
        if kind == "String":
            return reader.take(reader.integer("u32")).decode("utf-8")
        if kind in self.structs:
            return self.struct(reader, self.structs[kind])
        if kind in self.shorthands:
            return self.value(reader, self.shorthands[kind])
        raise Refused(f"the pages do not explain {kind}")

    def decode(self, page, data):
        reader = Reader(data)
        value = self.struct(reader, self.page(page))
        if reader.at != len(data):
            raise Refused(f"{len(data) - reader.at} bytes left over")
        return value


def check(schema, path, prefix):
    """Decodes one golden file, and all that is left when its last byte is cut off or one is added."""
    data = bytes.fromhex(path.read_text())
    page = prefix + path.stem.rsplit(".", 1)[0]
    decoded = schema.decode(page, data)
    if json.dumps(decoded, indent=2, ensure_ascii=False) + "\n" != path.with_suffix(".json").read_text():
        raise Refused(f"decodes to something else: {decoded}")
    for altered in [data + b"\0"] + ([data[:-1]] if data else []):
        try:
            schema.decode(page, altered)
        except (Refused, UnicodeDecodeError):
            continue
        raise Refused("decodes with a byte too many or too few")


def main():
    here = Path(__file__).resolve().parents[2] / "event-schemas"
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else here
    schema = Schema(root / "docs")
    passed = failed = 0
    for folder, prefix in [(root / "golden", ""), (root / "golden" / "sealed", "sealed/")]:
        for path in sorted(folder.glob("*.hex")):
            try:
                check(schema, path, prefix)
                passed += 1
            except (Refused, OSError, ValueError) as problem:
                failed += 1
                print(f"{path.name}: {problem}", file=sys.stderr)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
