//! The person in front of the machine: questions on standard error, answers from standard input.

use std::io::{Write, stderr, stdin};
use std::path::Path;

use zeroize::Zeroizing;

use crate::{ColdError, Result};

/// Who is asked.
pub struct Person<'a> {
    passphrase_file: Option<&'a Path>,
}

impl<'a> Person<'a> {
    /// One whose passphrase may come from a file.
    pub const fn new(passphrase_file: Option<&'a Path>) -> Self {
        Self { passphrase_file }
    }

    /// The passphrase of a keystore that is there.
    pub fn passphrase(&self) -> Result<Zeroizing<String>> {
        match self.passphrase_file {
            Some(file) => from_file(file),
            None => hidden("Passphrase: "),
        }
    }

    /// A new passphrase, typed twice.
    pub fn new_passphrase(&self) -> Result<Zeroizing<String>> {
        if let Some(file) = self.passphrase_file {
            return from_file(file);
        }
        let first = hidden("New passphrase: ")?;
        crate::key::strong_enough(&first)?;
        if *hidden("The same again: ")? != *first {
            return Err(ColdError::Weak("the two passphrases differ".into()));
        }
        Ok(first)
    }
}

/// A line, the question before it.
pub fn ask(question: &str) -> Result<Zeroizing<String>> {
    say(question);
    let mut line = Zeroizing::new(String::new());
    let read = stdin()
        .read_line(&mut line)
        .map_err(ColdError::file(Path::new("standard input")))?;
    if read == 0 {
        return Err(ColdError::Declined("nobody answered".into()));
    }
    Ok(Zeroizing::new(line.trim().to_owned()))
}

/// Text for the person alone.
pub fn say(text: &str) {
    let mut out = stderr();
    // A terminal that is gone can't be told so.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn hidden(question: &str) -> Result<Zeroizing<String>> {
    let typed =
        rpassword::prompt_password(question).map_err(ColdError::file(Path::new("the terminal")))?;
    Ok(Zeroizing::new(typed))
}

fn from_file(path: &Path) -> Result<Zeroizing<String>> {
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(ColdError::file(path))?);
    Ok(Zeroizing::new(
        text.trim_end_matches(['\r', '\n']).to_owned(),
    ))
}
