//! Floats as Python's `repr` writes them: the fewest digits that read back as the same double, of these the
//! nearest to it, and of two equally near the even one (David Gay's algorithm, mode 0).
//!
//! `zmij` finds the digits by that rule; Rust's own `{:e}` takes the upper one of two equally near. When an
//! exponent is used and how it looks is decided here.

use super::Sink;

/// The most digits a double needs.
const DIGITS_MAX: usize = 17;

/// Writes a JSON number with fraction or exponent, of any length. What is no finite number, which the parser lets
/// nowhere, stays as it is.
pub(super) fn put(sink: &mut impl Sink, text: &[u8]) {
    match std::str::from_utf8(text).map(str::parse::<f64>) {
        Ok(Ok(value)) if value.is_finite() => put_repr(sink, value),
        _ => sink.put(text),
    }
}

fn put_repr(sink: &mut impl Sink, value: f64) {
    if value.is_sign_negative() {
        sink.put(b"-");
    }
    if value == 0.0 {
        return sink.put(b"0.0");
    }
    let mut buffer = zmij::Buffer::new();
    let decimal = Decimal::read(buffer.format_finite(value.abs()).as_bytes());
    let digits = decimal.digits();
    match decimal.exponent {
        exponent @ 0..16 => put_plain(sink, digits, exponent as usize),
        exponent @ -4..0 => {
            sink.put(b"0.");
            sink.put(&b"000"[..(-exponent - 1) as usize]);
            sink.put(digits);
        }
        exponent => put_exponent(sink, digits, exponent),
    }
}

/// A number as `d.ddd` times a power of ten; first and last digit are not zero.
struct Decimal {
    digits: [u8; DIGITS_MAX],
    n_digits: usize,
    exponent: i32,
}

impl Decimal {
    /// Reads a positive number in any notation: `0.00125`, `1.25e-3` and `1.250e-03` are the same.
    fn read(text: &[u8]) -> Self {
        let mut read = Self { digits: [0; DIGITS_MAX], n_digits: 0, exponent: -1 };
        let mut is_whole = true;
        // Zeros count only once another digit follows them.
        let mut n_zeros = 0;
        let mut rest = text.iter();
        for byte in rest.by_ref() {
            match byte {
                b'.' => is_whole = false,
                b'e' | b'E' => break,
                b'0' if read.n_digits == 0 => read.exponent -= i32::from(!is_whole),
                digit => {
                    read.exponent += i32::from(is_whole);
                    if *digit == b'0' {
                        n_zeros += 1;
                        continue;
                    }
                    let end = read.n_digits + n_zeros;
                    if let Some(free) = read.digits.get_mut(read.n_digits..=end) {
                        free.fill(b'0');
                        free[n_zeros] = *digit;
                        (read.n_digits, n_zeros) = (end + 1, 0);
                    }
                }
            }
        }
        let mut is_negative = false;
        let mut power = 0;
        for byte in rest {
            match byte {
                b'-' => is_negative = true,
                b'+' => {}
                digit => power = power * 10 + i32::from(digit.wrapping_sub(b'0') % 10),
            }
        }
        read.exponent += if is_negative { -power } else { power };
        read
    }

    fn digits(&self) -> &[u8] {
        &self.digits[..self.n_digits]
    }
}

fn put_plain(sink: &mut impl Sink, digits: &[u8], exponent: usize) {
    let (whole, rest) = digits.split_at(digits.len().min(exponent + 1));
    sink.put(whole);
    sink.put(&b"000000000000000"[..exponent + 1 - whole.len()]);
    sink.put(b".");
    sink.put(if rest.is_empty() { b"0" } else { rest });
}

fn put_exponent(sink: &mut impl Sink, digits: &[u8], exponent: i32) {
    let (first, rest) = digits.split_at(1);
    sink.put(first);
    if !rest.is_empty() {
        sink.put(b".");
        sink.put(rest);
    }
    sink.put(if exponent < 0 { b"e-" } else { b"e+" });
    let size = exponent.unsigned_abs();
    let digits = [b'0' + (size / 100) as u8, b'0' + (size / 10 % 10) as u8, b'0' + (size % 10) as u8];
    sink.put(if size < 100 { &digits[1..] } else { &digits });
}

#[cfg(test)]
mod tests;
