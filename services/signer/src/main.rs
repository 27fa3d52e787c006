//! `outcry-signer`: one key share of the hot wallet, and the ceremonies around it.

mod cli;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match cli::Command::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("outcry-signer: {error}");
            ExitCode::FAILURE
        }
    }
}
