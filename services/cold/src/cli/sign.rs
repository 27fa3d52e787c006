//! `show` and `sign`: frames in, a review, a question, frames out.

use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Cli;
use super::person::{ask, say};
use crate::chain::Transaction;
use crate::key::ColdKey;
use crate::qr::{self, Source};
use crate::review::Review;
use crate::tokens::Tokens;
use crate::ur::{Collector, FRAGMENT, Message};
use crate::{ColdError, Result};

/// Where the request is.
#[derive(Args, Debug)]
#[group(required = true, multiple = true)]
pub struct Input {
    /// PNG, GIF, a directory of them, or a video (read by ffmpeg).
    #[arg(value_name = "FRAMES")]
    files: Vec<PathBuf>,
    /// A camera, such as /dev/video0 (read by ffmpeg). Untested.
    #[arg(long, value_name = "DEVICE")]
    camera: Option<PathBuf>,
    /// Names and scales of tokens, beside USDT and USDC: a JSON list of `contract`, `chainId`, `symbol`, `decimals`.
    #[arg(long, value_name = "FILE")]
    tokens: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct Sign {
    #[command(flatten)]
    input: Input,
    /// Write the answer's frames there, as PNG and GIF; else they are shown in the terminal.
    #[arg(long, value_name = "DIRECTORY")]
    out: Option<PathBuf>,
    /// Don't ask; refuses when a warning is not named by --accept.
    #[arg(long)]
    yes: bool,
    /// A warning that was thought about, such as `HIGH_FEE`; may be repeated.
    #[arg(long, value_name = "NAME", requires = "yes")]
    accept: Vec<String>,
    /// Bytes of the message in a frame.
    #[arg(long, value_name = "BYTES", default_value_t = FRAGMENT)]
    fragment: usize,
}

/// `show`.
pub fn show(cli: &Cli, input: &Input) -> Result<()> {
    let transaction = read(cli, input)?.1;
    let review = transaction.review();
    cli.tell(&json!({"review": review}), || review.to_string());
    Ok(())
}

/// `sign`.
pub fn run(cli: &Cli, sign: &Sign) -> Result<()> {
    if sign.out.is_none() && !cli.json && !std::io::stdout().is_terminal() {
        return Err(ColdError::Usage(
            "the answer has nowhere to go: --out DIRECTORY, --json or a terminal".into(),
        ));
    }
    let (key, transaction) = read(cli, &sign.input)?;
    let review = transaction.review().clone();
    say(&review.to_string());
    agreed(&review, sign)?;
    let answer = transaction.sign(&key)?;
    // Before the answer is shown, which may take as long as a person likes.
    drop(key);
    hand_over(cli, sign, &review, &answer)
}

fn read(cli: &Cli, input: &Input) -> Result<(ColdKey, Transaction)> {
    let tokens = match &input.tokens {
        Some(file) => Tokens::default().with_file(file)?,
        None => Tokens::default(),
    };
    let message = collect(input)?;
    let key = cli.open()?;
    let transaction = Transaction::read(&message, &key, &tokens)?;
    Ok((key, transaction))
}

fn collect(input: &Input) -> Result<Message> {
    let mut sources: Vec<Source> = input.files.iter().map(|path| Source::file(path)).collect();
    sources.extend(input.camera.iter().cloned().map(Source::Camera));
    let mut collector = Collector::default();
    let live = std::io::stderr().is_terminal();
    qr::watch(&sources, &mut |text| {
        let whole = collector.receive(&text)?.is_some();
        let (known, wanted) = collector.progress();
        if live && wanted > 0 {
            say(&format!(
                "\r{known} of {wanted} fragments{}",
                if whole { "\n" } else { "" }
            ));
        }
        Ok(if whole {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    })?;
    collector.finish()
}

/// A yes, and for a review with warnings more than a yes.
fn agreed(review: &Review, sign: &Sign) -> Result<()> {
    if sign.yes {
        let unnamed = review
            .warnings
            .iter()
            .find(|w| !sign.accept.iter().any(|name| name == w.name));
        return unnamed.map_or(Ok(()), |warning| {
            let (name, text) = (warning.name, &warning.text);
            Err(ColdError::Declined(format!(
                "{name}: {text}; --accept {name} if that is meant"
            )))
        });
    }
    let wanted = if review.warnings.is_empty() {
        "yes"
    } else {
        "sign anyway"
    };
    let answer = ask(&format!(
        "Type `{wanted}` to sign, anything else to leave it: "
    ))?;
    if answer.as_str() == wanted {
        Ok(())
    } else {
        Err(ColdError::Declined("as was answered".into()))
    }
}

fn hand_over(cli: &Cli, sign: &Sign, review: &Review, answer: &Message) -> Result<()> {
    let frames = answer.frames(sign.fragment)?;
    let mut animation = None;
    if let Some(directory) = &sign.out {
        let written = qr::write(&frames.texts, directory)?;
        say(&format!(
            "{} frames in {}\n",
            written.frames.len(),
            directory.display()
        ));
        animation = Some(written.animation.display().to_string());
    }
    if cli.json {
        let answer =
            json!({"type": answer.kind, "fragments": frames.fragments, "frames": frames.texts});
        println!(
            "{}",
            json!({"review": review, "answer": answer, "animation": animation})
        );
    } else if sign.out.is_none() {
        qr::animate(&frames.texts)?;
    }
    Ok(())
}
