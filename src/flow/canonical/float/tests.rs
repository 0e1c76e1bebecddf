use std::ops::RangeInclusive;

use num_bigint::BigInt;
use proptest::prelude::*;

use super::*;

fn repr(text: &str) -> String {
    let mut bytes = Vec::new();
    put(&mut bytes, text.as_bytes());
    String::from_utf8(bytes).unwrap()
}

#[test]
fn floats_look_as_python_shows_them() {
    for (text, expected) in [
        ("1e16", "1e+16"),
        ("1e15", "1000000000000000.0"),
        ("9999999999999998.0", "9999999999999998.0"),
        ("123456789012345680.0", "1.2345678901234568e+17"),
        ("0.0001", "0.0001"),
        ("0.00001", "1e-05"),
        ("-0.0", "-0.0"),
        ("1e-999", "0.0"),
        ("-1e-999", "-0.0"),
        ("5e-324", "5e-324"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ("100.0", "100.0"),
        ("-1020.30", "-1020.3"),
        ("3.14", "3.14"),
        ("801370078152351.2", "801370078152351.2"),
        ("34959326982010.562", "34959326982010.562"),
    ] {
        assert_eq!(repr(text), expected);
    }
}

/// A line is what Python's `repr` gives, and so names its double; `make_float_ties.py` beside the table made it.
#[test]
fn twenty_thousand_doubles_made_for_ties_are_written_as_python_writes_them() {
    let table = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/float_ties.txt"));
    let mut n_decided_by_the_rule = 0;
    for line in table.lines() {
        let value: f64 = line.parse().unwrap();
        // Every spelling of one double is written the same.
        for text in [line.to_owned(), format!("{value:.17e}"), format!("{value:.40}")] {
            if text.contains('.') && text.parse() == Ok(value) {
                assert_eq!(repr(&text), line, "of {text}");
            }
        }
        n_decided_by_the_rule += usize::from(Decimal::read(format!("{value:e}").as_bytes()).digits() != digits(line));
    }
    assert_eq!(table.lines().count(), 20_000);
    assert!(n_decided_by_the_rule > 5_000, "{n_decided_by_the_rule} would show a printer that rounds ties up");
}

fn digits(repr: &str) -> Vec<u8> {
    Decimal::read(repr.trim_start_matches('-').as_bytes()).digits().to_vec()
}

#[test]
fn any_notation_is_read_as_the_same_decimal() {
    for text in ["0.00125", "1.25e-3", "1.250e-03", "125E-05", "00.0012500", "0.0125e-1"] {
        let decimal = Decimal::read(text.as_bytes());
        assert_eq!((decimal.digits(), decimal.exponent), (&b"125"[..], -3), "{text}");
    }
    for (text, exponent) in [("100", 2), ("100.0", 2), ("1e+02", 2), ("0.1e3", 2), ("0.001", -3)] {
        let decimal = Decimal::read(text.as_bytes());
        assert_eq!((decimal.digits(), decimal.exponent), (&b"1"[..], exponent), "{text}");
    }
}

/// A positive double and the decimals that read back as it, in exact arithmetic: everything is a multiple of
/// `2^-1076` times `10^-342`, the smallest steps there are.
struct Exact {
    value: BigInt,
    /// What reads back as the double: half way to its neighbours, the ends included where its last bit is even.
    reads_back: RangeInclusive<BigInt>,
}

const TEN_STEPS: i32 = 342;
const TWO_STEPS: i32 = 1076;

impl Exact {
    fn of(value: f64) -> Self {
        let (bits, ten) = (value.to_bits(), BigInt::from(10).pow(TEN_STEPS as u32));
        let exact = |mantissa: u64, exponent: u64| (BigInt::from(mantissa) << (exponent + 2)) * &ten;
        let (field, fraction) = (bits >> 52, bits & ((1 << 52) - 1));
        let (mantissa, exponent) = if field == 0 { (fraction, 0) } else { (fraction | 1 << 52, field - 1) };
        let step = exact(1, exponent);
        let below = if fraction == 0 && field > 1 { &step / 4 } else { &step / 2 };
        let value = exact(mantissa, exponent);
        let ends_belong = i32::from(mantissa % 2 != 0);
        Self { reads_back: &value - below + ends_belong..=&value + step / 2 - ends_belong, value }
    }

    /// `digits` times ten to `power`.
    fn decimal(digits: &BigInt, power: i32) -> BigInt {
        (digits * BigInt::from(10).pow((TEN_STEPS + power) as u32)) << TWO_STEPS
    }

    fn distance(&self, other: &BigInt) -> BigInt {
        BigInt::from((&self.value - other).magnitude().clone())
    }
}

/// The rule, and nothing of how the digits are found.
fn check(value: f64) {
    let written = repr(&format!("{value:e}"));
    let exact = Exact::of(value);
    let decimal = Decimal::read(written.as_bytes());
    let digits = BigInt::parse_bytes(decimal.digits(), 10).unwrap();
    let power = decimal.exponent + 1 - decimal.n_digits as i32;
    let ours = Exact::decimal(&digits, power);
    assert!(exact.reads_back.contains(&ours), "{written} is another double than {value:e}");
    for shorter in [&digits / 10, &digits / 10 + 1] {
        let reads_back = exact.reads_back.contains(&Exact::decimal(&shorter, power + 1));
        assert!(!reads_back, "{shorter}e{} is shorter than {written}", power + 1);
    }
    for neighbour in [&digits - 1, &digits + 1] {
        let other = Exact::decimal(&neighbour, power);
        if exact.reads_back.contains(&other) {
            let (ours, other) = (exact.distance(&ours), exact.distance(&other));
            let is_even = &digits % 2 == BigInt::ZERO;
            assert!(ours < other || ours == other && is_even, "{neighbour}e{power} is to be preferred to {written}");
        }
    }
}

/// Doubles whose exact decimal form is one digit longer than what tells them apart: that digit is a five.
fn ties() -> impl Strategy<Value = f64> {
    let odd = |n_bits: u32| {
        let most = (200_000_000_000_000_000 / 5_u64.pow(n_bits - 1)).clamp(2, 1 << 53);
        (0..most).prop_map(move |number| (number | 1) as f64 / 2_f64.powi(n_bits as i32))
    };
    (2_u32..26).prop_flat_map(odd)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn of_the_shortest_the_nearest_and_of_the_nearest_the_even_one(
        tie in ties(),
        bits in 1..f64::INFINITY.to_bits(),
        (power, near) in (0_u64..2047, 0_u64..3),
    ) {
        check(tie);
        check(f64::from_bits(bits));
        check(f64::from_bits(((power << 52) + near).max(2) - 1));
    }
}
