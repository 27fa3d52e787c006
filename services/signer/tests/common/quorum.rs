//! A quorum of three signers in this process, with directories of their own, a policy and risk's key.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use ed25519_dalek::{Signer as _, SigningKey};
use outcry_signer::config::Quorum as Config;
use outcry_signer::error::Error;
use outcry_signer::node::Node;
use outcry_signer::policy::Policy;
use outcry_signer::proto::open_ceremony_request::Kind;
use outcry_signer::proto::{self, GenerateKey, RefreshKey};
use outcry_signer::protocol::Index;
use outcry_signer::relay::{self, Signing};
use outcry_signer::scheme::{GroupKey, Scheme};
use outcry_signer::storage::{Directory, MasterKey};
use prost::Message as _;
use tempfile::TempDir;

/// Unix milliseconds at which tests begin.
pub const NOW: u64 = 1_800_000_000_000;
pub const USDT: &str = "USDT@0xdac17f958d2ee523a2206206994597c13d831ec7";
pub const USDC: &str = "USDC@EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v";
pub const COLD_BITCOIN: &str = "bcrt1q6rz28mcfaxtmd6v789l9rrlrusdprr9pz3cppk";
pub const COLD_ETHEREUM: &str = "0x00000000000000000000000000000000c01d0000";
pub const COLD_SOLANA: &str = "Co1dCo1dCo1dCo1dCo1dCo1dCo1dCo1dCo1dCo1dCo1d";

/// Risk's key in tests.
pub fn risk() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// A policy with small limits. Amounts are satoshi, wei, lamports.
pub fn policy() -> serde_json::Value {
    let limits = |one: &str, day: &str, address: &str| {
        serde_json::json!({
            "per_withdrawal": one, "per_day": day, "per_address_per_day": address,
            "approvers": [{"amount": one, "approvers": 2}],
        })
    };
    serde_json::json!({
        "risk_keys": {"risk-1": hex::encode(risk().verifying_key().as_bytes())},
        "bitcoin": {
            "network": "regtest", "max_fee": "100000", "max_fee_rate": 500, "max_fee_per_day": "200000",
            "cold": [COLD_BITCOIN], "limits": limits("100000000", "250000000", "200000000"),
        },
        "ethereum": {
            "chain_id": 1337, "max_fee": "10000000000000000", "max_fee_per_day": "20000000000000000",
            "gas_top_up": "1000000000000000", "cold": [COLD_ETHEREUM],
            "assets": {
                "ETH": limits("10000000000000000000", "50000000000000000000", "50000000000000000000"),
                USDT: limits("1000000000", "5000000000", "5000000000"),
            },
        },
        "solana": {
            "network": "localnet", "max_fee": "10000000", "max_fee_per_day": "20000000",
            "cold": [COLD_SOLANA],
            "assets": {
                "SOL": limits("100000000000", "500000000000", "500000000000"),
                USDC: limits("1000000000", "5000000000", "5000000000"),
            },
        },
    })
}

/// Directories of three signers whose keys are made, once for each test program.
fn template() -> &'static TempDir {
    static TEMPLATE: OnceLock<TempDir> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let home = TempDir::new().unwrap();
        let quorum = Quorum::open(&home, &policy(), &[]);
        for scheme in Scheme::ALL {
            quorum
                .ceremony(scheme, Kind::Generate(GenerateKey {}))
                .unwrap();
        }
        home
    })
}

pub struct Quorum {
    pub nodes: BTreeMap<Index, Arc<Node>>,
    pub clock: Arc<AtomicU64>,
}

fn master(index: Index) -> MasterKey {
    MasterKey::new([index.get(); 32])
}

fn directory(home: &Path, index: Index) -> std::path::PathBuf {
    home.join(index.to_string())
}

/// A copy of the keys that all tests share, to work on.
pub fn copy() -> TempDir {
    let home = TempDir::new().unwrap();
    copy_all(template().path(), home.path());
    home
}

