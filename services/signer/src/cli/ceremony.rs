//! Ceremonies: explicit, recorded, and resumed by running the same command again.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use outcry_signer::client::Remote;
use outcry_signer::error::Error;
use outcry_signer::proto::open_ceremony_request::Kind;
use outcry_signer::proto::{GenerateKey, KeyStatus, RefreshKey, RepairKey, SignerStatus};
use outcry_signer::protocol::Index;
use outcry_signer::relay::{self, End};
use outcry_signer::scheme::Scheme;

use super::record::Record;
use super::{Tls, unix_millis};

/// Whom to call.
#[derive(Args)]
pub struct Signers {
    /// A signer and its address, e.g. 1=https://signer-1:7443. Once for each.
    #[arg(long = "signer", value_parser = signer, required = true)]
    signers: Vec<(Index, String)>,
    #[command(flatten)]
    tls: Tls,
}

/// Make, refresh or repair keys.
#[derive(Args)]
pub struct Ceremony {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Make the keys that are not there yet.
    Generate(Common),
    /// New shares of the same keys: what was stolen of old ones is worth nothing afterwards.
    Refresh(Common),
    /// The shares of a lost signer made anew by the two others, then new shares for all. Pin the new signer's
    /// identity in every quorum file first.
    Replace {
        /// Which signer lost its shares.
        #[arg(long, value_parser = clap::value_parser!(u8).range(1..=3))]
        lost: u8,
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Args)]
struct Common {
    /// Where every signer's signed confirmations are written down (JSON); appended to.
    #[arg(long)]
    record: PathBuf,
    /// Write what this ceremony added to the record, or its last line when there was nothing to add, to this
    /// file, too: a container's termination message tells it to Kubernetes.
    #[arg(long)]
    publish: Option<PathBuf>,
    /// taproot, ed25519 or ecdsa; all three when absent.
    #[arg(long)]
    scheme: Option<Scheme>,
    #[command(flatten)]
    signers: Signers,
}

fn signer(text: &str) -> Result<(Index, String), String> {
    let (index, address) = text.split_once('=').ok_or("not N=https://host:port")?;
    let index: u8 = index.parse().map_err(|_| "not N=https://host:port")?;
    Ok((Index::try_from(index)?, address.to_owned()))
}

impl Signers {
    fn connect(&self) -> Result<BTreeMap<Index, Remote>, Error> {
        self.signers
            .iter()
            .map(|(index, address)| {
                let remote = Remote::new(address, &index.to_string(), &self.tls.files())?;
                Ok((*index, remote))
            })
            .collect()
    }

    /// Prints where each stands; one that is down doesn't hide the others.
    pub async fn status(&self) -> Result<(), Error> {
        for (index, remote) in self.connect()? {
            match remote.status().await {
                Ok(status) => print(index, &status),
                Err(error) => println!("{index}  down  {error}"),
            }
        }
        Ok(())
    }
}

fn print(index: Index, status: &SignerStatus) {
    println!(
        "{index}  up  version {}  identity {}  policy {}  sessions {}",
        status.version, status.identity, status.policy_digest, status.open_sessions
    );
    for key in &status.keys {
        let pending = if key.pending { "  pending" } else { "" };
        println!(
            "  {:<8} epoch {}  {}{pending}",
            key.scheme, key.epoch, key.address
        );
        if !key.xpub.is_empty() {
            println!("           {}", key.xpub);
        }
    }
    for banned in &status.banned {
        println!("  refuses signer-{banned}: it cheated; replace it");
    }
}

impl Ceremony {
    /// Runs it.
    pub async fn run(&self) -> Result<(), Error> {
        let (What::Generate(common) | What::Refresh(common) | What::Replace { common, .. }) =
            &self.what;
        let signers = common.signers.connect()?;
        if signers.len() != Index::ALL.len() {
            return Err(Error::Setting {
                what: "--signer".to_owned(),
                problem: "a ceremony needs all three".to_owned(),
            });
        }
        let run = Running {
            signers,
            record: Record::open(&common.record)?,
        };
        let schemes: Vec<Scheme> = common
            .scheme
            .map_or_else(|| Scheme::ALL.to_vec(), |scheme| vec![scheme]);
        let before = run.record.lines()?.len();
        for scheme in schemes {
            self.one(&run, scheme).await?;
        }
        common
            .publish
            .as_ref()
            .map_or(Ok(()), |path| run.record.publish(path, before))
    }

