#!/usr/bin/env python3
"""Writes the broker's messages as C from their description: generate.py messages.txt OUT.h OUT.c

messages.txt says how the description reads. The header gets a struct per message and per struct inside of one, with
typed decode, encode and init functions; the source gets the tables that message.c walks, and the table of APIs."""
import re
import sys

NUMBERS = {"bool": "bool", "int8": "int8_t", "int16": "int16_t", "uint16": "uint16_t", "int32": "int32_t",
           "int64": "int64_t", "float64": "double"}
TEXTS = {"string", "bytes", "records"}
NEVER = 127  # a version that does not come
FIELD = re.compile(r"(?P<indent> +)(?P<name>\w+) (?P<open>\[?)(?P<type>\w+)\]?(?P<null>\?)?(?:(?P<null_from>\d+)\+)?"
                   r"(?: (?P<versions>\d+(?:-\d+|\+)?))?(?: = (?P<default>\S+))?(?: tag (?P<tag>\d+))?")


def snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


class Field:
    def __init__(self, match, around):
        self.name = match["name"]
        self.type = match["type"]
        self.array = bool(match["open"])
        self.min, self.max = around
        if match["versions"]:
            low, sep, high = match["versions"].replace("+", "-").partition("-")
            self.min = int(low)
            self.max = int(high) if high else around[1] if sep else int(low)
        self.null_from = NEVER if not match["null"] else int(match["null_from"] or 0)
        self.default = match["default"]
        self.tag = -1 if match["tag"] is None else int(match["tag"])

    def is_struct(self):
        return self.type not in NUMBERS and self.type not in TEXTS and self.type != "uuid"


class Message:
    """One request, response or blob: `structs` holds its structs, the message's own last."""

    def __init__(self, name, versions, flexible):
        self.name = name
        self.versions = versions
        self.flexible = flexible
        self.structs = {}

    def c_name(self, struct):
        return f"tarn_{self.name}_{struct}" if struct else f"tarn_{self.name}"


def span(text):
    low, high = text.split("-")
    return int(low), int(high)


def parse_fields(lines, at, message, struct, depth, around):
    """Reads the fields at `depth` from line `at` on; returns the line behind them."""
    fields = []
    while at < len(lines):
        number, line = lines[at]
        match = FIELD.fullmatch(line)
        if not match or len(match["indent"]) < 2 * depth:
            break
        if len(match["indent"]) != 2 * depth:
            raise SystemExit(f"messages.txt:{number}: wrong indent")
        field = Field(match, around)
        fields.append(field)
        at += 1
        if field.is_struct():
            known = field.type in message.structs
            behind = parse_fields(lines, at, message, field.type, depth + 1, (field.min, field.max))
            if known == (behind != at):
                raise SystemExit(f"messages.txt:{number}: struct {field.type} has to be described exactly once")
            at = behind
    if fields:
        message.structs[struct] = fields
    return at


def parse(path):
    """Returns (apis, messages)."""
    with open(path, encoding="utf-8") as source:
        lines = [(n, line.rstrip()) for n, line in enumerate(source, 1) if line.strip() and not line.startswith("#")]
    apis, messages, at = [], [], 0
    while at < len(lines):
        number, line = lines[at]
        words = line.split()
        if line.startswith("api "):
            options = dict(zip(words[3::2], words[4::2]))
            flexible = int(options["flexible"].rstrip("+")) if "flexible" in options else None
            api = {"key": int(words[1]), "name": words[2], "offered": span(options["offered"]),
                   "coded": span(options["coded"]), "flexible": flexible}
            apis.append(api)
            at += 1
        elif line in (" request", " response"):
            message = Message(snake(api["name"]) + "_" + line.strip(), api["coded"], api["flexible"])
            messages.append(message)
            at = parse_fields(lines, at + 1, message, "", 1, message.versions)
        elif line.startswith("blob "):
            message = Message(snake(words[1]), span(words[3]), None)
            messages.append(message)
            at = parse_fields(lines, at + 1, message, "", 1, message.versions)
        else:
            raise SystemExit(f"messages.txt:{number}: cannot read this line")
    for message in messages:
        message.structs.setdefault("", [])
    return apis, messages


def c_type(message, field):
    if field.is_struct():
        return f"struct {message.c_name(field.type)}"
    if field.type == "uuid":
        return "struct tarn_uuid16"
    return NUMBERS.get(field.type, "struct tarn_text")


def declare(message, field):
    pointer = "*" if field.array or field.is_struct() else ""
    lines = [f"    {c_type(message, field)} {pointer}{field.name};"]
    if field.array:
        lines.append(f"    int32_t {field.name}_count;")
    return lines


