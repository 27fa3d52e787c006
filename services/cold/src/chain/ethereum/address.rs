//! Twenty bytes, written so that a mistyped one is noticed (EIP-55).

use std::fmt;

use bitcoin::secp256k1::PublicKey;

use super::keccak;

/// An account or a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EthereumAddress(pub [u8; 20]);

impl EthereumAddress {
    /// Of a key.
    #[must_use]
    pub fn of(key: &PublicKey) -> Self {
        let hash = keccak(&key.serialize_uncompressed()[1..]);
        let mut address = [0; 20];
        address.copy_from_slice(&hash[12..]);
        Self(address)
    }
}

impl fmt::Display for EthereumAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use bitcoin::hex::DisplayHex;
        let plain = self.0.to_lower_hex_string();
        let hash = keccak(plain.as_bytes());
        f.write_str("0x")?;
        for (place, digit) in plain.chars().enumerate() {
            let nibble = (hash[place / 2] >> (4 * (1 - place % 2))) & 15;
            write!(
                f,
                "{}",
                if nibble > 7 {
                    digit.to_ascii_uppercase()
                } else {
                    digit
                }
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitcoin::hex::FromHex;

    /// EIP-55's own examples.
    #[test]
    fn case_is_the_checksum() {
        for shown in [
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
            "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
            "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        ] {
            let address = EthereumAddress(<[u8; 20]>::from_hex(&shown[2..]).unwrap());
            assert_eq!(address.to_string(), shown);
        }
    }
}
