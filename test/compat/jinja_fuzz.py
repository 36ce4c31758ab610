#!/usr/bin/env python3
"""Renders random templates with jinja2 and with Tarn and compares what comes out: jinja_fuzz.py TEMPLATE_LINES [COUNT] [SEED]

TEMPLATE_LINES is the program test/compat/template_lines.c. Needs jinja2 3.1; says so and leaves with 0 when it is not there.
Both must print the same text, or both must fail. Ends with 1 when any template differs."""
import json
import os
import random
import subprocess
import sys
import warnings

try:
    import jinja2
except ImportError:
    print("jinja_fuzz: jinja2 is not installed (pip install jinja2); nothing compared")
    sys.exit(0)

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data"))
import make_jinja_vectors  # noqa: E402

NAMES = ["name", "n", "list", "dict", "rows", "text", "missing", "a", "b", "x", "i", "nested", "pi", "nothing", "yes", "names"]
SET_NAMES = ["a", "b", "x", "i", "name", "n"]
FILTERS = ["upper", "lower", "length", "list", "first", "last", "join(',')", "string", "int", "float", "trim", "sort", "unique|list",
           "reverse|list", "sum", "min", "max", "default('d')", "default('', true)", "title", "capitalize", "abs", "round(1)",
           "map('string')|list", "map('upper')|join('-')", "select('defined')|list", "reject('none')|list", "tojson",
           "replace('a', 'b')", "batch(2)|list", "slice(2)|list", "dictsort", "items|list", "wordcount", "indent", "center(9)",
           "map(attribute='id')|list", "selectattr('id')|list", "sort(reverse=true)", "groupby('id')|list", "truncate(6)",
           "sort(attribute='id')", "sum(attribute='id')", "e", "count", "d(1)", "format(1)"]
TESTS = ["defined", "undefined", "none", "string", "mapping", "iterable", "sequence", "number", "boolean", "integer", "float", "true",
         "false", "odd", "even", "lower", "upper", "callable", "divisibleby(2)", "eq(1)", "in([1, 'a'])", "gt 1", "sameas none"]
METHODS = [".upper()", ".split('a')", ".items()", ".keys()|list", ".get('a')", ".get('a', 1)", ".append(1)", ".strip()", ".title()",
           ".replace('a', 'b')", ".startswith('a')", ".index(1)", ".count('a')", ".copy()", ".pop()", ".values()|list", ".find('l')",
           ".a", ".id", "['a']", "[0]", "[-1]", "[1:]", "[:-1]", "[::-1]", ".0", ".missing", ".join(['a', 'b'])", ".isdigit()",
           ".format(1, a=2)", ".zfill(5)", ".update({'k': 1})", ".partition('l')", ".insert(0, 9)"]
LITERALS = ["1", "0", "-3", "2.5", "'a'", "''", "'Abc d'", "none", "true", "false", "[]", "[1, 2, 3]", "['b', 'a']", "{}",
            "{'a': 1, 'id': 2}", "(1, 'x')", "range(3)", "'%s'", "'{}'", "'é'", "[[1, 2], [3]]", "[{'id': 1}, {'id': 0}]"]
OPERATORS = ["+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", "<=", ">", ">=", "and", "or", "in", "not in", "**"]


