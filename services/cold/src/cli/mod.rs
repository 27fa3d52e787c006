//! The commands of `outcry-cold`.

mod backup;
mod export;
mod person;
mod sign;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::Result;
use crate::key::{ColdKey, Cost, Keystore, Network};
use person::Person;

const EXAMPLES: &str = "\
Examples:
  outcry-cold create --network mainnet       make a key; write the words down
  outcry-cold check-backup                   type the words back, to be sure of them
  outcry-cold export                         what the online side may know
  outcry-cold sign ~/usb/request.gif         read, look, sign, show the answer
  outcry-cold sign --camera /dev/video0 --out answer

It has no network code, and the kernel kills it if it ever tries to make a socket.
Exit status: 0 done, 1 an error with its name on stderr, 2 wrong flags.";

/// Keeps one key offline; signs what QR codes bring, after a person has read it.
#[derive(Debug, Parser)]
#[command(name = "outcry-cold", version, after_help = EXAMPLES)]
pub struct Cli {
    /// The encrypted key.
    #[arg(long, global = true, value_name = "FILE", default_value = "cold.json")]
    keystore: PathBuf,
    /// A file with the passphrase, instead of asking; one line.
    #[arg(long, global = true, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// One JSON object on standard output; everything for people goes to standard error.
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a key of the system's randomness and, if wanted, of dice; shows the 24 words once.
    #[command(
        after_help = "Example: outcry-cold create --network mainnet --dice\n\nThe words alone restore the key: whoever reads them owns the coins."
    )]
    Create(Create),
    /// Make the keystore anew from the 24 words.
    #[command(after_help = "Example: outcry-cold restore --network mainnet")]
    Restore(Make),
    /// Compare the 24 words on paper with the keystore, without showing either.
    #[command(after_help = "Example: outcry-cold check-backup")]
    CheckBackup,
    /// Show what the online side may know: descriptor and addresses; as QR codes with --out.
    #[command(after_help = "Example: outcry-cold export --as crypto-account --out account")]
    Export(export::Export),
    /// Say what a request would do, without signing it.
    #[command(after_help = "Example: outcry-cold show request.gif")]
    Show(sign::Input),
    /// Read a request, say what it would do, ask, sign, and show the answer.
    #[command(
        after_help = "Example: outcry-cold sign request/ --out answer\n\nWarnings are accepted one by one: by typing `sign anyway`, or with --yes --accept NAME."
    )]
    Sign(sign::Sign),
}

#[derive(Args, Debug)]
struct Make {
    /// Practice and real coins have keystores of their own.
    #[arg(long, value_enum)]
    network: Network,
    /// Memory that a guess of the passphrase costs, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = Cost::DEFAULT.memory_mib)]
    memory: u32,
    /// Passes over that memory.
    #[arg(long, value_name = "N", default_value_t = Cost::DEFAULT.passes)]
    passes: u32,
}

#[derive(Args, Debug)]
struct Create {
    #[command(flatten)]
    make: Make,
    /// Ask for throws of a die too; 99 or more.
    #[arg(long)]
    dice: bool,
}

impl Make {
    const fn cost(&self) -> Cost {
        Cost {
            memory_mib: self.memory,
            passes: self.passes,
        }
    }
}

impl Cli {
    /// Does what was asked.
    ///
    /// # Errors
    /// Any of [`crate::ColdError`].
    pub fn run(&self) -> Result<()> {
        match &self.command {
            Command::Create(create) => backup::create(self, create),
            Command::Restore(make) => backup::restore(self, make),
            Command::CheckBackup => backup::check(self),
            Command::Export(export) => export::run(self, export),
            Command::Show(input) => sign::show(self, input),
            Command::Sign(sign) => sign::run(self, sign),
        }
    }

    fn person(&self) -> Person<'_> {
        Person::new(self.passphrase_file.as_deref())
    }

    fn open(&self) -> Result<ColdKey> {
        let keystore = Keystore::read(&self.keystore)?;
        keystore.open(&self.person().passphrase()?)
    }

    /// The result: as JSON, or in the words of `text`.
    fn tell(&self, value: &serde_json::Value, text: impl FnOnce() -> String) {
        if self.json {
            println!("{value}");
        } else {
            println!("{}", text());
        }
    }
}
