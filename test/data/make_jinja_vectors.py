#!/usr/bin/env python3
"""Writes jinja_vectors.json: templates with what jinja2 itself makes of them.

Needs jinja2 3.1 (pip install jinja2). The unit test model/template/template_test.c reads the file; nothing else does. Each
vector is {"template", "context", "output"} or {"template", "context", "error"}; "exact" says that the error's text must be
part of ours (undefined values and syntax: the rest of Python's wording is not promised)."""
import json
import os
import sys

import jinja2
import jinja2.sandbox

CONTEXT = {
    "name": "orders", "empty": "", "text": "Hello, World", "words": "the quick  brown fox", "umlaut": "Größe überall",
    "n": 7, "zero": 0, "neg": -3, "pi": 3.14159, "big": 1234567.891, "yes": True, "no": False, "nothing": None,
    "list": [3, 1, 2], "names": ["beta", "Alpha", "gamma", "alpha"], "nested": [[1, 2], [3, 4], [5]],
    "mixed": [1, "a", None, True, 2.5], "dict": {"b": 1, "a": 2, "C": 3},
    "rows": [{"id": 1, "city": "Bern", "tags": ["x"]}, {"id": 2, "city": "aarau", "tags": []},
             {"id": 3, "city": "Bern", "tags": ["y", "z"]}],
    "columns": ["id", "name", "created_at"], "config": {"materialized": "table", "tags": ["daily"], "meta": {"owner": "me"}},
    "html": "<b>a & b's</b>",
}

