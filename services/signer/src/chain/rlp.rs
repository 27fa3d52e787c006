//! RLP, as Ethereum's transactions are written (Yellow Paper, appendix B). Strict: one value has one
//! encoding, and anything else is refused.

/// What can be wrong with an encoding.
pub type Problem = &'static str;

/// The items of a list that holds nothing but strings, or empty lists. Each with its whole encoding.
pub fn list(bytes: &[u8]) -> Result<Vec<Item<'_>>, Problem> {
    let (item, rest) = item(bytes)?;
    if !rest.is_empty() {
        return Err("bytes after the end");
    }
    if !item.list {
        return Err("a string where a list belongs");
    }
    let mut items = Vec::new();
    let mut rest = item.content;
    while !rest.is_empty() {
        let (next, after) = self::item(rest)?;
        items.push(next);
        rest = after;
    }
    Ok(items)
}

/// One string or list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// With its header.
    pub encoding: &'a [u8],
    /// Without.
    pub content: &'a [u8],
    /// Whether it is a list.
    pub list: bool,
}

impl Item<'_> {
    /// As a number: big-endian, without leading zeros.
    pub fn number(&self) -> Result<u128, Problem> {
        if self.list {
            return Err("a list where a number belongs");
        }
        if self.content.first() == Some(&0) {
            return Err("a number with a leading zero");
        }
        if self.content.len() > 16 {
            return Err("a number above 2^128");
        }
        Ok(self
            .content
            .iter()
            .fold(0, |sum, byte| sum << 8 | u128::from(*byte)))
    }
}

fn item(bytes: &[u8]) -> Result<(Item<'_>, &[u8]), Problem> {
    let first = *bytes.first().ok_or("nothing where an item belongs")?;
    let (header, length, list) = match first {
        0..0x80 => (0, 1, false),
        0x80..0xb8 => (1, usize::from(first - 0x80), false),
        0xb8..0xc0 => long(bytes, usize::from(first - 0xb7)).map(|(h, l)| (h, l, false))?,
        0xc0..0xf8 => (1, usize::from(first - 0xc0), true),
        0xf8.. => long(bytes, usize::from(first - 0xf7)).map(|(h, l)| (h, l, true))?,
    };
    let end = header
        .checked_add(length)
        .ok_or("a length beyond the end")?;
    let encoding = bytes.get(..end).ok_or("a length beyond the end")?;
    let content = &encoding[header..];
    if header == 1 && !list && content.len() == 1 && content[0] < 0x80 {
        return Err("a small byte with a header");
    }
    let item = Item {
        encoding,
        content,
        list,
    };
    Ok((item, &bytes[end..]))
}

/// Header and length of an item of 56 bytes or more.
fn long(bytes: &[u8], width: usize) -> Result<(usize, usize), Problem> {
    let digits = bytes.get(1..=width).ok_or("a length that is cut off")?;
    if width > 4 || digits.first() == Some(&0) {
        return Err("a length that is too long");
    }
    let length = digits
        .iter()
        .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    if length < 56 {
        return Err("a short item with a long header");
    }
    Ok((1 + width, length))
}

/// A list of items already encoded.
pub fn wrap(items: &[u8]) -> Vec<u8> {
    let mut list = header(0xc0, items.len());
    list.extend_from_slice(items);
    list
}

/// A number or other string; leading zeros are dropped, as numbers want it.
pub fn number(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let digits = &bytes[zeros..];
    match digits {
        [byte] if *byte < 0x80 => vec![*byte],
        _ => {
            let mut encoding = header(0x80, digits.len());
            encoding.extend_from_slice(digits);
            encoding
        }
    }
}

fn header(base: u8, length: usize) -> Vec<u8> {
    if let Some(short) = u8::try_from(length).ok().filter(|length| *length < 56) {
        return vec![base + short];
    }
    let bytes = length.to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let digits = &bytes[zeros..];
    // A usize has at most 8 bytes.
    let width = u8::try_from(digits.len()).unwrap_or(8);
    [&[base + 55 + width], digits].concat()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn one_value_has_one_encoding() {
        for (bytes, problem) in [
            (vec![0xc2, 0x81, 0x05], "a small byte with a header"),
            (vec![0xc1], "a length beyond the end"),
            (vec![0xc0, 0x00], "bytes after the end"),
            (vec![0x83, 1, 2, 3], "a string where a list belongs"),
            (vec![0xf8, 0x02, 1, 2], "a short item with a long header"),
            (vec![0xf9, 0x00, 0x38], "a length that is too long"),
        ] {
            assert_eq!(list(&bytes), Err(problem), "{bytes:02x?}");
        }
        let zero = Item {
            encoding: &[0x82, 0, 1],
            content: &[0, 1],
            list: false,
        };
        assert_eq!(zero.number(), Err("a number with a leading zero"));
    }

    #[test]
    fn what_is_written_reads_back() {
        let long = [0xab; 60];
        let items = [
            number(&[0, 0]),
            number(&[0x7f]),
            number(&[0x80]),
            number(&long),
        ]
        .concat();
        let wrapped = wrap(&items);
        let read = list(&wrapped).unwrap();
        let contents: Vec<&[u8]> = read.iter().map(|item| item.content).collect();
        assert_eq!(contents, [&[] as &[u8], &[0x7f], &[0x80], &long]);
        assert_eq!(read[1].number(), Ok(0x7f));
        assert_eq!(
            wrap(
                &read
                    .iter()
                    .flat_map(|i| i.encoding.to_vec())
                    .collect::<Vec<_>>()
            ),
            wrapped
        );
    }
}
