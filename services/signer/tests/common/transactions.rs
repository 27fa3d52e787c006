//! Transactions as the wallet builds them, one maker a chain.

use bitcoin::absolute::LockTime;
use bitcoin::bip32::{ChildNumber, DerivationPath, Fingerprint};
use bitcoin::hashes::Hash as _;
use bitcoin::psbt::Psbt;
use bitcoin::transaction::Version;
use bitcoin::{Address, Amount, OutPoint, ScriptBuf, Sequence, TxIn, TxOut, Txid, Witness, base58};
use outcry_signer::address;
use outcry_signer::chain::solana::account;
use outcry_signer::derive::{KeyPath, public_key};
use outcry_signer::proto;
use outcry_signer::scheme::GroupKey;

/// An output of a Bitcoin transaction.
#[derive(Clone)]
pub enum Pay {
    /// To an address.
    To(&'static str, u64),
    /// To a path of ours, shown as ours.
    Own(KeyPath, u64),
}

/// Outpoint `n` of a transaction that never was.
pub fn outpoint(n: u32) -> OutPoint {
    OutPoint {
        txid: Txid::from_byte_array([u8::try_from(n).unwrap(); 32]),
        vout: n,
    }
}

fn origin(
    key: &GroupKey,
    path: KeyPath,
) -> (
    bitcoin::XOnlyPublicKey,
    (Vec<bitcoin::TapLeafHash>, (Fingerprint, DerivationPath)),
) {
    let public =
        bitcoin::secp256k1::PublicKey::from_slice(&public_key(key, path).unwrap()).unwrap();
    let steps: Vec<ChildNumber> = path
        .steps()
        .unwrap()
        .into_iter()
        .map(|index| ChildNumber::Normal { index })
        .collect();
    let source = (Fingerprint::default(), DerivationPath::from(steps));
    (public.x_only_public_key().0, (vec![], source))
}

/// A PSBT that spends `inputs` (outpoint, path, satoshi).
pub fn psbt(key: &GroupKey, inputs: &[(u32, KeyPath, u64)], outputs: &[Pay]) -> Psbt {
    let script = |pay: &Pay| match pay {
        Pay::To(address, _) => address
            .parse::<Address<_>>()
            .unwrap()
            .assume_checked()
            .script_pubkey(),
        Pay::Own(path, _) => address::taproot_script(key, *path).unwrap(),
    };
    let transaction = bitcoin::Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: inputs
            .iter()
            .map(|(n, _, _)| TxIn {
                previous_output: outpoint(*n),
                script_sig: ScriptBuf::new(),
                sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
                witness: Witness::new(),
            })
            .collect(),
        output: outputs
            .iter()
            .map(|pay| {
                let (Pay::To(_, value) | Pay::Own(_, value)) = pay;
                TxOut {
                    value: Amount::from_sat(*value),
                    script_pubkey: script(pay),
                }
            })
            .collect(),
    };
    let mut psbt = Psbt::from_unsigned_tx(transaction).unwrap();
    for (input, (_, path, value)) in psbt.inputs.iter_mut().zip(inputs) {
        input.witness_utxo = Some(TxOut {
            value: Amount::from_sat(*value),
            script_pubkey: address::taproot_script(key, *path).unwrap(),
        });
        input.tap_key_origins.extend([origin(key, *path)]);
    }
    for (output, pay) in psbt.outputs.iter_mut().zip(outputs) {
        if let Pay::Own(path, _) = pay {
            output.tap_key_origins.extend([origin(key, *path)]);
        }
    }
    psbt
}

pub fn bitcoin_request(psbt: &Psbt) -> proto::Transaction {
    proto::Transaction {
        chain: Some(proto::transaction::Chain::Bitcoin(
            proto::BitcoinTransaction {
                psbt: psbt.serialize(),
            },
        )),
    }
}

/// An EIP-1559 transaction's fields.
#[derive(Clone)]
pub struct Ether {
    pub chain_id: u128,
    pub nonce: u128,
    pub max_fee: u128,
    pub gas: u128,
    pub to: Vec<u8>,
    pub value: u128,
    pub data: Vec<u8>,
    pub from: KeyPath,
    pub own: Option<KeyPath>,
}

impl Ether {
    pub fn send(to: &str, value: u128) -> Self {
        Self {
            chain_id: 1337,
            nonce: 4,
            max_fee: 20_000_000_000,
            gas: 21_000,
            to: hex::decode(to.trim_start_matches("0x")).unwrap(),
            value,
            data: vec![],
            from: KeyPath::HOT,
            own: None,
        }
    }