PLAIN = r"""
Hello
{{ name }}
{{name}}-{{ n }}
{{ missing }}
[{{ missing }}]
{{ missing is defined }}
{{ missing.attribute }}
{{ dict.missing }}
{{ dict.missing.deeper }}
{{ dict['b'] }} {{ dict.b }} {{ dict["missing"] }}
{{ list[0] }} {{ list[-1] }} {{ list[5] }} {{ list[5].x }}
{{ list.0 }} {{ rows.0.city }} {{ rows[1]['city'] }}
{{ nothing.x }}
{{ nothing }} {{ yes }} {{ no }} {{ n }} {{ pi }}
{{ true }} {{ false }} {{ none }} {{ True }} {{ False }} {{ None }}
{{ "double" }} {{ 'single' }} {{ "it's" }} {{ 'say "x"' }}
{{ "a" "b" 'c' }}
{{ "tab\there\nnew \x41 \u00e9 \\ \q \101" }}
{{ [] }} {{ [1] }} {{ [1, 'a', none] }} {{ [1, 2,] }}
{{ () }} {{ (1,) }} {{ (1, 2) }} {{ 1, 2 }}
{{ {} }} {{ {'a': 1, 2: 'b'} }} {{ {'a': {'b': [1]}}.a.b[0] }}
{{ {'a': 1,} }}
{{ 1_000 }} {{ 0x1f }} {{ 0b101 }} {{ 0o17 }} {{ 1.5e3 }} {{ 1e-7 }} {{ 1e16 }} {{ 123456789012345.6 }} {{ 1e22 }}
{{ 0.1 + 0.2 }} {{ 1.0 }} {{ 100.0 }} {{ 1e5 }} {{ 0.00001 }} {{ 2.5e-10 }}
{{ 1 + 2 * 3 }} {{ (1 + 2) * 3 }} {{ 7 / 2 }} {{ 6 / 2 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 7 % -3 }}
{{ 2 ** 10 }} {{ 2 ** -1 }} {{ 2 ** 0.5 }} {{ -2 ** 2 }} {{ 2 ** 3 ** 2 }}
{{ 7.5 // 2 }} {{ -7.5 // 2 }} {{ 7.5 % 2 }} {{ -7.5 % 2 }} {{ 1.5 + 1 }} {{ 3 - 1.0 }}
{{ 1 / 0 }}
{{ 1 // 0 }}
{{ 1 % 0 }}
{{ 1.0 / 0 }}
{{ "a" + "b" }} {{ "a" * 3 }} {{ 3 * "ab" }} {{ [1] + [2] }} {{ [0] * 3 }} {{ (1,) + (2,) }}
{{ "a" + 1 }}
{{ 1 + "a" }}
{{ [1] + (2,) }}
{{ missing + 1 }}
{{ 1 + missing }}
{{ missing ~ "x" }}
{{ n ~ "-" ~ name ~ none ~ 1.5 ~ [1] }}
{{ 1 ~ 2 + 3 }}
{{ -n }} {{ +n }} {{ --n }} {{ -pi }} {{ not n }} {{ not not n }}
{{ -"a" }}
{{ 1 < 2 }} {{ 1 <= 1 }} {{ 2 > 3 }} {{ 2 >= 3 }} {{ 1 == 1.0 }} {{ 1 != 2 }} {{ true == 1 }} {{ "a" < "b" }} {{ [1,2] < [1,3] }}
{{ 1 < 2 < 3 }} {{ 3 > 2 > 2 }} {{ 1 < 3 > 2 }} {{ 1 == 1 == 1 }}
{{ 1 < "a" }}
{{ none < 1 }}
{{ missing < 1 }}
{{ missing == missing }} {{ missing == none }} {{ missing != 1 }}
{{ 1 in [1, 2] }} {{ 3 not in [1, 2] }} {{ "a" in "abc" }} {{ "x" in dict }} {{ "a" in dict }} {{ 1 in (1,) }} {{ 2 in range(5) }}
{{ 1 in "abc" }}
{{ 1 in 5 }}
{{ 1 in missing }}
{{ "a" is in ["a", "b"] }} {{ 1 is not in [1] }} {{ n is in list }}
{{ 1 and 2 }} {{ 0 and 2 }} {{ 0 or "x" }} {{ "" or none }} {{ 1 and 0 or 3 }} {{ not 1 or 2 }} {{ none or missing or 'd' }}
{{ "y" if yes else "n" }} {{ "y" if no else "n" }} {{ "y" if no }} {{ 1 if no else 2 if no else 3 }} {{ ("y" if no) is defined }}
{{ ("y" if no).x }}
{{ ("y" if no) + 1 }}
{{ text[0] }} {{ text[-1] }} {{ text[1:4] }} {{ text[::-1] }} {{ text[::2] }} {{ text[-5:] }} {{ text[:-7] }} {{ text[5:1] }} {{ text[100:] }}
{{ umlaut[2] }} {{ umlaut[2:5] }} {{ umlaut|length }} {{ umlaut[::-1] }} {{ umlaut|upper }} {{ umlaut.title() }}
{{ list[1:] }} {{ list[:1] }} {{ list[::-1] }} {{ list[-2:] }} {{ list[:] }} {{ list[10:] }} {{ (1,2,3)[1:] }} {{ range(10)[2:8:3] }}
{{ list[::0] }}
{{ list['a':] }}
{{ n[1:] }}
{{ dict[1:] }}
{{ missing[1:] }}
{{ text['upper']() }} {{ dict['items']() }}
{{ dict[[1]] }}
{{ {[1]: 2} }}
{{ range(3) }} {{ range(1, 4) }} {{ range(5, 0, -2)|list }} {{ range(0) | list }} {{ range(10, 0, -3)|list }} {{ range(3)|length }}
{{ range(1, 10, 0) }}
{{ range('a') }}
{{ range() }}
{{ range(100001) }}
{{ range(100000)|length }}
{{ dict() }} {{ dict(a=1, b=2) }} {{ dict({'x': 1}, y=2) }} {{ dict([('a', 1), ['b', 2]]) }}
{{ dict([1]) }}
{{ namespace() }} {{ namespace(a=1) }} {{ namespace({'x': 1}).x }}
{{ cycler('a', 'b').next() }}
{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{% do c.reset() %}{{ c.next() }}
{% set j = joiner('; ') %}{% for x in list %}{{ j() }}{{ x }}{% endfor %}
{{ 5() }}
{{ name() }}
{{ missing() }}
{{ dict.missing() }}
{{ nothing() }}
{# a comment #}x{# another
over lines #}y
{#- trimmed -#}  z
a {#- b -#} c
a {{- name -}} b
a  {%- if yes -%}  b  {%- endif -%}  c
a  {%+ if yes +%}  b  {%+ endif +%}  c
{% raw %}{{ name }} {% if %}{# x #}{% endraw %}
a {%- raw -%} {{ x }} {%- endraw -%} b
{% raw %}a{% endraw %}{% raw %}{% endraw %}b
{{ '{{' }} {{ '}}' }} {{ "{%" }} {{ {'a': {'b': 1}} }}
{{ {'a':{}}}}
{{- 1 }} {{+ 1 }}
{{ 1 -}}   x
a{{ ' ' }}b
{%if yes%}x{%endif%}
{%	if	yes	%}tab{%	endif	%}
{% if yes: %}colon{% endif %}
{% if yes %}a{% endif %}
{% if no %}a{% else %}b{% endif %}
{% if no %}a{% elif n == 7 %}b{% else %}c{% endif %}
{% if no %}a{% elif no %}b{% elif no %}c{% else %}d{% endif %}
{% if missing %}a{% else %}b{% endif %}
{% if list and dict and not empty %}yes{% endif %}
{% if 1, 2 %}tuple{% endif %}
{% for x in list %}{{ x }}{% endfor %}
{% for x in list %}{{ x }}{% else %}none{% endfor %}
{% for x in [] %}{{ x }}{% else %}none{% endfor %}
{% for x in missing %}{{ x }}{% else %}none{% endfor %}
{% for x in nothing %}{{ x }}{% endfor %}
{% for x in 5 %}{{ x }}{% endfor %}
{% for x in "abc" %}{{ x }}.{% endfor %}
{% for x in dict %}{{ x }}{% endfor %}
{% for k, v in dict.items() %}{{ k }}={{ v }};{% endfor %}
{% for k, v in dict|items %}{{ k }}={{ v }};{% endfor %}
{% for a, (b, c) in [(1, (2, 3)), [4, [5, 6]]] %}{{ a }}{{ b }}{{ c }} {% endfor %}
{% for (a, b) in [(1, 2)] %}{{ a }}{{ b }}{% endfor %}
{% for a, b in [(1, 2, 3)] %}{% endfor %}
{% for a, b in [(1,)] %}{% endfor %}
{% for a, b in [1] %}{% endfor %}
{% for x in list if x > 1 %}{{ loop.index }}{{ x }}{% endfor %}
{% for x in list if x > 10 %}{{ x }}{% else %}none{% endfor %}
{% for x in list if x > 1 %}{{ loop.length }}{{ loop.last }}{{ loop.revindex }} {% endfor %}
{% for x in list %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.depth }}{{ loop.depth0 }} {% endfor %}
{% for x in list %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }} {% endfor %}
{% for x in list %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }} {% endfor %}
{% for x in list %}{{ loop.cycle('odd', 'even') }} {% endfor %}
{% for x in [1,1,2,2,1] %}{{ loop.changed(x) }} {% endfor %}
{% for x in list %}{{ loop.missing }}{% endfor %}
{% for x in list %}{{ loop }}{% endfor %}
{% for x in list %}{{ loop(1) }}{% endfor %}
{% for x in list|map('string') %}{{ loop.length }}{{ x }}{% endfor %}
{% for x in list|reverse %}{{ x }}{{ loop.last }}{% endfor %}
{% for x in list %}{% for y in 'ab' %}{{ loop.index }}{{ y }}{% endfor %}{{ loop.index }} {% endfor %}
{% for x in list %}{% set outer = loop %}{% for y in 'ab' %}{{ outer.index }}.{{ loop.index }} {% endfor %}{% endfor %}
{% for x in range(10) %}{% if x == 3 %}{% continue %}{% endif %}{% if x == 6 %}{% break %}{% endif %}{{ x }}{% endfor %}
{% for x in list %}{% break %}{% else %}else{% endfor %}
{% for x in list %}{{ x }}{% if loop.first %}{% continue %}{% endif %}.{% else %}else{% endfor %}
{% for x in [1] %}{% continue %}{% else %}else{% endfor %}
{% for x in nested recursive %}{% if x is iterable %}[{{ loop(x) }}]{% else %}{{ x }}@{{ loop.depth }} {% endif %}{% endfor %}
{% for x in nested recursive %}{{ loop.index }}{% if x is sequence %}({{ loop(x) }}){% endif %}{% else %}e{% endfor %}
{% for loop in list %}{% endfor %}
{% for x in list %}{% set loop = 1 %}{% endfor %}
{% for x in list %}{% endfor %}{{ x }}
{% set x = 0 %}{% for x in list %}{{ x }}{% endfor %}{{ x }}
{% set x = 0 %}{% for i in list %}{% set x = i %}{{ x }}{% endfor %}{{ x }}
{% set x = 0 %}{% for i in list %}{{ x }}{% set x = x + i %}{{ x }} {% endfor %}{{ x }}
{% for i in list %}{{ x }}{% set x = i %}{% endfor %}
{% for i in list %}{% if i > 1 %}{% set x = i %}{% endif %}{{ x }}{% endfor %}
{% set x = 'o' %}{% for i in list %}{% if i > 1 %}{% set x = i %}{% endif %}{{ x }}{% endfor %}{{ x }}
{% set items = [] %}{% for i in list %}{% do items.append(i) %}{% endfor %}{{ items }}
{% set items = [] %}{% for i in list %}{% set items = items + [i] %}{% endfor %}{{ items }}
{% set x = [] %}{% for i in list %}{% set x = x.append(i) %}{% endfor %}{{ x }}
{% set ns = namespace(total=0) %}{% for i in list %}{% set ns.total = ns.total + i %}{% endfor %}{{ ns.total }}
{% set ns = namespace() %}{% set ns.a = 1 %}{% set ns.b, ns.c = 2, 3 %}{{ ns.a }}{{ ns.b }}{{ ns.c }}{{ ns.d }}
{% set d = {} %}{% set d.x = 1 %}
{% set missing.x = 1 %}
{% set a, b = 1, 2 %}{{ a }}{{ b }}
{% set a, b = [3, 4] %}{{ a }}{{ b }}
{% set (a, b), c = (1, 2), 3 %}{{ a }}{{ b }}{{ c }}
{% set a, b = 1 %}
{% set a, b = 'xyz' %}
{% set a = 1, 2 %}{{ a }}
{% set a = b = 1 %}
{% set name = 'x' %}{{ name }}
{% if no %}{% set name = 'x' %}{% endif %}{{ name }}
{% if yes %}{% set name = 'x' %}{% endif %}{{ name }}
{% if no %}{% set fresh = 'x' %}{% endif %}[{{ fresh }}]
{{ name }}{% set name = 'later' %}{{ name }}
{% set x %}block {{ n }}{% endset %}[{{ x }}]
{% set x | upper %}block {{ name }}{% endset %}{{ x }}
{% set x | trim | upper %}  block  {% endset %}[{{ x }}]
{% set x %}{% set inner = 1 %}{{ inner }}{% endset %}{{ x }}{{ inner }}
{% set x %}{% for i in list %}{{ i }}{% endfor %}{% endset %}{{ x }}{{ x|length }}
{% set y = 1 %}{% set x %}{% set y = 2 %}{{ y }}{% endset %}{{ x }}{{ y }}
{% with %}{% set z = 1 %}{{ z }}{% endwith %}{{ z }}
{% with a = 1, b = n %}{{ a }}{{ b }}{% endwith %}{{ a }}
{% with a = 1 %}{% with a = 2, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}{% endwith %}
{% filter upper %}abc {{ name }}{% endfilter %}
{% filter replace('a', 'b') | upper %}abc{% endfilter %}
{% filter indent(2) %}a
b{% endfilter %}
{% do list.append(9) %}{{ list }}
{% do dict.update({'z': 1}) %}{{ dict }}
{% print 1 %}{% print 'a', n %}
{% macro m() %}x{% endmacro %}{{ m() }}{{ m }}
{% macro m(a, b) %}{{ a }}-{{ b }}{% endmacro %}{{ m(1, 2) }} {{ m(b=1, a=2) }} {{ m(1) }} {{ m(1, b=3) }}
{% macro m(a, b=a) %}{{ a }}-{{ b }}{% endmacro %}{{ m(1) }} {{ m(1, 2) }}
{% macro m(a=1, b=[]) %}{% do b.append(a) %}{{ b }}{% endmacro %}{{ m() }}{{ m() }}
{% macro m(a) %}{{ a is defined }}{% endmacro %}{{ m() }}{{ m(1) }}{{ m(none) }}
{% macro m(a) %}{{ a.b }}{% endmacro %}{{ m() }}
{% macro m(a) %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, x=4) }}{{ m() }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(b=2) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, a=2) }}
{% macro m(a, kwargs) %}{{ a }}{{ kwargs }}{% endmacro %}{{ m(1, 2) }}
{% macro m(*args) %}{% endmacro %}
{% macro m(a=1, b) %}{% endmacro %}
{% macro m(a, b, c) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(*[1, 2], c=3) }}{{ m(*list) }}{{ m(**{'a': 1, 'b': 2, 'c': 3}) }}{{ m(1, *[2], **{'c': 3}) }}
{% macro m(a) %}{% endmacro %}{{ m(*5) }}
{% macro m(a) %}{% endmacro %}{{ m(**[1]) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(a=1, **{'a': 2}) }}
{% macro m() %}{{ x }}{% endmacro %}{% set x = 1 %}{{ m() }}{% set x = 2 %}{{ m() }}
{% set x = 1 %}{% macro m() %}{{ x }}{% set x = 2 %}{{ x }}{% endmacro %}{{ m() }}{{ x }}
{% macro m() %}{{ i }}{% endmacro %}{% for i in list %}{{ m() }}{% endfor %}
{% for i in list %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endfor %}
{% macro a() %}a{{ b() }}{% endmacro %}{% macro b() %}b{% endmacro %}{{ a() }}
{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}
{% macro outer() %}{% macro inner(x) %}<{{ x }}>{% endmacro %}{{ inner(1) }}{{ inner(name) }}{% endmacro %}{{ outer() }}{{ inner }}
{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}body {{ name }}{% endcall %}
{% macro m() %}{{ caller(1, b=2) }}{% endmacro %}{% call(a, b=5) m() %}{{ a }}{{ b }}{% endcall %}
{% macro m() %}{{ caller }}{% endmacro %}{{ m() }}
{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}
{% macro m() %}{{ caller is defined }}{% endmacro %}{{ m() }}{% call m() %}{% endcall %}
{% macro m(x) %}[{{ x }}{{ caller(x * 2) }}]{% endmacro %}{% for i in list %}{% call(y) m(i) %}{{ y }}{{ i }}{% endcall %}{% endfor %}
{% macro m() %}no{% endmacro %}{% call m() %}x{% endcall %}
{% macro m(caller=none) %}{{ caller() if caller else 'none' }}{% endmacro %}{{ m() }}{% call m() %}c{% endcall %}
{% macro m(caller) %}{{ caller() }}{% endmacro %}
{% call 5 %}{% endcall %}
{% macro m(a, b=2) %}{% endmacro %}{{ m.name }} {{ m.arguments }} {{ m.catch_kwargs }} {{ m.catch_varargs }} {{ m.caller }}
{% set f = m %}{% macro m(x) %}{{ x }}{% endmacro %}{{ f }}{% set g = m %}{{ g(1) }}
{% macro m(x) %}{{ x }}{% endmacro %}{% set fs = {'k': m} %}{{ fs.k(1) }}{{ fs['k'](2) }}
{% macro m() %}  spaced  {% endmacro %}[{{ m() }}][{{ m()|trim }}]
{% macro m() %}{% set local = 1 %}{% endmacro %}{{ m() }}{{ local }}
{% set x = 1 %}{% macro m(x) %}{{ x }}{% endmacro %}{{ m(2) }}{{ x }}{{ m() }}
{% macro m(a, b='x' ~ name) %}{{ a }}{{ b }}{% endmacro %}{{ m('q') }}
{% macro m(list) %}{% for x in list %}{{ x }}{% if not loop.last %}, {% endif %}{% endfor %}{% endmacro %}{{ m([1, 2, 3]) }}
{{ (list | sort)[0] }} {{ list | sort | first }} {{ (list|max) - (list|min) }}
{{ -1 | abs }} {{ (-1) | abs }} {{ 1 - 2 | abs }} {{ not 'x' | upper }}
{{ 2 | string ~ 'x' }} {{ 1 + 2 | string | int }}
{{ "a" ~ "b" | upper }} {{ ("a" ~ "b") | upper }}
{{ foo is not defined and bar is undefined }}
{{ 1 is odd and 2 is even }} {{ 3 is divisibleby 3 }} {{ 3 is divisibleby(2) }} {{ n is eq 7 }} {{ n is gt 6 }} {{ n is sameas n }}
{{ 'x' is upper or 'x' is lower }} {{ not 1 is odd }} {{ 1 is not odd }}
{{ n is string is boolean }}
{{ n is nosuchtest }}
{% if no %}{{ n is nosuchtest }}{% endif %}ok
{{ n | nosuchfilter }}
{% if no %}{{ n | nosuchfilter }}{% endif %}ok
{% if yes %}{{ n | nosuchfilter }}{% endif %}
{{ n | nosuchfilter if no else 'ok' }}
{{ (1, 2) == (1, 2) }} {{ [1] == (1,) }} {{ {'a': 1} == {'a': 1.0} }} {{ none == false }} {{ '1' == 1 }}
{{ 'abc' is string }} {{ {} is mapping }} {{ [] is sequence }} {{ 'a' is iterable }} {{ 1 is iterable }} {{ range is callable }}
{{ 'upper' is filter }} {{ 'nope' is filter }} {{ 'odd' is test }} {{ 'nope' is test }}
{{ dict.keys() }} {{ dict.values() }} {{ dict.items() }} {{ dict.keys()|list }} {{ dict.items()|length }} {{ 'a' in dict.keys() }}
{{ dict.get('a') }} {{ dict.get('z') }} {{ dict.get('z', 5) }} {{ dict.get() }}
{{ dict.pop('a') }}{{ dict }}
{{ dict.pop('zz') }}
{{ dict.pop('zz', 1) }} {{ dict.setdefault('q', []) }} {{ dict }} {{ dict.copy() }} {{ dict.popitem() }}
{{ dict.update(x=1) }}{{ dict }}{% do dict.clear() %}{{ dict }}
{% set d = {'b': 1} %}{% do d.update([('c', 2)]) %}{% do d.update({'a': 0}, e=4) %}{{ d }}
{% for k in dict %}{% do dict.update({k ~ 'x': 1}) %}{% endfor %}
{% set l = [1] %}{% for x in l %}{% if l|length < 4 %}{% do l.append(x + 1) %}{% endif %}{{ x }}{% endfor %}
{{ list.append(4) }}{{ list }}{{ list.extend([5, 6]) }}{{ list }}{{ list.insert(0, 'z') }}{{ list }}{{ list.pop() }}{{ list.pop(0) }}{{ list }}
{{ list.remove(1) }}{{ list }}{{ list.index(2) }}{{ list.count(3) }}{{ list.sort() }}{{ list }}{{ list.reverse() }}{{ list }}{{ list.copy() }}
{{ list.index(99) }}
{{ list.remove(99) }}
{{ [].pop() }}
{{ list.sort(reverse=true) }}{{ list }}{% do list.clear() %}{{ list }}
{{ ['a', 1]|sort }}
{{ (1, 2, 2).count(2) }} {{ (1, 2).index(2) }}
{{ 'a{}b'.format(1) }} {{ '{} {}'.format(1, 'x') }} {{ '{1}{0}'.format('a', 'b') }} {{ '{x}'.format(x=1) }} {{ '{0.a}{0[b]}'.format({'a': 1, 'b': 2}) }}
{{ '{:5}|{:<5}|{:>5}|{:^5}|{:*^7}'.format('a', 'b', 'c', 'd', 'e') }}
{{ '{}|{:>6}|{:^5}|{:+}|{:05}|{:x}|{:.2f}'.format(yes, yes, no, yes, yes, yes, no) }}
{{ '{:>6s}'.format(yes) }}
{{ '{:.1}'.format(yes) }}
{{ '{:5}|{:<5}|{:05}|{:+}|{: }|{:,}|{:_}'.format(1, 2, 3, 4, 5, 1234567, 1234567) }}
{{ '{:x}|{:X}|{:#x}|{:b}|{:o}|{:c}|{:e}|{:%}|{:.1%}'.format(255, 255, 255, 5, 8, 65, 12345.678, 0.25, 0.333) }}
{{ '{:.2f}|{:8.3f}|{:g}|{:.3}|{:10.2}|{}'.format(3.14159, 2.5, 0.0001, 3.14159, 2.0, 1e100) }}
{{ '{!r} {!s} {!r:>6}'.format('a', 'b', 'c') }} {{ '{{}}'.format() }} {{ '{:{}}'.format('a', 5) }} {{ '{:{w}.{p}f}'.format(3.14159, w=8, p=2) }}
{{ '{:,.2f}'.format(big) }} {{ '{:>10,.1f}'.format(big) }} {{ '{:010.2f}'.format(-pi) }} {{ '{:.0f}'.format(2.5) }} {{ '{:.3s}'.format('abcdef') }}
{{ '{}'.format() }}
{{ '{x}'.format() }}
{{ '{'.format() }}
{{ '}'.format() }}
{{ '{:d}'.format('a') }}
{{ '{:s}'.format(1) }}
{{ '{:.2f}'.format('a') }}
{{ '%s' % 'a' }} {{ '%s %s' % (1, 'b') }} {{ '%d' % 3.7 }} {{ '%5d|%-5d|%05d' % (1, 2, 3) }} {{ '%.2f' % pi }} {{ '%x %X %o' % (255, 255, 8) }} {{ '%e' % 12345.678 }}
{{ '%(a)s %(b)d' % {'a': 'x', 'b': 3} }} {{ '%%' % () }} {{ '%s' % [1] }} {{ '%r' % 'a' }} {{ '%s' % none }} {{ '%5s|%-5s|%.2s' % ('a', 'b', 'cde') }} {{ '%+d % d' % (1, 2) }} {{ '%c' % 65 }} {{ '%g %g' % (1e10, 0.5) }}
{{ '%s %s' % 'a' }}
{{ '%s' % (1, 2) }}
{{ '%d' % 'a' }}
{{ 'abc' % 1 }}
{{ '%q' % 1 }}
{{ "%s-%s"|format(1, 'a') }} {{ "%(x)s"|format(x=1) }} {{ "%05.1f"|format(pi) }}
{{ 'a,b,c'.split(',') }} {{ 'a b  c'.split() }} {{ 'a,b,c'.split(',', 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ ' a b '.split(' ') }} {{ ''.split(',') }} {{ ''.split() }} {{ 'a  b c'.split(none, 1) }} {{ 'a  b c '.rsplit(none, 1) }}
{{ 'a'.split('') }}
{{ 'a\nb\r\nc\n'.splitlines() }} {{ 'a\nb'.splitlines(true) }}
{{ ','.join(['a', 'b']) }} {{ ','.join('abc') }} {{ ''.join([]) }}
{{ ','.join([1]) }}
{{ 'abc'.startswith('a') }} {{ 'abc'.endswith(('x', 'c')) }} {{ 'abc'.startswith('b', 1) }} {{ 'abc'.find('c') }} {{ 'abc'.find('x') }} {{ 'abcabc'.rfind('b') }} {{ 'abcabc'.count('b') }} {{ 'abc'.index('b') }}
{{ 'abc'.index('x') }}
{{ 'aXbX'.replace('X', '-') }} {{ 'aXbX'.replace('X', '-', 1) }} {{ 'abc'.replace('', '-') }}
{{ '  a '.strip() }}|{{ '  a '.lstrip() }}|{{ '  a '.rstrip() }}|{{ 'xxaxx'.strip('x') }}|{{ 'abcba'.strip('ab') }}
{{ 'hello world'.title() }} {{ "they're bill's".title() }} {{ 'HELLO'.capitalize() }} {{ 'aBc'.swapcase() }} {{ 'ABC'.lower() }} {{ 'abc'.upper() }} {{ 'straße'.upper() }}
{{ '5'.zfill(3) }} {{ '-5'.zfill(4) }} {{ 'a'.ljust(3, '.') }}|{{ 'a'.rjust(3) }}|{{ 'a'.center(4, '*') }}|{{ 'ab'.center(5) }}|
{{ 'a=b=c'.partition('=') }} {{ 'a=b=c'.rpartition('=') }} {{ 'abc'.partition('x') }} {{ 'abc'.rpartition('x') }}
{{ '123'.isdigit() }} {{ '12a'.isdigit() }} {{ 'abc'.isalpha() }} {{ 'ab1'.isalnum() }} {{ ' '.isspace() }} {{ ''.isdigit() }} {{ 'AB'.isupper() }} {{ 'ab'.islower() }} {{ 'Ab Cd'.istitle() }} {{ 'a_1'.isidentifier() }}
{{ 'prefix_x'.removeprefix('prefix_') }} {{ 'x_suffix'.removesuffix('_suffix') }} {{ 'a\tb'.expandtabs(4) }}
{{ name.upper }}
{{ name.nosuch }}
{{ name.nosuch() }}
{{ n.nosuch }}
{{ list.nosuch() }}
{{ rows|map(attribute='city')|join(', ') }} {{ rows|map(attribute='tags.0')|list }} {{ rows|map(attribute='none', default='-')|list }} {{ names|map('upper')|list }} {{ list|map('string')|join }}
{{ list|map('nosuch')|list }}
{{ list|map()|list }}
{{ rows|selectattr('id', 'gt', 1)|map(attribute='id')|list }} {{ rows|rejectattr('tags')|map(attribute='id')|list }} {{ rows|selectattr('city', 'equalto', 'Bern')|list|length }} {{ rows|selectattr('missing')|list }} {{ rows|selectattr('missing', 'undefined')|list|length }}
{{ list|select('odd')|list }} {{ list|reject('odd')|list }} {{ mixed|select|list }} {{ mixed|reject('none')|list }} {{ list|select('gt', 1)|list }} {{ list|select('in', [1, 2])|list }}
{{ list|select('nosuch')|list }}
{{ names|unique|list }} {{ names|unique(true)|list }} {{ [1, 1.0, true, 2]|unique|list }} {{ rows|unique(attribute='city')|map(attribute='id')|list }}
{{ nested|unique|list }}
{{ list|sort }} {{ list|sort(true) }} {{ names|sort }} {{ names|sort(case_sensitive=true) }} {{ rows|sort(attribute='city')|map(attribute='id')|list }} {{ rows|sort(attribute='city,id', reverse=true)|map(attribute='id')|list }}
{{ mixed|sort }}
{{ dict|dictsort }} {{ dict|dictsort(true) }} {{ dict|dictsort(by='value') }} {{ dict|dictsort(false, 'value', true) }} {{ dict|dictsort(reverse=true) }}
{{ dict|dictsort(by='x') }}
{% for city, items in rows|groupby('city') %}{{ city }}:{{ items|map(attribute='id')|join(',') }} {% endfor %}
{% for g in rows|groupby('city', case_sensitive=true) %}{{ g.grouper }}{{ g.list|length }}{{ g }}{% endfor %}
{{ rows|groupby('missing', default='x')|length }}
{{ list|first }} {{ list|last }} {{ []|first }} {{ []|last }} {{ 'abc'|first }} {{ dict|first }} {{ dict|last }} {{ names|map('lower')|first }}
{{ names|map('lower')|last }}
{{ []|first is defined }} {{ ([]|first).x }}
{{ list|length }} {{ dict|length }} {{ text|length }} {{ text|count }} {{ missing|length }}
{{ 5|length }}
{{ list|map('string')|length }}
{{ list|sum }} {{ []|sum }} {{ list|sum(start=10) }} {{ rows|sum(attribute='id') }} {{ [1.5, 2]|sum }} {{ nested|sum(start=[]) }}
{{ names|sum }}
{{ list|min }} {{ list|max }} {{ names|min }} {{ names|max }} {{ []|min }} {{ rows|max(attribute='id') }} {{ names|max(case_sensitive=true) }}
{{ list|join('-') }} {{ list|join }} {{ rows|join(',', attribute='id') }} {{ mixed|join(' ') }} {{ 'abc'|join('.') }}
{{ 5|join }}
{{ list|list }} {{ 'abc'|list }} {{ dict|list }} {{ missing|list }}
{{ 5|list }}
{{ list|reverse|list }} {{ 'abc'|reverse }} {{ range(3)|reverse|list }} {{ dict|reverse|list }}
{{ 5|reverse }}
{{ [1,2,3,4,5]|batch(2)|list }} {{ [1,2,3]|batch(2, 'x')|list }} {{ [1,2,3,4,5]|slice(2)|list }} {{ [1,2,3,4,5]|slice(3, 'x')|list }} {{ []|batch(2)|list }}
{{ missing|default('d') }} {{ empty|default('d') }}| {{ empty|default('d', true) }} {{ nothing|default('d') }} {{ nothing|default('d', boolean=true) }} {{ missing|d(1) }} {{ missing|default }} {{ missing.x|default('d') }}
{{ dict.missing|default('d') }} {{ zero|default(5, true) }} {{ missing|default(none) }}
{{ '3'|int }} {{ '3.7'|int }} {{ 'x'|int }} {{ 'x'|int(-1) }} {{ '0x1f'|int(base=16) }} {{ '11'|int(0, 2) }} {{ 3.9|int }} {{ -3.9|int }} {{ none|int }} {{ true|int }} {{ ' 5 '|int }} {{ '1_000'|int }} {{ ''|int(default=4) }} {{ '1e3'|int }} {{ [1]|int }}
{{ missing|int }}
{{ '3.5'|float }} {{ 'x'|float }} {{ 'x'|float(1.5) }} {{ 3|float }} {{ '1e3'|float }} {{ 'inf'|float }} {{ none|float }} {{ ' 2 '|float }} {{ 'nan'|float }}
{{ missing|float }}
{{ 42.55|round }} {{ 42.55|round(1) }} {{ 42.55|round(1, 'floor') }} {{ 42.51|round(1, 'ceil') }} {{ 42|round }} {{ 2.5|round }} {{ 3.5|round }} {{ 1234.5|round(-2) }} {{ 1250|round(-2) }} {{ -2.5|round }} {{ 2.675|round(2) }} {{ 42.1|round(0, 'ceil')|int }} {{ 7|round(2, 'floor') }}
{{ 1|round(method='x') }}
{{ 'a'|round }}
{{ -5|abs }} {{ (-5)|abs }} {{ (-5.5)|abs }} {{ true|abs }}
{{ 'a'|abs }}
{{ text|upper }} {{ text|lower }} {{ 5|upper }} {{ 'hello wORLD'|capitalize }} {{ 'hello-world foo(bar) baz'|title }} {{ none|upper }}
{{ '  x '|trim }}| {{ 'xxaxx'|trim('x') }} {{ 5|trim }}
{{ text|replace('l', 'L') }} {{ text|replace('l', 'L', 1) }} {{ 515|replace(5, 6) }} {{ 'aaa'|replace('a', '') }}
{{ text|replace('l') }}
{{ 'a\nb\n\nc'|indent }} {{ 'a\nb'|indent(2, true) }} {{ 'a\n\nb'|indent(2, blank=true) }} {{ 'a\nb'|indent('> ') }} {{ ''|indent }} {{ 'a\n'|indent(first=true) }}|
{{ 'a'|center(5) }}| {{ 'ab'|center(7) }}|
{{ text|string }} {{ 5|string }} {{ none|string }} {{ [1]|string }}
{{ html|e }} {{ html|escape }} {{ html|forceescape }} {{ '"'|e }} {{ 5|e }}
{{ html|striptags }} {{ '<!-- c -->a  b<br/>'|striptags }}
{{ dict|tojson }} {{ html|tojson }} {{ mixed|tojson }} {{ rows[0]|tojson(indent=2) }} {{ umlaut|tojson }} {{ '😀"\\\n'|tojson }} {{ 1.0|tojson }} {{ [[], {}]|tojson(2) }}
{{ missing|tojson }}
{{ range(2)|tojson }}
{{ 'hello world foo bar'|truncate(9) }} {{ 'hello world'|truncate(9, true) }} {{ 'hello world'|truncate(11) }} {{ 'hello world foo'|truncate(11, false, '..', 0) }} {{ 'hello'|truncate(3, leeway=0) }}
{{ 'hello'|truncate(2, leeway=0) }}
{{ words|wordcount }} {{ ''|wordcount }}
{{ 'a b/c&d'|urlencode }} {{ {'a b': 1, 'c': 'x y'}|urlencode }} {{ [('a', 'ü')]|urlencode }}
{{ 1|filesizeformat }} {{ 999|filesizeformat }} {{ 1000|filesizeformat }} {{ 1500000|filesizeformat }} {{ 1024|filesizeformat(true) }} {{ 1048576|filesizeformat(binary=true) }}
{{ dict|items|list }} {{ missing|items|list }}
{{ 5|items|list }}
{{ dict|attr('items') is callable }} {{ dict|attr('b') }} {{ text|attr('upper')() }}
{{ mixed|pprint }}
{{ [text]|random }} {{ 'a'|random }} {{ []|random }}
{{ (list|sort) }}{{ list }}
{% if list is iterable and list is not string %}x{% endif %}
{{ list is sequence }} {{ dict is sequence }} {{ range(3) is sequence }} {{ (list|map('string')) is sequence }} {{ (list|map('string')) is iterable }} {{ none is none }} {{ missing is none }}
{{ 1 is number }} {{ 1.0 is number }} {{ true is number }} {{ true is integer }} {{ true is boolean }} {{ 1 is boolean }} {{ 1.0 is float }} {{ '1' is number }} {{ 1 is true }} {{ true is true }} {{ 0 is false }}
{{ 'a' is odd }}
{{ none is even }}
{{ 5 is divisibleby 0 }}
{{ 'A' is upper }} {{ 'aB' is lower }} {{ '' is lower }} {{ 5 is lower }}
{{ 1 is eq(1) }} {{ 1 is ne 2 }} {{ 1 is lt 2 }} {{ 2 is le 2 }} {{ 3 is ge 4 }} {{ 1 is equalto 1 }} {{ 2 is greaterthan 1 }} {{ 1 is lessthan 2 }}
{{ 1 is lt 'a' }}
{{ list is sameas list }} {{ [] is sameas [] }} {{ true is sameas true }}
{{ loop }}
{{ [1, 2, 3][1] }} {{ 'abc'[1] }} {{ {'a': 1}['a'] }} {{ (1, 2)[0] }} {{ "x".upper() }} {{ [3,1]|sort }}
{{ 1.5.is_integer() }} {{ 2.0.is_integer() }}
{{ [x for x in list] }}
{{ lambda x: x }}
{{ list | map('upper' }}
{{ (1 }}
{{ 1) }}
{{ [1 }}
{{ {'a' 1} }}
{{ 'a }}
{{ a b }}
{{ }}
{{ 1 + }}
{{ | upper }}
{{ a. }}
{{ a.1.2 }}
{{ a[] }}
{{ ! }}
{{ $ }}
{{ name
{% if %}x{% endif %}
{% if yes %}
{% endif %}
{% if yes %}{% endfor %}
{% for x in list %}
{% for in list %}{% endfor %}
{% for x list %}{% endfor %}
{% for 1 in list %}{% endfor %}
{% set %}
{% set 1 = 2 %}
{% set x %}
{% set x = %}
{% set 'a' = 1 %}
{% set none = 1 %}
{% nosuchtag %}
{% else %}
{% endif %}
{% %}
{% if yes %}{% else %}{% else %}{% endif %}
{% macro %}{% endmacro %}
{% macro m %}{% endmacro %}
{% macro m( %}{% endmacro %}
{% macro m(1) %}{% endmacro %}
{% macro m() %}
{% call %}{% endcall %}
{% filter nosuch %}{% endfilter %}
{% raw %}x
{# unclosed
{% if yes
{% break %}
{% for x in list %}{% endfor %}{% continue %}
{{ f(a=1, 2) }}
{{ f(**a, *b) }}
{{ f(a=1, a=2) }}
{{ f(1, *[2], 3) }}
{{ f(,) }}
{{ f(1,) }}
{{ 'a' 'b' 1 }}
{{ 1 if }}
{{ 1 if 2 else }}
{{ not }}
{{ a is }}
{{ a is not }}
{{ a | }}
{{ 1 == }}
{{ 1 = 1 }}
{{ a := 1 }}
{{ "\x4" }}
{{ '\u12' }}
"""

