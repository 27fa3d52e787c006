//! The program itself: three processes, and a person's commands.
#![allow(clippy::unwrap_used)]

#[path = "common/authority.rs"]
mod authority;
#[path = "common/quorum.rs"]
#[allow(dead_code)]
mod quorum;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use authority::Authority;
use outcry_signer::server::TlsFiles;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_outcry-signer");

/// What a command that ended well said.
fn said(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A signer that runs, and where.
struct Running {
    process: Child,
    address: String,
}

impl Running {
    /// Sends SIGTERM; it must end well.
    fn stop(mut self) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").arg(pid).status().unwrap().success());
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for Running {
    /// A test that fails leaves nobody behind.
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Files of three signers.
struct Home {
    folder: TempDir,
    authority: Authority,
}

impl Home {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let authority = Authority::new(&folder.path().join("tls"));
        fs::write(
            folder.path().join("policy.json"),
            quorum::policy().to_string(),
        )
        .unwrap();
        for index in 1..=3_u8 {
            fs::write(
                folder.path().join(format!("{index}.key")),
                hex::encode([index; 32]),
            )
            .unwrap();
        }
        Self { folder, authority }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command about one signer's disk.
    fn disk(&self, what: &str, index: u8) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .arg(what)
            .arg("--data")
            .arg(self.path(&format!("data-{index}")));
        command
            .arg("--storage-key")
            .arg(self.path(&format!("{index}.key")));
        command
    }

    /// Each signer's public identity, pinned in all quorum files.
    fn pin(&self) {
        let identities: serde_json::Map<String, serde_json::Value> = (1..=3)
            .map(|index| {
                let told = self.path("told");
                let identity = said(
                    &self
                        .disk("identity", index)
                        .arg("--write")
                        .arg(&told)
                        .output()
                        .unwrap(),
                );
                assert_eq!(fs::read_to_string(told).unwrap(), identity.trim());
                (index.to_string(), identity.trim().into())
            })
            .collect();
        for index in 1..=3 {
            let file = serde_json::json!({"me": index, "identities": identities});
            fs::write(self.path(&format!("quorum-{index}.json")), file.to_string()).unwrap();
        }
    }

    fn run(&self, index: u8) -> Running {
        let mut command = self.disk("run", index);
        command
            .arg("--quorum")
            .arg(self.path(&format!("quorum-{index}.json")));
        command.arg("--policy").arg(self.path("policy.json"));
        command.args(["--listen", "127.0.0.1:0"]);
        with_tls(
            &mut command,
            &self.authority.issue(&format!("signer-{index}")),
        );
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let address = BufReader::new(process.stderr.take().unwrap())
            .lines()
            .map(Result::unwrap)
            .find_map(|line| line.strip_prefix("listening on ").map(str::to_owned))
            .unwrap();
        Running { process, address }
    }

    fn run_all(&self) -> Vec<Running> {
        (1..=3).map(|index| self.run(index)).collect()
    }

    /// A command to signers, by whoever holds the ceremony's certificate.
    fn ask(&self, words: &[&str], signers: &[Running]) -> Output {
        let mut command = Command::new(PROGRAM);
        command.args(words);
        for (at, running) in signers.iter().enumerate() {
            command
                .arg("--signer")
                .arg(format!("{}=https://{}", at + 1, running.address));
        }
        with_tls(&mut command, &self.authority.issue("ceremony"));
        command.output().unwrap()
    }

    fn ceremony(&self, words: &[&str], signers: &[Running]) -> Output {
        let record = self.path("ceremony.json");
        let mut all = vec!["ceremony"];
        all.extend_from_slice(words);
        all.extend(["--scheme", "taproot", "--record", record.to_str().unwrap()]);
        self.ask(&all, signers)
    }
}

fn with_tls(command: &mut Command, files: &TlsFiles) {
    command.arg("--ca").arg(&files.ca);
    command.arg("--certificate").arg(&files.certificate);
    command.arg("--key").arg(&files.key);
}

/// The last word of a line such as `taproot: epoch 1 in use, bcrt1p…`.
fn address(said: &str) -> String {
    said.split_whitespace().last().unwrap().to_owned()
}

fn lines(path: &Path) -> usize {
    fs::read_to_string(path).unwrap().lines().count()
}

#[test]
fn keys_are_made_refreshed_and_repaired_at_the_same_address() {
    let home = Home::new();
    home.pin();
    let signers = home.run_all();
    let told = home.path("told");
    let publish = ["generate", "--publish", told.to_str().unwrap()];
    let made = said(&home.ceremony(&publish, &signers));
    assert!(
        made.starts_with("taproot: epoch 1 in use, bcrt1p"),
        "{made}"
    );
    let line = fs::read_to_string(&told).unwrap();
    assert_eq!(
        line,
        fs::read_to_string(home.path("ceremony.json")).unwrap()
    );
    fs::remove_file(&told).unwrap();
    let again = said(&home.ceremony(&publish, &signers));
    assert_eq!(again, "taproot: there already\n");
    assert_eq!(fs::read_to_string(&told).unwrap(), line, "the last line");
    let refreshed = said(&home.ceremony(&["refresh"], &signers));
    assert!(
        refreshed.starts_with("taproot: epoch 2 in use"),
        "{refreshed}"
    );
    assert_eq!(address(&refreshed), address(&made));
    signers.into_iter().for_each(Running::stop);

    fs::remove_dir_all(home.path("data-2")).unwrap();
    home.pin();
    let signers = home.run_all();
    let replace = [
        "replace",
        "--lost",
        "2",
        "--publish",
        told.to_str().unwrap(),
    ];
    let replaced = said(&home.ceremony(&replace, &signers));
    assert_eq!(lines(&told), 2, "repair and refresh");
    assert!(
        fs::metadata(&told).unwrap().len() <= 4096,
        "a termination message holds it"
    );
    assert_eq!(address(&replaced), address(&made));
    let standing = said(&home.ask(&["status"], &signers));
    assert_eq!(standing.matches("  up  ").count(), 3, "{standing}");
    assert_eq!(standing.matches(&address(&made)).count(), 3, "{standing}");
    assert_eq!(lines(&home.path("ceremony.json")), 4);
    signers.into_iter().for_each(Running::stop);
    for line in said(&home.disk("journal", 1).output().unwrap()).lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
}

#[test]
fn what_is_wrong_is_said_with_its_name() {
    let home = Home::new();
    home.pin();
    let mut signers = home.run_all();
    signers.pop().unwrap().stop();
    let failed = home.ceremony(&["generate"], &signers);
    assert!(!failed.status.success());
    assert!(String::from_utf8_lossy(&failed.stderr).contains("a ceremony needs all three"));
    let gone = signers.pop().unwrap();
    let place = Running {
        process: Command::new("true").spawn().unwrap(),
        address: gone.address.clone(),
    };
    gone.stop();
    signers.push(place);
    let standing = said(&home.ask(&["status"], &signers));
    assert!(
        standing.contains("signer-1  up") && standing.contains("signer-2  down"),
        "{standing}"
    );
    signers.remove(0).stop();

    let policy = home.path("policy.json");
    let checked = Command::new(PROGRAM)
        .arg("check-policy")
        .arg(&policy)
        .output()
        .unwrap();
    assert_eq!(said(&checked).trim().len(), 64);
    fs::write(&policy, "{}").unwrap();
    let checked = Command::new(PROGRAM)
        .arg("check-policy")
        .arg(&policy)
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&checked.stderr).contains("risk_keys"));

    let twice =
        serde_json::json!({"me": 1, "identities": {"1": "aa".repeat(64), "2": "aa".repeat(64)}});
    fs::write(home.path("quorum-1.json"), twice.to_string()).unwrap();
    let run = {
        let mut command = home.disk("run", 1);
        command
            .arg("--quorum")
            .arg(home.path("quorum-1.json"))
            .arg("--policy")
            .arg(&policy);
        with_tls(&mut command, &home.authority.issue("signer-1"));
        command.output().unwrap()
    };
    assert!(!run.status.success());
}