    async fn one(&self, run: &Running, scheme: Scheme) -> Result<(), Error> {
        run.resume(scheme).await?;
        let keys = run.keys(scheme).await?;
        match &self.what {
            What::Generate(_) if keys.len() == Index::ALL.len() => {
                println!("{scheme}: there already");
                Ok(())
            }
            What::Generate(_) => {
                run.make(scheme, "generate", Kind::Generate(GenerateKey {}))
                    .await
            }
            What::Refresh(_) => run.refresh(scheme, &keys).await,
            What::Replace { lost, .. } => {
                let epoch = highest(&keys);
                let lost = u32::from(*lost);
                run.confirm(scheme, "repair", Kind::Repair(RepairKey { epoch, lost }))
                    .await?;
                run.refresh(scheme, &keys).await
            }
        }
    }
}

struct Running {
    signers: BTreeMap<Index, Remote>,
    record: Record,
}

impl Running {
    /// The active key of this scheme at each signer that has one.
    async fn keys(&self, scheme: Scheme) -> Result<BTreeMap<Index, KeyStatus>, Error> {
        let mut keys = BTreeMap::new();
        for (index, signer) in &self.signers {
            let status = signer.status().await?;
            let key = status
                .keys
                .into_iter()
                .find(|key| key.scheme == scheme.name() && key.epoch > 0);
            if let Some(key) = key {
                keys.insert(*index, key);
            }
        }
        Ok(keys)
    }

    /// Finishes what an earlier run confirmed but didn't activate everywhere.
    async fn resume(&self, scheme: Scheme) -> Result<(), Error> {
        let Some(confirmations) = self.record.last(scheme)? else {
            return Ok(());
        };
        let epoch = confirmations.first().map_or(0, |first| first.epoch);
        let keys = self.keys(scheme).await?;
        let behind = Index::ALL.into_iter().any(|index| {
            keys.get(&index).is_some_and(|key| key.epoch < epoch) || !keys.contains_key(&index)
        });
        let begun = keys.values().all(|key| key.epoch <= epoch);
        if behind && begun && relay::activate(&self.signers, &confirmations).await.is_ok() {
            println!("{scheme}: epoch {epoch}, confirmed before, is in use");
        }
        Ok(())
    }

    async fn refresh(
        &self,
        scheme: Scheme,
        keys: &BTreeMap<Index, KeyStatus>,
    ) -> Result<(), Error> {
        let epoch = highest(keys);
        self.make(scheme, "refresh", Kind::Refresh(RefreshKey { epoch }))
            .await
    }

    async fn make(&self, scheme: Scheme, name: &str, kind: Kind) -> Result<(), Error> {
        let confirmations = self.confirm(scheme, name, kind).await?;
        let active = relay::activate(&self.signers, &confirmations)
            .await
            .map_err(|end| ended(scheme, name, &end))?;
        for key in active.values().take(1) {
            println!("{scheme}: epoch {} in use, {}", key.epoch, key.address);
        }
        Ok(())
    }

    /// Runs the protocol and writes down what all three confirm, before anybody acts on it.
    async fn confirm(
        &self,
        scheme: Scheme,
        name: &str,
        kind: Kind,
    ) -> Result<Vec<outcry_signer::proto::Confirmation>, Error> {
        let now = unix_millis();
        let confirmations = relay::ceremony(&self.signers, scheme, kind, now)
            .await
            .map_err(|end| ended(scheme, name, &end))?;
        self.record.append(now, name, &confirmations)?;
        Ok(confirmations)
    }
}

fn highest(keys: &BTreeMap<Index, KeyStatus>) -> u32 {
    keys.values().map(|key| key.epoch).max().unwrap_or(0)
}

fn ended(scheme: Scheme, name: &str, end: &End) -> Error {
    let problem = match end {
        End::Done(_) => "ended without all three".to_owned(),
        End::Faults(faults) => faults
            .iter()
            .map(|fault| match fault.accused {
                0 => format!("signer-{}: {}", fault.accuser, fault.reason),
                accused => format!(
                    "signer-{} accuses signer-{accused}: {}",
                    fault.accuser, fault.reason
                ),
            })
            .collect::<Vec<_>>()
            .join("; "),
        End::Refused(refusals) => refusals
            .iter()
            .map(|(index, refusal)| format!("{index}: {}: {}", refusal.code, refusal.message))
            .collect::<Vec<_>>()
            .join("; "),
        End::Unreachable(signers) => signers
            .iter()
            .map(|(index, problem)| format!("{index}: {problem}"))
            .collect::<Vec<_>>()
            .join("; "),
    };
    Error::Peer {
        peer: format!("{name} of {scheme}"),
        problem,
    }
}