BLOCKS = [
    "a\n{% if yes %}\n  b\n{% endif %}\nc\n",
    "a\n{%- if yes %}\n  b\n{%- endif %}\nc\n\n",
    "{% for c in columns -%}\n  {{ c }}\n  {%- if not loop.last %},{% endif %}\n{% endfor %}",
    "select\n{% for c in columns %}\n    {{ c }}{{ ',' if not loop.last }}\n{% endfor %}\nfrom t",
    "line1\r\nline2\rline3\n",
    "trailing newline\n",
    "two newlines\n\n",
    "\n",
    "",
    "{{ 'a\nb' }}",
    "{{ name }}\n",
    "{%- set x = 1 -%}\n\n{{ x }}",
    "{% macro m() -%}\n  body\n{%- endmacro %}[{{ m() }}]",
    "{% set q %}\nselect 1\n{% endset %}{{ q }}",
    "{% set q -%}\nselect 1\n{%- endset %}{{ q }}|",
    "{{ config }}\n{{ config.meta.owner }} {{ config['tags'][0] }} {{ config.get('meta').get('owner', 'x') }}",
    "{%- for r in rows %}\n{{ r.id }}: {{ r['city'] }}{% for t in r.tags %} {{ t }}{% endfor %}\n{%- endfor %}",
    "{% for i in range(3) %}{% for j in range(i) %}{{ i }}{{ j }} {% endfor %}{% endfor %}",
    "{% set found = namespace(it=none) %}{% for r in rows %}{% if r.id == 2 %}{% set found.it = r %}{% endif %}{% endfor %}{{ found.it.city }}",
    "{% macro star(cols, except=[]) %}{% set keep = [] %}{% for c in cols %}{% if c not in except %}{% do keep.append('\"' ~ c ~ '\"') %}{% endif %}{% endfor %}{{ keep | join(', ') }}{% endmacro %}select {{ star(columns, except=['name']) }}",
    "{% macro f(x) %}{% if x is string %}s{% elif x is mapping %}m{% elif x is iterable %}i{% elif x is number %}n{% elif x is none %}0{% else %}?{% endif %}{% endmacro %}{% for v in [1, 'a', [], {}, none, 2.5, true, missing] %}{{ f(v) }}{% endfor %}",
    "{% macro a(x) %}{{ caller(x + 1) }}{% endmacro %}{% macro b(x) %}{% call(y) a(x) %}[{{ y }}{{ caller() }}]{% endcall %}{% endmacro %}{% call b(1) %}in{% endcall %}",
    "{% set x = 1 %}{% if yes %}{% set x = 2 %}{% for i in [1] %}{% set x = 3 %}{% endfor %}{{ x }}{% endif %}{{ x }}",
    "{% if yes %}{% if no %}{% set q = 1 %}{% else %}{% set q = 2 %}{% endif %}{% endif %}{{ q }}",
    "{% if no %}{% set q = 1 %}{% elif yes %}{% set q = 2 %}{% endif %}{{ q }}{% for i in [1] %}{{ q }}{% set q = 5 %}{{ q }}{% endfor %}{{ q }}",
    "{% macro m() %}{% if no %}{% set name = 1 %}{% endif %}{{ name }}{% endmacro %}{{ m() }}",
    "{% for i in list %}{% set t = namespace(v=i) %}{% set t.v = t.v * 2 %}{{ t.v }}{% endfor %}",
    "{% set seen = [] %}{% for x in [1,2,1,3,2] if x not in seen %}{% do seen.append(x) %}{{ x }}{% endfor %}",
    "{% set fns = [] %}{% for i in list %}{% macro m() %}{{ i }}{% endmacro %}{% do fns.append(m) %}{% endfor %}{{ fns|length }}",
    "{% for i in [1, 2] %}{% for i in 'ab' %}{{ i }}{% endfor %}{{ i }}{% endfor %}",
    "{% for x in list %}{{ loop.index }}{% for y in list if y != x %}{{ loop.index }}{{ y }}{% endfor %};{% endfor %}",
    "{% set d = {} %}{% for r in rows %}{% if r.city not in d %}{% do d.update({r.city: []}) %}{% endif %}{% do d[r.city].append(r.id) %}{% endfor %}{{ d }}",
    "{% macro t(depth) %}{% for i in range(depth) %}({{ t(depth - 1) }}){% endfor %}{% endmacro %}{{ t(3) }}",
    "{{ [1,2]|map('string')|map('upper')|list }}{% set g = list|map('string') %}{{ g|list }}{{ g|list }}",
    "{% set it = list|select('odd') %}{% for x in it %}{{ x }}{% endfor %}{% for x in it %}{{ x }}{% endfor %}",
    "{% for x in list %}{% if loop.first %}{{ loop.nextitem }}{% endif %}{{ x }}{% endfor %}",
    "{% for a in [1,2] %}{% with b = a %}{{ b }}{% set a = 9 %}{{ a }}{% endwith %}{{ a }}{% endfor %}",
    "{% filter upper %}{% for x in names %}{{ x }}{% if loop.index == 2 %}{% break %}{% endif %}{% endfor %}{% endfilter %}",
    "{% set x %}{% for i in list %}{% if i == 1 %}{% continue %}{% endif %}{{ i }}{% endfor %}{% endset %}{{ x }}",
    "{% for i in list %}{% set x %}{{ i }}{% break %}{% endset %}{{ x }}{% endfor %}",
    "{% macro m(a, b='', c=none) -%}{{ a }}|{{ b }}|{{ c }}{%- endmacro %}{{ m('x', c=1) }}{{ m(a='y') }}{{ m(*['p'], **{'b': 'q'}) }}",
    "{% macro m() %}{{ kwargs }}{{ kwargs.get('x') }}{{ kwargs['y'] }}{% for k, v in kwargs.items() %}{{ k }}{{ v }}{% endfor %}{% endmacro %}{{ m(x=1, y=2) }}",
    "{% macro m() %}{% for a in varargs %}{{ a }}{% endfor %}{{ varargs|length }}{% endmacro %}{{ m(1, 'b', none) }}",
    "{% set a = [1] %}{% set b = a %}{% do b.append(2) %}{{ a }}{{ a is sameas b }}",
    "{{ ('a', 'b')|join }}{{ {'a': 1}|length }}{{ (1,)|first }}",
    "{{ missing.x is defined }}",
    "{{ dict.x.y is defined }}",
    "{{ dict.x is defined }}{{ dict['x'] is undefined }}{{ rows[9] is defined }}",
    "{{ rows|map(attribute='missing')|list }}",
    "{{ rows|map(attribute='missing.deeper')|list }}",
    "{{ 1 }}{{ 'é' }}{{ '\U0001f600'|length }}{{ '日本語'[1] }}{{ '日本語'.center(7, '*') }}{{ 'ÀÉ'.lower() }}",
    "{{ \"{{ x }}\" }}{% set sql = 'select {{ y }}' %}{{ sql }}",
    "x" * 5000 + "{{ n }}" + "y" * 5000,
    "{% for i in range(200) %}{{ i }},{% endfor %}",
    "{{ " + " + ".join(["1"] * 150) + " }}",
    "{{ " + "(" * 60 + "1" + ")" * 60 + " }}",
    "{% if yes %}" * 50 + "deep" + "{% endif %}" * 50,
]

