//! Nothing here or below speaks to a network: by the names of the crates, by their sources, by what the
//! program asks of the system's library, and by what the kernel does when it tries all the same.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// Crates that are there for the network, or bring it along.
const DENIED: [&str; 40] = [
    "async-std",
    "attohttpc",
    "axum",
    "curl",
    "curl-sys",
    "futures-net",
    "h2",
    "hickory-resolver",
    "hyper",
    "isahc",
    "jsonrpc",
    "libp2p",
    "minreq",
    "mio",
    "nanomsg",
    "native-tls",
    "netlink-sys",
    "nix",
    "openssl",
    "openssl-sys",
    "polling",
    "quinn",
    "reqwest",
    "rouille",
    "rustls",
    "smol",
    "socket2",
    "ssh2",
    "surf",
    "tiny_http",
    "tokio",
    "tonic",
    "trust-dns-resolver",
    "tungstenite",
    "ureq",
    "warp",
    "websocket",
    "windows-sys",
    "zbus",
    "zmq",
];
/// Bindings of system calls: what is used of them is shown by the features and by the program's symbols.
const BINDINGS: [&str; 3] = ["libc", "linux-raw-sys", "rustix"];
/// What a source has that makes a socket with the standard library or the system's. Naming the types is
/// harmless: `bitcoin-io` implements its own traits for them.
const SOCKETS: [&str; 9] = [
    "TcpStream::connect",
    "TcpListener::bind",
    "UdpSocket::bind",
    "UnixStream::connect",
    "UnixStream::pair",
    "UnixListener::bind",
    "UnixDatagram::",
    "to_socket_addrs()",
    "libc::socket(",
];
/// Functions of the system's library without which nobody reaches a network.
const SYMBOLS: [&str; 9] = [
    "socket",
    "connect",
    "bind",
    "listen",
    "accept",
    "accept4",
    "getaddrinfo",
    "gethostbyname",
    "sendto",
];

/// The packages that the program is made of: name to source directory and features.
fn packages() -> BTreeMap<String, (PathBuf, Vec<String>)> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let out = Command::new(cargo)
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--offline",
            "--filter-platform",
        ])
        .arg(format!("{}-unknown-linux-gnu", std::env::consts::ARCH))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(out.status.success());
    let metadata: Value = serde_json::from_slice(&out.stdout).unwrap();
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let node = |id: &Value| nodes.iter().find(|node| node["id"] == *id).unwrap();
    let mut reached = vec![metadata["resolve"]["root"].clone()];
    let mut next = 0;
    while let Some(id) = reached.get(next).cloned() {
        next += 1;
        for dependency in node(&id)["deps"].as_array().unwrap() {
            let kinds = dependency["dep_kinds"].as_array().unwrap();
            let built_in = kinds.iter().any(|kind| kind["kind"].is_null());
            if built_in && !reached.contains(&dependency["pkg"]) {
                reached.push(dependency["pkg"].clone());
            }
        }
    }
    let all = metadata["packages"].as_array().unwrap();
    all.iter()
        .filter(|package| reached.contains(&package["id"]))
        .map(|package| {
            let manifest = Path::new(package["manifest_path"].as_str().unwrap());
            let features = node(&package["id"])["features"].as_array().unwrap().iter();
            let features = features
                .map(|feature| feature.as_str().unwrap().to_owned())
                .collect();
            let name = package["name"].as_str().unwrap().to_owned();
            (name, (manifest.parent().unwrap().to_owned(), features))
        })
        .collect()
}

#[test]
fn no_crate_below_is_there_for_a_network() {
    let packages = packages();
    assert!(
        packages.contains_key("bitcoin") && packages.len() > 40,
        "{packages:?}"
    );
    let denied: Vec<_> = packages
        .keys()
        .filter(|name| DENIED.contains(&name.as_str()))
        .collect();
    assert!(denied.is_empty(), "{denied:?}");
    let (_, features) = &packages["rustix"];
    assert!(
        !features
            .iter()
            .any(|feature| feature == "net" || feature == "all-apis"),
        "{features:?}"
    );
}

#[test]
fn no_source_below_makes_a_socket() {
    let mut found = Vec::new();
    for (name, (directory, _)) in packages() {
        if BINDINGS.contains(&name.as_str()) {
            continue;
        }
        for path in sources(&directory.join("src")) {
            let text = fs::read_to_string(&path).unwrap_or_default();
            let code = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            let hits = code.filter(|line| SOCKETS.iter().any(|word| line.contains(word)));
            found.extend(hits.map(|line| format!("{}: {}", path.display(), line.trim())));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    entries
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| {
            if path.is_dir() {
                sources(&path)
            } else {
                vec![path]
            }
        })
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .collect()
}

#[test]
fn the_program_asks_the_system_for_no_socket() {
    let program = env!("CARGO_BIN_EXE_outcry-cold");
    let out = Command::new("nm")
        .args(["--dynamic", "--undefined-only", program])
        .output()
        .unwrap();
    assert!(out.status.success());
    let text = String::from_utf8(out.stdout).unwrap();
    let asked: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split_whitespace().last())
        .map(|symbol| symbol.split('@').next().unwrap())
        .collect();
    assert!(asked.contains(&"write"), "{asked:?}");
    let sockets: Vec<_> = asked
        .iter()
        .filter(|symbol| SYMBOLS.contains(symbol))
        .collect();
    assert!(sockets.is_empty(), "{sockets:?}");
}

/// Runs itself again: the one who tries is killed.
#[test]
fn whoever_makes_a_socket_is_killed() {
    const TRY: &str = "OUTCRY_COLD_TEST_SOCKET";
    if std::env::var_os(TRY).is_some() {
        outcry_cold::lockdown::lock_down().unwrap();
        #[allow(clippy::disallowed_types)]
        let bound = std::net::UdpSocket::bind("127.0.0.1:0");
        panic!("still alive after {bound:?}");
    }
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "whoever_makes_a_socket_is_killed"])
        .env(TRY, "1")
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.signal(), Some(libc::SIGSYS), "{status:?}");
}

/// In a network namespace of its own there is not even a loopback that is up.
#[test]
fn it_works_where_there_is_no_network() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).display().to_string();
    fs::write(at("passphrase"), "correct horse battery\n").unwrap();
    let words = format!("{}art\n", "abandon ".repeat(23));
    let run = |arguments: &[&str], typed: &str| {
        use std::io::Write;
        let mut child = Command::new("unshare")
            .args([
                "--map-root-user",
                "--net",
                env!("CARGO_BIN_EXE_outcry-cold"),
                "--json",
            ])
            .args([
                "--keystore",
                &at("cold.json"),
                "--passphrase-file",
                &at("passphrase"),
            ])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(typed.as_bytes())
            .unwrap();
        let out = child.wait_with_output().unwrap();
        assert!(out.status.success(), "{out:?}");
        serde_json::from_slice::<Value>(&out.stdout).unwrap()
    };
    run(
        &[
            "restore",
            "--network",
            "regtest",
            "--memory",
            "19",
            "--passes",
            "2",
        ],
        &words,
    );
    assert_eq!(run(&["check-backup"], &words)["backup"], "good");
    let exported = run(&["export", "--out", &at("account")], "");
    assert!(
        exported["bitcoin"]["descriptor"]
            .as_str()
            .unwrap()
            .starts_with("tr([")
    );
    assert!(Path::new(&at("account/all.gif")).exists());
}
