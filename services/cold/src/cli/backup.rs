//! Making a key, making it anew from paper, and being sure of the paper.

use bip39::Mnemonic;
use serde_json::json;
use zeroize::Zeroizing;

use super::person::{ask, say};
use super::{Cli, Create, Make};
use crate::key::{Keystore, fresh, from_words, words};
use crate::{ColdError, Result};

/// Words that are asked back before the keystore is written.
const ASKED: usize = 4;

/// `create`: the words are shown, asked back, and only then is there a keystore.
pub fn create(cli: &Cli, create: &Create) -> Result<()> {
    free(cli)?;
    let dice = if create.dice {
        Some(ask(
            "Throws of a die, 99 or more, each 1 to 6, on one line:\n",
        )?)
    } else {
        None
    };
    let entropy = fresh(dice.as_deref().map(String::as_str))?;
    let backup = words(&entropy)?;
    show(&backup);
    ask_back(&backup)?;
    keep(cli, &create.make, &entropy)
}

/// `restore`.
pub fn restore(cli: &Cli, make: &Make) -> Result<()> {
    free(cli)?;
    let entropy = from_words(&ask("The 24 words, on one line:\n")?)?;
    keep(cli, make, &entropy)
}

/// `check-backup`.
pub fn check(cli: &Cli) -> Result<()> {
    let keystore = Keystore::read(&cli.keystore)?;
    let kept = keystore.entropy(&cli.person().passphrase()?)?;
    let written = from_words(&ask("The 24 words, on one line:\n")?)?;
    if *kept != *written {
        return Err(ColdError::Backup(
            "these words are a backup, but of another key".into(),
        ));
    }
    let fingerprint = keystore.fingerprint();
    cli.tell(
        &json!({"backup": "good", "fingerprint": fingerprint}),
        || format!("The backup is good: its words restore {fingerprint}."),
    );
    Ok(())
}

fn free(cli: &Cli) -> Result<()> {
    if cli.keystore.exists() {
        let path = cli.keystore.display();
        return Err(ColdError::Usage(format!(
            "{path} is there already; a keystore is never replaced"
        )));
    }
    Ok(())
}

fn show(backup: &Mnemonic) {
    say(
        "\nWrite these words down, on paper or steel, in this order. They are shown this once.\n\n",
    );
    for (place, word) in backup.words().enumerate() {
        let end = if place % 4 == 3 { "\n" } else { "" };
        say(&format!("{:>4}. {word:<12}{end}", place + 1));
    }
    say("\n");
}

/// Places chosen at random, so that nobody writes down just those that are always asked.
fn ask_back(backup: &Mnemonic) -> Result<()> {
    let words: Vec<&str> = backup.words().collect();
    let mut places: Vec<usize> = (0..words.len()).collect();
    for turn in 0..ASKED {
        let random = getrandom::u64()
            .map_err(|error| ColdError::System(format!("no randomness: {error}")))?;
        let left = places.len() as u64;
        let place = places.remove(usize::try_from(random % left).unwrap_or(0));
        let answer: Zeroizing<String> =
            ask(&format!("Word {} ({} of {ASKED}): ", place + 1, turn + 1))?;
        if !answer.eq_ignore_ascii_case(words[place]) {
            let place = place + 1;
            return Err(ColdError::Backup(format!(
                "that isn't word {place}: nothing was kept, begin anew"
            )));
        }
    }
    Ok(())
}

fn keep(cli: &Cli, make: &Make, entropy: &[u8; 32]) -> Result<()> {
    let passphrase = cli.person().new_passphrase()?;
    let keystore = Keystore::create(
        &cli.keystore,
        entropy,
        make.network,
        &passphrase,
        make.cost(),
    )?;
    let (fingerprint, network) = (keystore.fingerprint(), keystore.network().name());
    let path = cli.keystore.display();
    cli.tell(&json!({"keystore": path.to_string(), "fingerprint": fingerprint, "network": network}), || {
        format!("{path} keeps {fingerprint} for {network}. Next: outcry-cold check-backup, then export.")
    });
    Ok(())
}