def write_header(out, messages, records):
    out.write("""/* Written by protocol/generate.py from messages.txt; do not edit. How it is used: message.h. */
#ifndef TARN_BROKER_PROTOCOL_MESSAGES_H
#define TARN_BROKER_PROTOCOL_MESSAGES_H

#include "broker/protocol/message.h"
""")
    for message in messages:
        for struct, fields in message.structs.items():
            name = message.c_name(struct)
            body = [line for field in fields for line in declare(message, field)]
            out.write("\n".join([f"\nstruct {name} {{", *(body or ["    char nothing; /* it has no fields */"]), "};\n"]))
            if struct:
                out.write(f"static inline void {name}_init(struct {name} *ret)\n"
                          f"{{\n    tarn_message_record_init({records[message.name, struct]}, ret);\n}}\n")
        name = message.c_name("")
        out.write(f"""extern const struct tarn_message {name}_message;
static inline void {name}_init(struct {name} *ret)
{{
    tarn_message_init(&{name}_message, ret);
}}
CHECKED static inline enum tarn_status {name}_decode(
    struct tarn_wire_reader *reader, int16_t version, struct tarn_arena *arena, struct {name} *ret,
    struct tarn_error *err)
{{
    return tarn_message_decode(&{name}_message, reader, version, arena, ret, err);
}}
static inline void {name}_encode(struct tarn_wire_writer *writer, int16_t version,
                                 const struct {name} *from)
{{
    tarn_message_encode(&{name}_message, writer, version, from);
}}
""")
    out.write("\n#endif\n")


class Names:
    """All names of fields in one constant, each once."""

    def __init__(self):
        self.at, self.text = {}, []
        self.len = 0

    def __getitem__(self, name):
        if name not in self.at:
            self.at[name] = self.len
            self.text.append(name)
            self.len += len(name) + 1
        return self.at[name]


def default_of(field):
    """(value for numbers, whether null is the default)"""
    if field.default in (None, "null"):
        return "0", field.default == "null"
    if field.default in ("true", "-9223372036854775808", "9223372036854775807"):
        return {"true": "1", "9223372036854775807": "INT64_MAX"}.get(field.default, "INT64_MIN"), False
    return field.default, False


def field_row(message, struct, field, names, records, defaults):
    kind = "STRUCT" if field.is_struct() else field.type.upper()
    value, null = default_of(field)
    if value not in defaults:
        defaults.append(value)
    flags = [flag for flag, on in (("FIELD_ARRAY", field.array), ("FIELD_NULL", null)) if on]
    record = records[message.name, field.type] if field.is_struct() else 0
    return (f"    {{{names[field.name]}, offsetof(struct {message.c_name(struct)}, {field.name}), {record}, "
            f"FIELD_{kind}, {' | '.join(flags) or 0}, {field.min}, {field.max}, {field.null_from}, {field.tag}, "
            f"{defaults.index(value)}}},\n")


def write_source(out, apis, messages, records):
    out.write("""/* Written by protocol/generate.py from messages.txt; do not edit. */
#include "broker/protocol/messages.h"

#include "broker/protocol/api.h"
#include "broker/protocol/message_int.h"

""")
    names, defaults, rows, starts = Names(), ["0"], [], []
    for message in messages:
        for struct, fields in message.structs.items():
            starts.append((len(rows), len(fields), message.c_name(struct)))
            rows += [field_row(message, struct, field, names, records, defaults) for field in fields]
    out.write("/* name, offset, struct, type, flags, versions, null from, tag, default */\n"
              "const struct tarn_message_field tarn_message_fields[] = {\n")
    out.writelines(rows)
    out.write("};\n\nconst struct tarn_message_record tarn_message_records[] = {\n")
    out.writelines(f"    {{{start}, {count}, sizeof(struct {name})}},\n" for start, count, name in starts)
    out.write("};\n\nconst int64_t tarn_message_defaults[] = {" + ", ".join(defaults) + "};\n\n")
    out.write("const char tarn_message_names[] =\n" + "\n".join(f'    "{name}\\0"' for name in names.text) + ";\n\n")
    for message in messages:
        flexible = "INT16_MAX" if message.flexible is None else message.flexible
        name = message.c_name("")
        out.write(f"const struct tarn_message {name}_message = {{\"{message.name}\", {records[message.name, '']}, "
                  f"sizeof(struct {name}), {message.versions[0]}, {message.versions[1]}, {flexible}}};\n")
    out.write("\nconst struct tarn_message *const tarn_message_list[] = {\n")
    out.writelines(f"    &{message.c_name('')}_message,\n" for message in messages)
    out.write(f"}};\n\nconst size_t tarn_message_list_count = {len(messages)};\n")
    out.write("\nconst struct tarn_api tarn_api_rows[] = {\n")
    for api in sorted(apis, key=lambda one: one["key"]):
        low, high = api["offered"]
        flexible = "INT16_MAX" if api["flexible"] is None else api["flexible"]
        out.write(f"    {{{api['key']}, \"{api['name']}\", {low}, {high}, {max(low, api['coded'][0])}, {flexible}, "
                  f"&tarn_{snake(api['name'])}_request_message, &tarn_{snake(api['name'])}_response_message}},\n")
    out.write(f"}};\n\nconst size_t tarn_api_row_count = {len(apis)};\n")


def main():
    description, header, source = sys.argv[1:]
    apis, messages = parse(description)
    keys = [(message.name, struct) for message in messages for struct in message.structs]
    records = {key: index for index, key in enumerate(keys)}
    with open(header, "w", encoding="utf-8") as out:
        write_header(out, messages, records)
    with open(source, "w", encoding="utf-8") as out:
        write_source(out, apis, messages, records)


if __name__ == "__main__":
    main()
