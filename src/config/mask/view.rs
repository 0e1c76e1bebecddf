//! A text as it is after some decoding, and where in the source each byte of it stands.

use std::ops::Range;

/// Encodings inside encodings are followed so deep.
const DEPTH_MAX: usize = 3;
/// And so many ways there; hardly a text has more than one.
const VIEWS_MAX: usize = 24;
/// Where everything is taken off at once, deeper ones cost little.
const ROUNDS_MAX: usize = 8;

/// Bytes, each with its place in the source.
#[derive(Clone)]
pub(super) struct View {
    bytes: Vec<u8>,
    places: Vec<Range<usize>>,
}

/// Which letters are the same.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    /// None but themselves.
    AsItIs,
    /// Capitals and small ones.
    Any,
}

/// A way in which characters are spelt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layer {
    /// `%41`.
    Percent,
    /// `%41`, and `+` for a space.
    Form,
    /// `&#65;`.
    Html,
    /// `\u0041`.
    Escape,
}

const LAYERS: [Layer; 4] = [Layer::Percent, Layer::Form, Layer::Html, Layer::Escape];

/// What stands at one place: so many bytes of the view that mean these.
struct Token {
    n_bytes: usize,
    means: [u8; 4],
    n_means: usize,
}

impl View {
    pub(super) fn new(text: &str) -> Self {
        Self::of_bytes(text.as_bytes())
    }

    pub(super) fn of_bytes(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), places: (0..bytes.len()).map(|at| at..at + 1).collect() }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// This view, and those with layers taken off, one after the other in every order: what was spelt in one way, and
    /// that in another, is itself again in one of them.
    pub(super) fn with_plainer_ones(self) -> Vec<Self> {
        let mut views = vec![self];
        let mut of_this_depth = 0..1;
        for _ in 0..DEPTH_MAX {
            for at in of_this_depth.clone() {
                for layer in LAYERS {
                    let Some(plainer) = views[at].without(&[layer]) else { continue };
                    if views.len() < VIEWS_MAX && views.iter().all(|known| known.bytes != plainer.bytes) {
                        views.push(plainer);
                    }
                }
            }
            of_this_depth = of_this_depth.end..views.len();
        }
        views
    }

    /// The view with every layer taken off, and without white space: for what is spelt in two ways at once, or was
    /// broken into lines. In forms, `+` is white space.
    pub(super) fn squeezed(mut self) -> Self {
        for _ in 0..ROUNDS_MAX {
            match self.without(&[Layer::Percent, Layer::Html, Layer::Escape]) {
                Some(plainer) => self = plainer,
                None => break,
            }
        }
        let Self { bytes, places } = self;
        let kept = bytes.into_iter().zip(places).filter(|(byte, _)| !byte.is_ascii_whitespace() && *byte != b'+');
        let (bytes, places) = kept.unzip();
        Self { bytes, places }
    }

    /// Nothing where none of these layers is there.
    fn without(&self, layers: &[Layer]) -> Option<Self> {
        let mut plainer = Self { bytes: Vec::new(), places: Vec::new() };
        let mut at = 0;
        while let Some(first) = self.bytes.get(at) {
            let token = layers.iter().find_map(|layer| layer.token(&self.bytes[at..]));
            let token = token.unwrap_or_else(|| Token::byte(1, *first));
            let place = self.places[at].start..self.places[at + token.n_bytes - 1].end;
            for byte in &token.means[..token.n_means] {
                plainer.bytes.push(*byte);
                plainer.places.push(place.clone());
            }
            at += token.n_bytes;
        }
        (plainer.bytes != self.bytes).then_some(plainer)
    }

    /// Adds where these bytes stand.
    pub(super) fn find(&self, needle: &[u8], case: Case, found: &mut Vec<Range<usize>>) {
        let Some(first) = needle.first() else { return };
        for at in 0..(self.bytes.len() + 1).saturating_sub(needle.len()) {
            let here = &self.bytes[at..at + needle.len()];
            let is_it = match case {
                // Almost always the first byte decides.
                Case::AsItIs => here[0] == *first && here == needle,
                Case::Any => here.eq_ignore_ascii_case(needle),
            };
            if is_it {
                found.push(self.places[at].start..self.places[at + needle.len() - 1].end);
            }
        }
    }
}

/// Where the escapes that begin with a backslash stand in a text.
pub(super) fn escapes(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut escapes = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let token = if bytes[at] == b'\\' { escaped(&bytes[at..]) } else { None };
        let n_bytes = token.map_or(1, |token| token.n_bytes);
        if n_bytes > 1 {
            escapes.push(at..at + n_bytes);
        }
        at += n_bytes;
    }
    escapes
}

impl Token {
    fn byte(n_bytes: usize, byte: u8) -> Self {
        Self { n_bytes, means: [byte, 0, 0, 0], n_means: 1 }
    }

    fn character(n_bytes: usize, character: char) -> Self {
        let mut means = [0; 4];
        let n_means = character.encode_utf8(&mut means).len();
        Self { n_bytes, means, n_means }
    }
}