VALUES = ["1", "0", "-7", "2.5", "''", "'abc'", "'ABC'", "'12'", "none", "true", "false", "[]", "[3, 1]", "()", "(1, 2)", "{}",
          "{'a': 1}", "range(3)", "missing", "'ä'", "namespace(a=1)"]
TESTS = ["none", "defined", "undefined", "string", "mapping", "iterable", "sequence", "number", "boolean", "integer", "float",
         "true", "false", "callable", "odd", "even", "lower", "upper", "escaped"]
FILTERS = ["length", "list", "string", "int", "float", "abs", "upper", "lower", "trim", "first", "last", "join('-')", "sort",
           "sum", "min", "max", "unique|list", "reverse|list", "default('d')", "default('d', true)", "tojson", "title",
           "capitalize", "wordcount", "round", "items|list", "map('string')|list", "select|list", "e", "batch(2)|list",
           "replace('a', 'b')", "dictsort", "center(5)", "truncate(5)", "indent", "format", "urlencode", "pprint"]
OPERATORS = ["+", "-", "*", "/", "//", "%", "**", "<", "<=", "==", "!=", "in", "not in", "and", "or", "~"]
OPERANDS = ["2", "-3", "1.5", "'a'", "'%s'", "[1]", "(2,)", "{'a': 1}", "none", "true", "missing"]


