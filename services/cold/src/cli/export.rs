//! `export`: what an online machine needs to watch the cold wallet and to build for it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::Cli;
use super::person::say;
use crate::Result;
use crate::key::{ColdKey, ETHEREUM_PATH, SOLANA_PATH};
use crate::qr;
use crate::ur::{FRAGMENT, Message, crypto_account, crypto_hdkey, descriptor};

/// How the account of Bitcoin leaves in QR codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// The descriptor as text, in one code.
    Text,
    /// `ur:crypto-account`.
    CryptoAccount,
    /// `ur:crypto-hdkey`.
    CryptoHdkey,
}

#[derive(Args, Debug)]
pub struct Export {
    /// Write QR codes of Bitcoin's account there, as PNG and GIF.
    #[arg(long, value_name = "DIRECTORY")]
    out: Option<PathBuf>,
    /// What these codes say.
    #[arg(long = "as", value_enum, default_value_t = Form::CryptoAccount)]
    form: Form,
}

/// Prints public keys and addresses.
pub fn run(cli: &Cli, export: &Export) -> Result<()> {
    let key = cli.open()?;
    let descriptor = descriptor(&key)?;
    let first = key.bitcoin_address(0, 0)?.to_string();
    let (_, ethereum) = key.ethereum()?;
    let solana = key.solana_address();
    let texts = texts(&key, &descriptor, export.form)?;
    if let Some(directory) = &export.out {
        let written = qr::write(&texts, directory)?;
        say(&format!(
            "{} codes in {}\n",
            written.frames.len(),
            directory.display()
        ));
    }
    let (fingerprint, network) = (key.fingerprint().to_string(), key.network().name());
    let told = json!({
        "fingerprint": fingerprint,
        "network": network,
        "bitcoin": {"descriptor": descriptor, "firstAddress": first, "codes": texts},
        "ethereum": {"path": ETHEREUM_PATH, "address": ethereum.to_string()},
        "solana": {"path": SOLANA_PATH, "address": solana},
    });
    cli.tell(&told, || {
        format!(
            "{fingerprint} for {network}\nbitcoin   {descriptor}\n          first address {first}\n\
             ethereum  {ethereum} at {ETHEREUM_PATH}\nsolana    {solana} at {SOLANA_PATH}"
        )
    });
    Ok(())
}

fn texts(key: &ColdKey, descriptor: &str, form: Form) -> Result<Vec<String>> {
    let frames = |message: Message| Ok(message.frames(FRAGMENT)?.texts);
    match form {
        Form::Text => Ok(vec![descriptor.to_owned()]),
        Form::CryptoAccount => frames(crypto_account(key)?),
        Form::CryptoHdkey => frames(crypto_hdkey(key)?),
    }
}