class Maker:
    def __init__(self, rng):
        self.rng = rng

    def pick(self, items):
        return self.rng.choice(items)

    def expression(self, depth):
        if self.rng.random() < 0.96:
            return self.typed(self.pick(["text", "number", "list", "bool"]), min(depth, self.rng.randrange(4)))
        return self.wild_expression(depth)

    def wild_expression(self, depth):
        """Anything: most of these fail, and must fail here too."""
        roll = self.rng.random()
        if depth <= 0 or roll < 0.22:
            return self.pick(NAMES) if self.rng.random() < 0.6 else self.pick(LITERALS)
        if roll < 0.40:
            return "%s %s %s" % (self.expression(depth - 1), self.pick(OPERATORS), self.expression(depth - 1))
        if roll < 0.56:
            return "%s|%s" % (self.operand(depth), self.pick(FILTERS))
        if roll < 0.66:
            return "%s is %s%s" % (self.operand(depth), self.pick(["", "", "not "]), self.pick(TESTS))
        if roll < 0.80:
            return self.operand(depth) + self.pick(METHODS)
        if roll < 0.85:
            return "%s if %s else %s" % tuple(self.expression(depth - 1) for _ in range(3))
        if roll < 0.88:
            return "not " + self.expression(depth - 1)
        if roll < 0.91:
            return "-" + self.operand(depth)
        if roll < 0.94:
            return "[%s]" % ", ".join(self.expression(depth - 1) for _ in range(self.rng.randrange(3)))
        if roll < 0.96:
            return "{%s: %s}" % (self.operand(0), self.expression(depth - 1))
        return "m(%s)" % self.arguments(depth)

    def typed(self, kind, depth):
        """An expression that has this kind of value and mostly does not fail."""
        pick = self.pick
        if depth <= 0:
            return pick({"text": ["name", "text", "'a'", "'Abc d'", "''", "words", "umlaut", "'%s'"],
                         "number": ["n", "zero", "neg", "2", "-3", "pi", "2.5", "big", "10"],
                         "list": ["list", "names", "columns", "[1, 2]", "['b', 'a']", "mixed", "nested", "rows", "[]"],
                         "bool": ["yes", "no", "missing is defined", "n is odd", "nothing is none"]}[kind])

        def sub(other):
            text = self.typed(other, depth - 1)
            return text if text.isidentifier() else "(%s)" % text
        any_kind = pick(["text", "number", "list", "bool"])
        forms = {
            "text": ["%s ~ %s" % (sub("text"), sub(any_kind)), sub("text") + "|" + pick(FILTERS[:2] + ["title", "trim", "capitalize",
                     "replace('a', 'b')", "e", "truncate(6)", "center(9)", "indent", "string", "reverse", "urlencode"]),
                     sub("list") + "|join('%s')" % pick(["", ",", "-"]), sub(any_kind) + "|string", sub(any_kind) + "|tojson",
                     "%s[%s:%s:%s]" % (sub("text"), pick(["", "1", "-3"]), pick(["", "-1", "4", "9"]), pick(["", "2", "-1"])),
                     sub("text") + pick([".upper()", ".title()", ".strip('a')", ".replace('l', 'L', 1)", ".zfill(6)", ".swapcase()",
                                         ".ljust(8, '.')", ".rjust(3)", ".center(7, '*')", ".capitalize()", ".lstrip()"]),
                     "'%%s|%%5s|%%r' %% (%s, %s, %s)" % (sub(any_kind), sub("text"), sub(any_kind)),
                     "'{}-{:>6}'.format(%s, %s)" % (sub(any_kind), sub("text")),
                     "%s if %s else %s" % (sub("text"), sub("bool"), sub(any_kind)), "%s * 2" % sub("text")],
            "number": ["%s %s %s" % (sub("number"), pick(["+", "-", "*"]), sub("number")), sub("list") + "|length",
                       "%s %s %s" % (sub("number"), pick(["/", "//", "%"]), pick(["2", "-3", "7", "1.5"])),
                       sub("number") + pick(["|abs", "|int", "|float", "|round", "|round(1)", "|round(1, 'floor')"]),
                       sub("text") + pick(["|length", "|wordcount", "|int", "|float(1)", ".count('a')", ".find('l')", "|int(-1)"]),
                       "-" + sub("number")],
            "list": [sub("list") + pick(["[1:]", "[::-1]", "[:-1]", "|list", "|reverse|list", "|map('string')|list", "|select|list",
                                         "|reject('none')|list", "|batch(2)|list", "|slice(2)|list", "|map('string')|sort", ".copy()",
                                         "|map('string')|unique|list", "|select('string')|list", "|map('tojson')|list"]),
                     sub("text") + pick([".split('a')", ".split()", "|list", ".partition('l')|list", ".splitlines()", ".rsplit('o', 1)"]),
                     "%s + %s" % (sub("list"), sub("list")), "[%s, %s]" % (sub(any_kind), sub(any_kind)),
                     "dict|%s" % pick(["list", "dictsort", "items|list"]), "rows|map(attribute='%s')|list" % pick(["id", "city", "tags", "q"]),
                     "rows|%s('id')|list" % pick(["selectattr", "rejectattr"]), "rows|groupby('city')|map('first')|list"],
            "bool": ["%s == %s" % (sub(any_kind), sub(any_kind)), "%s is %s" % (sub(any_kind), pick(TESTS[:13] + ["callable"])),
                     "%s and %s" % (sub("bool"), sub("bool")), "not " + sub("bool"), "%s in %s" % (sub("text"), sub("list")),
                     "%s < %s" % (sub("number"), sub("number")), "%s in %s" % (sub("text"), sub("text")),
                     "%s or %s" % (sub("bool"), sub("bool")), "1 < %s <= 5" % sub("number")],
        }
        return pick(forms[kind])

    def arguments(self, depth):
        parts = [self.expression(depth - 1) for _ in range(self.rng.randrange(3))]
        if self.rng.random() < 0.3:
            parts.append("b=" + self.expression(depth - 1))
        return ", ".join(parts)

    def operand(self, depth):
        text = self.expression(depth - 1)
        return text if text.isidentifier() else "(%s)" % text

    def tag(self, text):
        return "{%%%s %s %s%%}" % (self.pick(["", "", "-"]), text, self.pick(["", "", "-"]))

    def text(self):
        return self.pick(["a", " ", "\n", "x y\n", "<b>", "", "  \n  ", "é", "{", "}", "#"])

    def target(self):
        return self.pick(SET_NAMES)

    def statement(self, depth, in_loop):
        roll = self.rng.random()
        if depth <= 0 or roll < 0.34:
            return "{{%s %s %s}}" % (self.pick(["", "-"]), self.expression(2), self.pick(["", "-"]))
        if roll < 0.46:
            return self.tag("set %s = %s" % (self.target(), self.expression(2)))
        if roll < 0.58:
            body = self.tag("if " + self.expression(2)) + self.body(depth - 1, in_loop)
            if self.rng.random() < 0.4:
                body += self.tag("elif " + self.expression(1)) + self.body(depth - 1, in_loop)
            if self.rng.random() < 0.5:
                body += self.tag("else") + self.body(depth - 1, in_loop)
            return body + self.tag("endif")
        if roll < 0.74:
            return self.loop(depth)
        if roll < 0.80:
            return self.tag("set %s" % self.target()) + self.body(depth - 1, False) + self.tag("endset")
        if roll < 0.86:
            return (self.tag("macro m(a, b=%s)" % self.expression(1)) + self.body(depth - 1, False) + self.tag("endmacro") +
                    self.pick(["", "{{ m(1) }}", "{{ m(x, b=2) }}", "{{ m() }}{{ m('q', 'r') }}"]))
        if roll < 0.89:
            if self.rng.random() < 0.8:
                return "{% macro w(a=1) %}<{{ caller() }}{{ a }}>{% endmacro %}" + self.tag("call w(%s)" % self.expression(1)) + \
                    self.body(depth - 1, False) + self.tag("endcall")
            return self.tag("call m(%s)" % self.arguments(1)) + self.body(depth - 1, False) + self.tag("endcall")
        if roll < 0.92:
            return self.tag("filter upper") + self.body(depth - 1, False) + self.tag("endfilter")
        if roll < 0.94:
            return self.tag("with %s = %s" % (self.target(), self.expression(1))) + self.body(depth - 1, in_loop) + self.tag("endwith")
        if roll < 0.96:
            return self.pick(["{# c #}", "{#- c -#}", "{% raw %}{{ x }}{% endraw %}", "{{ varargs }}", "{{ kwargs }}", "{{ caller }}"])
        if in_loop and roll < 0.98:
            return self.pick(["{{ loop.index }}", "{{ loop.last }}", "{{ loop.first }}", "{{ loop.length }}", "{{ loop.revindex }}",
                              "{% break %}", "{% continue %}", "{{ loop.nextitem }}", "{{ loop.previtem }}", "{{ loop.cycle(1, 2) }}",
                              "{{ loop.changed(x) }}"])
        return self.tag("do " + self.typed("list", 2))

    def loop(self, depth):
        target = self.pick(["i", "x", "a", "i", "b"])
        source = self.pick(["list", "rows", "names", "range(3)", "dict.items()", "nested", "'abc'", "[1, 2]", "missing", "dict",
                            self.typed("list", 2), self.typed("list", 1)])
        if source == "dict.items()":
            target = "a, b"
        condition = " if " + self.expression(1) if self.rng.random() < 0.2 else ""
        body = self.tag("for %s in %s%s" % (target, source, condition)) + self.body(depth - 1, True)
        if self.rng.random() < 0.2:
            body += self.tag("else") + self.body(depth - 1, False)
        return body + self.tag("endfor")

    def body(self, depth, in_loop):
        return "".join(self.text() + self.statement(depth, in_loop) for _ in range(self.rng.randrange(1, 3))) + self.text()

    def template(self):
        return "".join(self.text() + self.statement(3, False) for _ in range(self.rng.randrange(1, 5)))