def environment():
    return jinja2.sandbox.SandboxedEnvironment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])


def templates():
    yield from (line for line in PLAIN.strip("\n").split("\n"))
    yield from BLOCKS
    for value in VALUES:
        for test in TESTS:
            yield "{{ %s is %s }}" % (value, test)
        for name in FILTERS:
            yield "{{ %s | %s }}" % ("(%s)" % value, name)
    for left in OPERANDS:
        for right in OPERANDS:
            for operator in OPERATORS:
                yield "{{ %s %s %s }}" % (left, operator, right)


def evaluate(template, context):
    """What jinja2 makes of it: {"output"} or {"error", "exact"}."""
    try:
        return {"output": environment().from_string(template).render(json.loads(json.dumps(context)))}
    except jinja2.exceptions.TemplateSyntaxError as error:
        return {"error": error.message, "exact": False}
    except jinja2.exceptions.UndefinedError as error:
        return {"error": str(error), "exact": "inline if-expression" not in str(error)}
    except SyntaxError as error:
        return {"error": str(error), "exact": False}
    except Exception as error:  # whatever Python raises inside a template
        return {"error": "%s: %s" % (type(error).__name__, error), "exact": False}


def is_portable(result):
    """Memory addresses and complex numbers are not for other implementations."""
    text = result.get("output", "")
    return " at 0x" not in text and "object at" not in text and not text.endswith("j)")


def main():
    vectors = []
    for template in templates():
        result = evaluate(template, CONTEXT)
        if is_portable(result):
            vectors.append({"template": template, **result})
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "jinja_vectors.json")
    with open(path, "w", encoding="utf-8") as file:
        file.write('{"jinja2": %s,\n"context": %s,\n"vectors": [\n' % (json.dumps(jinja2.__version__), json.dumps(CONTEXT)))
        file.write(",\n".join(json.dumps(vector, ensure_ascii=True) for vector in vectors))
        file.write("\n]}\n")
    print("%d vectors" % len(vectors), file=sys.stderr)


if __name__ == "__main__":
    main()