    /// A call of `transfer` of a token's contract.
    pub fn token(contract: &str, to: &str, amount: u128) -> Self {
        let mut data = vec![0xa9, 0x05, 0x9c, 0xbb];
        data.extend([0; 12]);
        data.extend(hex::decode(to.trim_start_matches("0x")).unwrap());
        data.extend([0; 16]);
        data.extend(amount.to_be_bytes());
        Self {
            gas: 65_000,
            data,
            ..Self::send(contract, 0)
        }
    }

    pub fn request(&self) -> proto::Transaction {
        let number = |n: u128| string(trimmed(&n.to_be_bytes()));
        let fields = [
            number(self.chain_id),
            number(self.nonce),
            number(1_000_000_000),
            number(self.max_fee),
            number(self.gas),
            string(&self.to),
            number(self.value),
            string(&self.data),
            vec![0xc0],
        ]
        .concat();
        let mut unsigned = vec![2];
        unsigned.extend(prefixed(0xc0, &fields));
        proto::Transaction {
            chain: Some(proto::transaction::Chain::Ethereum(
                proto::EthereumTransaction {
                    unsigned,
                    from: Some(path(self.from)),
                    to: self.own.map(path),
                },
            )),
        }
    }
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..]
}

fn string(bytes: &[u8]) -> Vec<u8> {
    match bytes {
        [byte] if *byte < 0x80 => vec![*byte],
        _ => prefixed(0x80, bytes),
    }
}

fn prefixed(base: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap();
    let mut bytes = if length < 56 {
        vec![base + length]
    } else {
        vec![base + 56, length]
    };
    bytes.extend(content);
    bytes
}

fn path(path: KeyPath) -> proto::KeyPath {
    proto::KeyPath {
        path: Some(match path {
            KeyPath::Own(n) => proto::key_path::Path::Own(n),
            KeyPath::Deposit(user) => proto::key_path::Path::Deposit(user),
        }),
    }
}

/// An instruction of a Solana message: program, accounts, data.
pub type Call = (&'static str, Vec<String>, Vec<u8>);

pub const SYSTEM: &str = "11111111111111111111111111111111";
pub const TOKEN: &str = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";
pub const NONCE: &str = "Nonce11111111111111111111111111111111111111";
pub const NONCE_VALUE: [u8; 32] = [9; 32];

pub fn advance(authority: &str) -> Call {
    let sysvar = "SysvarRecentB1ockHashes11111111111111111111".to_owned();
    (
        SYSTEM,
        vec![NONCE.to_owned(), sysvar, authority.to_owned()],
        vec![4, 0, 0, 0],
    )
}

pub fn transfer(from: &str, to: &str, lamports: u64) -> Call {
    let data = [vec![2, 0, 0, 0], lamports.to_le_bytes().to_vec()].concat();
    (SYSTEM, vec![from.to_owned(), to.to_owned()], data)
}

/// A legacy message signed by `signers`, with every other account writable.
pub fn message(key: &GroupKey, signers: &[KeyPath], calls: &[Call]) -> Vec<u8> {
    let mut accounts: Vec<String> = signers
        .iter()
        .map(|path| base58::encode(&address::solana(key, *path).unwrap()))
        .collect();
    for (program, named, _) in calls {
        for account in named.iter().cloned().chain([(*program).to_owned()]) {
            if !accounts.contains(&account) {
                accounts.push(account);
            }
        }
    }
    let place = |account: &str| {
        let found = accounts.iter().position(|known| known == account).unwrap();
        u8::try_from(found).unwrap()
    };
    let mut bytes = vec![u8::try_from(signers.len()).unwrap(), 0, 0];
    bytes.push(u8::try_from(accounts.len()).unwrap());
    for text in &accounts {
        bytes.extend(account(text).unwrap());
    }
    bytes.extend(NONCE_VALUE);
    bytes.push(u8::try_from(calls.len()).unwrap());
    for (program, named, data) in calls {
        bytes.push(place(program));
        bytes.push(u8::try_from(named.len()).unwrap());
        bytes.extend(named.iter().map(|account| place(account)));
        bytes.push(u8::try_from(data.len()).unwrap());
        bytes.extend(data);
    }
    bytes
}

pub fn solana_request(message: &[u8], signers: &[KeyPath], own: &[KeyPath]) -> proto::Transaction {
    proto::Transaction {
        chain: Some(proto::transaction::Chain::Solana(
            proto::SolanaTransaction {
                message: message.to_vec(),
                signers: signers.iter().copied().map(path).collect(),
                own: own.iter().copied().map(path).collect(),
            },
        )),
    }
}
