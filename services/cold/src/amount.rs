//! Integers of chain units as a person reads them.

/// `units` at `scale` decimals, every one of them shown: `1.50000000`, with thousands set apart.
#[must_use]
pub fn decimal(units: u128, scale: u32) -> String {
    let digits = format!("{units:0>width$}", width = scale as usize + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale as usize);
    let whole = grouped(whole);
    if fraction.is_empty() {
        whole
    } else {
        format!("{whole}.{fraction}")
    }
}

/// A whole number with thousands set apart by commas.
#[must_use]
pub fn thousands(number: u128) -> String {
    grouped(&number.to_string())
}

fn grouped(digits: &str) -> String {
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_decimal_is_shown() {
        assert_eq!(decimal(150_000_000, 8), "1.50000000");
        assert_eq!(decimal(1, 18), "0.000000000000000001");
        assert_eq!(decimal(12_345_678, 0), "12,345,678");
        assert_eq!(decimal(123_456_789_000_000, 8), "1,234,567.89000000");
        assert_eq!(decimal(0, 6), "0.000000");
    }
}