def ours(process, template):
    process.stdin.write(json.dumps({"t": template, "c": make_jinja_vectors.CONTEXT}) + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise SystemExit("template_lines ended at: %r" % template)
    return json.loads(line)


def is_comparable(template, wanted, got):
    """What cannot be equal: memory addresses, Markup, numbers beyond 64 bits, complex numbers, jinja2's own sentinel."""
    text = wanted.get("output", "")
    if "markup(" in text.lower() or " at 0x" in text or "object at" in text or text.find("j)") >= 0 or "missing" in text.lower() and "missing" in template:
        return False
    if "not subscriptable" in got.get("e", ""):  # jinja2 folds a wrong slice of a constant to undefined
        return False
    return "64 bits" not in got.get("e", "") and "complex" not in got.get("e", "")


def main():
    warnings.simplefilter("ignore", SyntaxWarning)  # of jinja2's compiled templates
    program = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 10000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    maker = Maker(random.Random(seed))
    process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    compared = failed = different = 0
    for _ in range(count):
        template = maker.template()
        wanted = make_jinja_vectors.evaluate(template, make_jinja_vectors.CONTEXT)
        got = ours(process, template)
        if not is_comparable(template, wanted, got):
            continue
        compared += 1
        failed += "error" in wanted
        same = got.get("o") == wanted["output"] if "output" in wanted else "e" in got
        if not same:
            different += 1
            print("template %r\n  jinja2 %r\n  tarn   %r" % (template, wanted.get("output", wanted.get("error")), got))
    process.stdin.close()
    print("jinja_fuzz: %d templates compared (%d of them fail), %d different; jinja2 %s, seed %d"
          % (compared, failed, different, jinja2.__version__, seed))
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
