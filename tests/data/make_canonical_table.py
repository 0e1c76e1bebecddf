#!/usr/bin/env python3
"""Writes canonical.jsonl: what Python's json.dumps(document, sort_keys=True) makes of documents.

One JSON object a line: "input" (the text), "canonical" (Python's), "sha256" (over the canonical bytes).
Made with Python 3.11; deterministic, so that a second run changes nothing:

    python3 tests/data/make_canonical_table.py > tests/data/canonical.jsonl
"""

import hashlib
import json
import random
import struct
import sys


def floats():
    yield from ["0.0", "-0.0", "-0.0e5", "0e0", "-0e0", "0E-7", "0e99999999999999999999", "1e-999", "-1e-999", "1e-400"]
    yield from ["1.0", "1.5", "-1.5", "0.1", "0.2", "0.3", "1e0", "1E5", "1e+5", "1E-5", "1.10", "100e-2", "12.34e1"]
    for exponent in range(-8, 24):
        yield f"1e{exponent}"
        yield f"9.999999999999999e{exponent}"
        yield f"-1.2345678901234567e{exponent}"
    for border in ["9999999999999998.0", "9999999999999999.0", "9999999999999999.5", "10000000000000000.0",
                   "10000000000000002.0", "99999999999999990.0", "123456789012345680.0", "0.0001", "0.00009999999999999999",
                   "0.00010000000000000002", "0.00001", "1e15", "1e16", "1e17", "1e21", "1e22", "1e23", "1e-4", "1e-5"]:
        yield border
        yield "-" + border
    for power in [-324, -323, -308, -307, -300, -200, -100, -99, -10, 99, 100, 101, 200, 300, 307, 308]:
        yield f"1e{power}"
        yield f"1.7e{power}"
    yield from ["4.9406564584124654e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "5e-324", "3e-324",
                "2.2250738585072014e-308", "2.2250738585072011e-308", "2.225073858507201e-308", "1.7976931348623157e308",
                "1.7976931348623158e308", "179769313486231570000000000000000000000e270", "8.98846567431158e307"]
    # Halfway between two doubles, and a digit to either side.
    for halfway in [2**53 + 1, 2**54 + 2, 2**60 + 2**7, 2**63 + 2**10]:
        for tail in [".0", ".00000000000000000000001", ".5e0"]:
            yield f"{halfway}{tail}"
        yield f"{halfway - 1}.99999999999999999999999"
    yield "0." + "1" * 400
    yield "0." + "0" * 400 + "1"
    yield "1" * 300 + ".5"
    yield "1" * 330 + ".5e-60"
    yield "0." + "0" * 330 + "123e340"
    yield "9007199254740993.0"
    yield "0.1000000000000000055511151231257827021181583404541015625"
    yield "0.10000000000000000555111512312578270211815834045410156251"
    yield "2.00000000000000011102230246251565"
    rng = random.Random(1)
    for _ in range(120):
        (value,) = struct.unpack("<d", struct.pack("<Q", rng.getrandbits(64)))
        if value == value and abs(value) != float("inf"):
            yield repr(value) if "." in repr(value) or "e" in repr(value) else repr(value) + ".0"
    for _ in range(60):
        yield f"{rng.uniform(-1, 1) * 10 ** rng.randint(-6, 18):.17e}"


def integers():
    yield from ["0", "-0", "1", "-1", "9007199254740993", "9223372036854775807", "9223372036854775808",
                "-9223372036854775809", "18446744073709551616", "1" + "0" * 40, "-" + "7" * 100, "9" * 4300,
                "-" + "9" * 4300, "1" + "0" * 4299]


def strings():
    yield from ['""', '"a"', '"\\""', '"\\\\"', '"/"', '"\\/"', '"\\b\\f\\n\\r\\t"', '"\x7f"', '"\\u007f"', '"\\u007F"',
                '"\x80"', '"\\u0080"', '"ä"', '"\\u00e4"', '"\\u00E4"', '"ß€"', '"\u2028\u2029"', '"\ufeff"', '"\ufffd"',
                '"\ufffe\uffff"', '"\ud7ff\ue000"', '"😀"', '"\\ud83d\\ude00"', '"\\uD83D\\uDE00"', '"\U00010000\U0010ffff"',
                '"a😀b\\ud83d\\ude00c"', '"\\u0022\\u005c\\u002f"', '"\\u0041\\u007a\\u0020\\u007e"', '"\\\\u0041"',
                '"\\\\\\u0041"', '"<script>&\'"', '"e\u0301"', '"\u202e\u200d"', '"' + "long " * 300 + '"',
                '"' + "ä" * 300 + '"', '"' + "\\n" * 100 + '"', '"12345678"', '"1234567\\""', '"1234567ä"', '"12345678\x7f"']
    for control in range(0x20):
        yield f'"\\u{control:04x}"'
        yield f'"x\\u{control:04X}y"'
    for start in range(0x20, 0x7F, 16):
        yield json.dumps("".join(chr(code) for code in range(start, min(start + 16, 0x80))))
    rng = random.Random(2)
    alphabet = [chr(code) for code in [0x09, 0x22, 0x2F, 0x5C, 0x61, 0x7E, 0x7F, 0xE9, 0x3B1, 0x20AC, 0xFFFF, 0x10000, 0x1F600]]
    for _ in range(40):
        text = "".join(rng.choice(alphabet) for _ in range(rng.randint(1, 40)))
        yield json.dumps(text, ensure_ascii=rng.random() < 0.5)