fn copy_all(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy_all(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

impl Quorum {
    /// Signers with keys, in `home`.
    pub fn open(home: &TempDir, policy: &serde_json::Value, down: &[Index]) -> Self {
        let identities = Index::ALL
            .into_iter()
            .map(|index| {
                let path = directory(home.path(), index);
                let identity = Directory::open(&path, master(index)).unwrap().identity();
                (index, identity.unwrap().public())
            })
            .collect();
        let clock = Arc::new(AtomicU64::new(NOW));
        let nodes = Index::ALL
            .into_iter()
            .filter(|index| !down.contains(index))
            .map(|me| {
                let config = Config {
                    me,
                    identities: BTreeMap::clone(&identities),
                };
                let node = node(home, &config, policy, &clock).unwrap();
                (me, Arc::new(node))
            })
            .collect();
        Self { nodes, clock }
    }

    pub fn key(&self, scheme: Scheme) -> GroupKey {
        let status = self.nodes.values().next().unwrap().status();
        let key = status
            .keys
            .into_iter()
            .find(|key| key.scheme == scheme.name())
            .unwrap();
        GroupKey {
            scheme,
            public_key: key.public_key,
            chain_code: key.chain_code.try_into().unwrap(),
        }
    }

    pub fn now(&self) -> u64 {
        self.clock.load(Ordering::Relaxed)
    }

    pub fn ceremony(
        &self,
        scheme: Scheme,
        kind: Kind,
    ) -> Result<Vec<proto::Confirmation>, relay::End> {
        let repair = matches!(kind, Kind::Repair(_));
        let confirmations = wait(relay::ceremony(&self.nodes, scheme, kind, self.now()))?;
        if !repair {
            wait(relay::activate(&self.nodes, &confirmations))?;
        }
        Ok(confirmations)
    }

    pub fn refresh(&self, scheme: Scheme, epoch: u32) {
        self.ceremony(scheme, Kind::Refresh(RefreshKey { epoch }))
            .unwrap();
    }

    pub fn sign(
        &self,
        transaction: &proto::Transaction,
        approvals: &[proto::SignedApproval],
    ) -> Signing {
        wait(relay::sign(&self.nodes, transaction, approvals, || {
            self.now()
        }))
    }

    /// What one signer says to a request on its own.
    pub fn ask(
        &self,
        index: Index,
        transaction: &proto::Transaction,
        approvals: &[proto::SignedApproval],
    ) -> Result<proto::RoundResponse, outcry_signer::error::Refusal> {
        let other = Index::ALL
            .into_iter()
            .find(|other| *other != index)
            .unwrap();
        let mut participants = [u32::from(index.get()), u32::from(other.get())];
        participants.sort_unstable();
        self.nodes[&index].open_signing(&proto::OpenSigningRequest {
            session_id: relay::session_id(self.now()),
            participants: participants.to_vec(),
            transaction: Some(transaction.clone()),
            approvals: approvals.to_vec(),
        })
    }

    /// The code by which the first signer refuses.
    pub fn refusal(
        &self,
        transaction: &proto::Transaction,
        approvals: &[proto::SignedApproval],
    ) -> String {
        match self.ask(Index::ALL[0], transaction, approvals) {
            Ok(_) => "signed".to_owned(),
            Err(refusal) => refusal.to_string(),
        }
    }
}

/// One signer, opened or opened again.
pub fn node(
    home: &TempDir,
    config: &Config,
    policy: &serde_json::Value,
    clock: &Arc<AtomicU64>,
) -> Result<Node, Error> {
    let clock = clock.clone();
    let policy = Policy::parse(policy.to_string().as_bytes()).unwrap();
    let directory = Directory::open(&directory(home.path(), config.me), master(config.me))?;
    Node::open(
        directory,
        config,
        policy,
        Box::new(move || clock.load(Ordering::Relaxed)),
    )
}

pub fn wait<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

/// An approval of risk, as it would be for `chain`; change it, then [`signed`].
pub fn approval(
    chain: &str,
    id: &str,
    asset: &str,
    address: &str,
    amount: u128,
    point: &str,
) -> proto::WithdrawalApproval {
    let network = match chain {
        "bitcoin" => "regtest",
        "ethereum" => "1337",
        _ => "localnet",
    };
    let now = i64::try_from(NOW).unwrap() * 1_000_000;
    proto::WithdrawalApproval {
        withdrawal_id: id.to_owned(),
        chain: chain.to_owned(),
        network: network.to_owned(),
        asset: asset.to_owned(),
        address: address.to_owned(),
        amount: amount.to_string(),
        conflict_point: point.to_owned(),
        max_fee: "10000000000000000".to_owned(),
        reviewed_at: now,
        expires_at: now + 3_600_000_000_000,
        tier: "automatic".to_owned(),
        approvers: vec![],
    }
}

pub fn signed(approval: &proto::WithdrawalApproval) -> proto::SignedApproval {
    let bytes = approval.encode_to_vec();
    let message = [b"outcry/withdrawal-approval/v1\0".as_slice(), &bytes].concat();
    proto::SignedApproval {
        approval: bytes,
        key_id: "risk-1".to_owned(),
        signature: risk().sign(&message).to_bytes().to_vec(),
    }
}
