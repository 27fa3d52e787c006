//! The commands.

mod ceremony;
mod record;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, Parser, Subcommand};
use outcry_signer::config::Quorum;
use outcry_signer::error::Error;
use outcry_signer::node::Node;
use outcry_signer::policy::Policy;
use outcry_signer::server::{self, TlsFiles};
use outcry_signer::storage::{Directory, MasterKey};

const EXAMPLES: &str = "Examples:
  openssl rand -hex 32 > storage.key
  outcry-signer identity --data /var/lib/outcry-signer --storage-key storage.key
  outcry-signer run --data /var/lib/outcry-signer --storage-key storage.key --quorum quorum.json \\
      --policy policy.json --ca ca.pem --certificate signer-1.pem --key signer-1.key
  outcry-signer ceremony generate --record ceremony.json --ca ca.pem --certificate ceremony.pem \\
      --key ceremony.key --signer 1=https://signer-1:7443 --signer 2=https://signer-2:7443 \\
      --signer 3=https://signer-3:7443
  outcry-signer ceremony replace --lost 2 --record ceremony.json ...

docs/services/signer.md has the files' fields, every refusal and what to do; docs/security.md the threat model.";

/// One key share of Outcry's hot wallet: signs, with one of two others, what its own policy allows.
#[derive(Parser)]
#[command(name = "outcry-signer", version, after_help = EXAMPLES)]
pub struct Command {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Run the signer.
    Run(Run),
    /// Print this signer's public identity, which the others pin; make it when there is none.
    Identity {
        #[command(flatten)]
        disk: Disk,
        /// Write it to this file, too: a container's termination message tells it to Kubernetes.
        #[arg(long)]
        write: Option<PathBuf>,
    },
    /// Print what this signer is bound to, a JSON record a line. The signer must be stopped.
    Journal(Disk),
    /// Check a policy file, and print its digest.
    CheckPolicy {
        /// The file.
        policy: PathBuf,
    },
    /// Ask signers where they stand.
    Status(ceremony::Signers),
    /// Make, refresh or repair keys, by all three signers.
    Ceremony(ceremony::Ceremony),
}

/// A signer's directory and the key that it is encrypted under.
#[derive(Args)]
struct Disk {
    /// Directory with identity, shares and journal. Nobody else may use it.
    #[arg(long, env = "OUTCRY_DATA_DIR")]
    data: PathBuf,
    /// File of 32 bytes or 64 hex digits, from a Secret; never on the same disk.
    #[arg(long, env = "OUTCRY_STORAGE_KEY")]
    storage_key: PathBuf,
}

/// Certificates, all PEM.
#[derive(Args)]
struct Tls {
    /// Certificate authority of this quorum alone.
    #[arg(long, env = "OUTCRY_TLS_CA")]
    ca: PathBuf,
    /// Own certificate: a signer's names `signer-N`, a caller's `wallet` or `ceremony` (DNS names).
    #[arg(long, env = "OUTCRY_TLS_CERTIFICATE")]
    certificate: PathBuf,
    /// Its key.
    #[arg(long, env = "OUTCRY_TLS_KEY")]
    key: PathBuf,
}

#[derive(Args)]
struct Run {
    #[command(flatten)]
    disk: Disk,
    /// Who the three are (JSON).
    #[arg(long, env = "OUTCRY_QUORUM")]
    quorum: PathBuf,
    /// What this signer agrees to sign (JSON).
    #[arg(long, env = "OUTCRY_POLICY")]
    policy: PathBuf,
    /// Where it listens.
    #[arg(long, env = "OUTCRY_LISTEN", default_value = "0.0.0.0:7443")]
    listen: SocketAddr,
    #[command(flatten)]
    tls: Tls,
}

impl Disk {
    fn open(&self) -> Result<Directory, Error> {
        Directory::open(&self.data, MasterKey::read(&self.storage_key)?)
    }
}

impl Tls {
    fn files(&self) -> TlsFiles {
        TlsFiles {
            ca: self.ca.clone(),
            certificate: self.certificate.clone(),
            key: self.key.clone(),
        }
    }
}

impl Command {
    /// Does it.
    pub fn run(self) -> Result<(), Error> {
        match self.what {
            What::Run(run) => run.run(),
            What::Identity { disk, write } => identity(&disk, write.as_deref()),
            What::Journal(disk) => journal(&disk),
            What::CheckPolicy { policy } => check_policy(&policy),
            What::Status(signers) => runtime()?.block_on(signers.status()),
            What::Ceremony(ceremony) => runtime()?.block_on(ceremony.run()),
        }
    }
}

impl Run {
    fn run(&self) -> Result<(), Error> {
        let node = Node::open(
            self.disk.open()?,
            &Quorum::read(&self.quorum)?,
            Policy::read(&self.policy)?,
            Box::new(unix_millis),
        )?;
        let node = Arc::new(node);
        let status = node.status();
        eprintln!(
            "signer-{} identity {} policy {} keys {}",
            status.index,
            status.identity,
            status.policy_digest,
            status.keys.len()
        );
        let files = self.tls.files();
        runtime()?.block_on(async {
            // Before anybody is told that it listens: else a signal right after would end it unasked.
            let stopped = terminated()?;
            let ready = |address| eprintln!("listening on {address}");
            server::serve(node, self.listen, &files, ready, stopped).await
        })
    }
}

fn identity(disk: &Disk, write: Option<&Path>) -> Result<(), Error> {
    let public = disk.open()?.identity()?.public().to_string();
    println!("{public}");
    write.map_or(Ok(()), |path| {
        std::fs::write(path, public).map_err(|source| Error::File {
            path: path.to_owned(),
            source,
        })
    })
}

fn journal(disk: &Disk) -> Result<(), Error> {
    let (_, records) = disk.open()?.journal()?;
    for record in records {
        let line = serde_json::to_string(&record)
            .map_err(|error| Error::Crypto(format!("a record that can't be written: {error}")))?;
        println!("{line}");
    }
    Ok(())
}

fn check_policy(path: &Path) -> Result<(), Error> {
    let policy = Policy::read(path)?;
    Node::check(&policy)?;
    println!("{}", policy.digest);
    Ok(())
}

fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|source| Error::Setting {
            what: "threads".to_owned(),
            problem: source.to_string(),
        })
}

/// Ends at SIGTERM or Ctrl-C, which are heeded from this call on. Sessions that are open end with the process,
/// and their nonces with them.
///
/// # Errors
/// A system that gives no signals.
fn terminated() -> Result<impl Future<Output = ()>, Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| {
        signal(kind).map_err(|source| Error::Setting {
            what: "signals".to_owned(),
            problem: source.to_string(),
        })
    };
    let (mut term, mut interrupt) = (
        listen(SignalKind::terminate())?,
        listen(SignalKind::interrupt())?,
    );
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

fn unix_millis() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
}
