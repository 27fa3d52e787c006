//! `outcry-cold`: see `outcry-cold --help`.

use std::process::ExitCode;

use clap::Parser;
use outcry_cold::cli::Cli;
use outcry_cold::lockdown::lock_down;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match lock_down().and_then(|()| cli.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if cli.json {
                let told = serde_json::json!({"error": error.name(), "message": error.to_string()});
                println!("{told}");
            }
            eprintln!("outcry-cold: {}: {error}", error.name());
            ExitCode::FAILURE
        }
    }
}
