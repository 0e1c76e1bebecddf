//! Floats as Python's `repr` writes them.

use std::io::Write as _;

use super::Sink;

/// Longest shortest form: sign, 17 digits, point, `e-`, three digits; with room to spare.
const BYTES_MAX: usize = 32;

/// Writes a JSON number with fraction or exponent.
pub(super) fn put(sink: &mut impl Sink, text: &[u8]) {
    let value = std::str::from_utf8(text).ok().and_then(|text| text.parse::<f64>().ok()).unwrap_or_default();
    let mut buffer = [0; BYTES_MAX];
    let mut rest = &mut buffer[..];
    // The buffer holds every double.
    let _ = write!(rest, "{:e}", value.abs());
    let n_written = BYTES_MAX - rest.len();
    if value.is_sign_negative() {
        sink.put(b"-");
    }
    put_repr(sink, &buffer[..n_written]);
}

/// Writes what Rust shows as `1.25e-7` the way Python does: digits of both are the shortest that read
/// back as the same double; they differ in when an exponent is used and how it looks.
fn put_repr(sink: &mut impl Sink, scientific: &[u8]) {
    let mark = scientific.iter().position(|byte| *byte == b'e').unwrap_or(scientific.len());
    let (mantissa, exponent) = scientific.split_at(mark);
    let exponent = std::str::from_utf8(exponent.get(1..).unwrap_or_default()).unwrap_or_default();
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let (first, fraction) = mantissa.split_at(mantissa.len().min(1));
    let fraction = fraction.get(1..).unwrap_or_default();
    match exponent {
        0..16 => put_plain(sink, first, fraction, exponent as usize),
        -4..0 => {
            sink.put(b"0.");
            sink.put(&b"000"[..(-exponent - 1) as usize]);
            sink.put(first);
            sink.put(fraction);
        }
        _ => put_exponent(sink, mantissa, exponent),
    }
}

fn put_plain(sink: &mut impl Sink, first: &[u8], fraction: &[u8], exponent: usize) {
    let (whole, rest) = fraction.split_at(exponent.min(fraction.len()));
    sink.put(first);
    sink.put(whole);
    sink.put(&b"000000000000000"[..exponent - whole.len()]);
    sink.put(b".");
    sink.put(if rest.is_empty() { b"0" } else { rest });
}

fn put_exponent(sink: &mut impl Sink, mantissa: &[u8], exponent: i32) {
    sink.put(mantissa);
    sink.put(if exponent < 0 { b"e-" } else { b"e+" });
    let size = exponent.unsigned_abs();
    let digits = [b'0' + (size / 100) as u8, b'0' + (size / 10 % 10) as u8, b'0' + (size % 10) as u8];
    sink.put(if size < 100 { &digits[1..] } else { &digits });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_look_as_python_shows_them() {
        let repr = |text: &str| {
            let mut bytes = Vec::new();
            put(&mut bytes, text.as_bytes());
            String::from_utf8(bytes).unwrap()
        };
        for (text, expected) in [
            ("1e16", "1e+16"),
            ("1e15", "1000000000000000.0"),
            ("9999999999999998.0", "9999999999999998.0"),
            ("123456789012345680.0", "1.2345678901234568e+17"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            ("-0.0", "-0.0"),
            ("1e-999", "0.0"),
            ("5e-324", "5e-324"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
            ("100.0", "100.0"),
            ("3.14", "3.14"),
        ] {
            assert_eq!(repr(text), expected);
        }
    }
}
