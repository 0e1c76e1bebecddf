#!/usr/bin/env python3
"""Writes float_ties.txt: doubles for which the last digit of the shortest form is a matter of the rule.

One `repr` a line. It names its double, since it reads back as it, and is what canonical JSON has to hold. Nine in
ten lie exactly half way between two shortest forms; the others are near powers of two and of ten, where the
distance to the two neighbours differs or a digit more is needed. Deterministic, so that a second run changes nothing:

    python3 tests/data/make_float_ties.py > tests/data/float_ties.txt
"""

import math
import random
import sys
from decimal import Decimal
from fractions import Fraction

N_LINES = 20_000


def is_tie(value):
    """Whether another decimal of as many digits as `repr` has is as near to `value`, and reads back as it."""
    shown = Decimal(repr(value)).normalize()
    rest = Fraction(value) - Fraction(shown)
    unit = Fraction(10) ** shown.as_tuple().exponent
    return abs(rest) * 2 == unit and float(Fraction(shown) + 2 * rest) == value


def half_way(rng):
    """An odd number of halves of ten to minus n: its last decimal is a five, and is one too many."""
    n_bits = rng.randint(2, 25)
    most = min(2**53, 2 * 10**17 // 5 ** (n_bits - 1))
    return (rng.randrange(max(2, most)) | 1) / 2**n_bits


def at_a_border(rng):
    exponent = rng.randint(-1074, 1023)
    near = 2.0**exponent if rng.random() < 0.5 else float(f"1e{rng.randint(-323, 308)}")
    for _ in range(rng.randint(0, 3)):
        near = math.nextafter(near, rng.choice([0.0, math.inf]))
    return near


def main():
    rng = random.Random(20_000)
    seen = set()
    while len(seen) < N_LINES:
        ties = len(seen) % 10 != 9
        value = half_way(rng) if ties else at_a_border(rng)
        if value in seen or not 0 < value < math.inf or (ties and not is_tie(value)):
            continue
        seen.add(value)
        sys.stdout.write(repr(-value if rng.random() < 0.1 else value) + "\n")


main()