impl Layer {
    /// What the text begins with, where that is spelt in this way.
    fn token(self, text: &[u8]) -> Option<Token> {
        match (self, text.first()?) {
            (Self::Percent | Self::Form, b'%') => {
                Some(Token::byte(3, u8::try_from(number(text.get(1..3)?, 16)?).ok()?))
            }
            (Self::Form, b'+') => Some(Token::byte(1, b' ')),
            (Self::Html, b'&') => entity(text),
            (Self::Escape, b'\\') => escaped(text),
            _ => None,
        }
    }
}

/// `\n`, `\"`, `\x41`, `\101`, `\u0041`, `\u{41}`, `\U00000041`, and `\ud83d\ude00` for one character.
fn escaped(text: &[u8]) -> Option<Token> {
    let code = |from: usize, n: usize| number(text.get(from..from + n)?, 16);
    let character = |n_bytes: usize, code: u32| Some(Token::character(n_bytes, char::from_u32(code)?));
    match text.get(1)? {
        b'b' => Some(Token::byte(2, 8)),
        b'f' => Some(Token::byte(2, 12)),
        b'n' => Some(Token::byte(2, b'\n')),
        b'r' => Some(Token::byte(2, b'\r')),
        b't' => Some(Token::byte(2, b'\t')),
        b'x' => Some(Token::byte(4, u8::try_from(code(2, 2)?).ok()?)),
        b'U' => character(10, code(2, 8)?),
        b'u' if text.get(2) == Some(&b'{') => {
            let n_digits = text.iter().skip(3).take(7).position(|byte| *byte == b'}')?;
            character(n_digits + 4, code(3, n_digits)?)
        }
        b'u' => match (code(2, 4)?, text.get(6..8), code(8, 4)) {
            (high @ 0xd800..=0xdbff, Some(b"\\u"), Some(low @ 0xdc00..=0xdfff)) => {
                character(12, 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))
            }
            (unit, ..) => character(6, unit),
        },
        b'0'..=b'3' if text.get(2..4).is_some_and(|rest| rest.iter().all(|byte| matches!(byte, b'0'..=b'7'))) => {
            Some(Token::byte(4, u8::try_from(number(&text[1..4], 8)?).ok()?))
        }
        punctuation if punctuation.is_ascii_punctuation() => Some(Token::byte(2, *punctuation)),
        _ => None,
    }
}

/// `&amp;`, `&#65;`, `&#x41;`; numbers also without the semicolon.
fn entity(text: &[u8]) -> Option<Token> {
    let rest = text.get(1..)?;
    let Some(rest) = rest.strip_prefix(b"#") else {
        let length = rest.iter().take(NAME_BYTES_MAX + 1).position(|byte| *byte == b';')?;
        let (_, means) = ENTITIES.iter().find(|(name, _)| name.as_bytes() == &rest[..length])?;
        return Some(Token::character(length + 2, *means));
    };
    let (radix, n_before) = if matches!(rest.first(), Some(b'x' | b'X')) { (16, 3) } else { (10, 2) };
    let digits = text.get(n_before..)?;
    let is_digit = |byte: &u8| char::from(*byte).is_digit(radix);
    let n_digits =
        digits.iter().take(DIGITS_MAX).position(|byte| !is_digit(byte)).unwrap_or(digits.len().min(DIGITS_MAX));
    let means = char::from_u32(number(&digits[..n_digits], radix)?)?;
    let ends = usize::from(digits.get(n_digits) == Some(&b';'));
    Some(Token::character(n_before + n_digits + ends, means))
}

/// Leading zeros are allowed in an entity.
const DIGITS_MAX: usize = 9;

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits
        .iter()
        .try_fold(0_u32, |number, digit| number.checked_mul(radix)?.checked_add(char::from(*digit).to_digit(radix)?))
}

/// The longest name below.
const NAME_BYTES_MAX: usize = 7;

/// The ASCII characters that have names in HTML.
const ENTITIES: [(&str, char); 44] = [
    ("Tab", '\t'),
    ("NewLine", '\n'),
    ("nbsp", '\u{a0}'),
    ("excl", '!'),
    ("quot", '"'),
    ("QUOT", '"'),
    ("num", '#'),
    ("dollar", '$'),
    ("percnt", '%'),
    ("amp", '&'),
    ("AMP", '&'),
    ("apos", '\''),
    ("lpar", '('),
    ("rpar", ')'),
    ("ast", '*'),
    ("midast", '*'),
    ("plus", '+'),
    ("comma", ','),
    ("period", '.'),
    ("sol", '/'),
    ("colon", ':'),
    ("semi", ';'),
    ("lt", '<'),
    ("LT", '<'),
    ("equals", '='),
    ("gt", '>'),
    ("GT", '>'),
    ("quest", '?'),
    ("commat", '@'),
    ("lsqb", '['),
    ("lbrack", '['),
    ("bsol", '\\'),
    ("rsqb", ']'),
    ("rbrack", ']'),
    ("Hat", '^'),
    ("lowbar", '_'),
    ("grave", '`'),
    ("lcub", '{'),
    ("lbrace", '{'),
    ("verbar", '|'),
    ("vert", '|'),
    ("rcub", '}'),
    ("rbrace", '}'),
    ("hyphen", '\u{2010}'),
];