def objects():
    yield from ["{}", "[]", " {} ", "[ ]", "{\n}", "[[]]", '{"":{}}', "[[],{},[{}],{\"a\":[]}]", "true", "false", "null",
                " \t\r\n null \t\r\n ", "[true,false,null]", "[ 1 , 2.0,\n3e0 ]"]
    yield '{"b":1,"a":2}'
    yield '{"a":1,"b":2,"c":3}'
    yield '{"\uffff":1,"\U00010000":2}'
    yield '{"\U00010000":2,"\uffff":1}'
    yield '{"\\ud800\\udc00":2,"\\uffff":1,"\ue000":3,"\ud7ff":4}'
    yield '{"\\u0062":1,"a":2,"\\u0061a":3}'
    yield '{"c":1,"\\u0062":2,"a":3}'
    yield '{"a":1,"A":2,"_":3,"-":4,"1":5,"10":6,"2":7," ":8,"":9}'
    yield '{"aaaaaaaab":1,"aaaaaaaaa":2,"aaaaaaaa":3,"aaaaaaa":4,"aaaaaaaa\\u0000":5}'
    yield '{"a\\u0000":1,"a":2,"a\\u0001":3,"a ":4}'
    yield '{"ä":1,"a\u0308":2,"z":3,"\x7f":4,"\\u0080":5}'
    yield '{"a\\/b":1,"a/c":2,"a\\"b":3,"a\\\\b":4}'
    yield '{"x":{"b":{"d":1,"c":2},"a":[{"z":1,"y":2}]},"w":[]}'
    yield "[" * 128 + "]" * 128
    yield '{"a":' * 128 + "1" + "}" * 128
    flow = {
        "id": "flow_greeting1", "name": "Begrüßung 👋", "version": "1.10.0",
        "nodes": [{"id": "start", "type": "start", "configuration": {}},
                  {"id": "say", "type": "action", "configuration": {"text": "Hallo \"du\"\n", "delay": 0.5, "retries": 3}},
                  {"id": "end", "type": "end", "configuration": {"reason": None}}],
        "edges": [{"from": "start", "to": "say", "condition": None}, {"from": "say", "to": "end", "condition": "a > 1e-05"}],
        "externalReferences": [{"type": "flow", "id": "flow_b", "environmentId": "env_prod"}],
    }
    for indent in [None, 0, 1, 2, 4, "\t"]:
        yield json.dumps(flow, indent=indent, ensure_ascii=False)
        yield json.dumps(flow, indent=indent, sort_keys=True)
    yield json.dumps(flow, separators=(",", ":")).replace(",", "\r\n,\r\n")
    rng = random.Random(3)
    for _ in range(60):
        yield json.dumps(tree(rng, 3), ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, 1, 2]))


def tree(rng, depth):
    kind = rng.randrange(9 if depth else 6)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind == 1:
        return rng.randint(-(10**rng.randint(1, 30)), 10**rng.randint(1, 30))
    if kind == 2:
        return rng.uniform(-1, 1) * 10.0 ** rng.randint(-20, 20)
    if kind < 6:
        return key(rng)
    if kind == 6:
        return [tree(rng, depth - 1) for _ in range(rng.randint(0, 5))]
    return {key(rng): tree(rng, depth - 1) for _ in range(rng.randint(0, 24))}


def key(rng):
    pieces = ["a", "b", "node", "Ä", "é", "\n", '"', "\\", "/", "\x7f", "\u2028", "\uffff", "\U0001f600", "0", " "]
    return "".join(rng.choice(pieces) for _ in range(rng.randint(0, 6)))


def main():
    assert sys.version_info[:2] == (3, 11), "the table is Python 3.11's"
    seen = set()
    for text in [*floats(), *integers(), *strings(), *objects()]:
        if text in seen:
            continue
        seen.add(text)
        for given in [text] if text[:1] in " [{tfn" else [text, '{"value": [' + text + "]}"] if len(text) < 40 else [text]:
            canonical = json.dumps(json.loads(given), sort_keys=True)
            digest = hashlib.sha256(canonical.encode("ascii")).hexdigest()
            sys.stdout.write(json.dumps({"input": given, "canonical": canonical, "sha256": digest}) + "\n")


main()
