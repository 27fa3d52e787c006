//! What the disk holds after crashes, and what a changed disk does.

use std::path::Path;

use outcry_signer::storage::{Directory, MasterKey, Record};

fn open(path: &Path) -> Directory {
    Directory::open(path, MasterKey::new([3; 32])).unwrap()
}

fn session(n: u8) -> Record {
    Record::Session {
        id: hex::encode([n; 32]),
    }
}

fn written(path: &Path) -> Vec<u8> {
    let directory = open(path);
    let (mut journal, _) = directory.journal().unwrap();
    for n in 0..3 {
        journal.append(&[session(n)]).unwrap();
    }
    std::fs::read(path.join("journal")).unwrap()
}

fn read(path: &Path) -> Result<Vec<Record>, String> {
    open(path)
        .journal()
        .map(|(_, records)| records)
        .map_err(|error| error.to_string())
}

#[test]
fn what_a_crash_cut_off_is_dropped_and_nothing_else() {
    let home = tempfile::TempDir::new().unwrap();
    let whole = written(home.path());
    let file = home.path().join("journal");
    let frame = whole.len() / 3;
    for cut in 0..whole.len() {
        std::fs::write(&file, &whole[..cut]).unwrap();
        let records = read(home.path()).unwrap();
        assert_eq!(records.len(), cut / frame, "cut at {cut}");
    }
    std::fs::write(&file, [&whole[..], &[0; 50]].concat()).unwrap();
    assert_eq!(
        read(home.path()).unwrap().len(),
        3,
        "zeros are a write that never was"
    );
}

#[test]
fn damage_that_could_hide_a_record_stops_the_signer() {
    let home = tempfile::TempDir::new().unwrap();
    let whole = written(home.path());
    let file = home.path().join("journal");
    let frame = whole.len() / 3;
    for place in 0..2 * frame {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x40;
        std::fs::write(&file, &damaged).unwrap();
        assert!(read(home.path()).is_err(), "byte {place}");
    }
    let swapped = [
        &whole[frame..2 * frame],
        &whole[..frame],
        &whole[2 * frame..],
    ]
    .concat();
    std::fs::write(&file, &swapped).unwrap();
    assert!(read(home.path()).unwrap_err().contains("at this place"));
    std::fs::write(&file, &whole[frame..]).unwrap();
    assert!(read(home.path()).unwrap_err().contains("at this place"));
}

#[test]
fn another_key_opens_nothing_and_two_processes_never_share() {
    let home = tempfile::TempDir::new().unwrap();
    let directory = open(home.path());
    let identity = directory.identity().unwrap().public();
    let second = Directory::open(home.path(), MasterKey::new([3; 32]));
    assert!(second.is_err_and(|error| error.to_string().contains("another process")));
    drop(directory);
    assert_eq!(open(home.path()).identity().unwrap().public(), identity);
    let wrong = Directory::open(home.path(), MasterKey::new([4; 32])).unwrap();
    let error = wrong.identity().err().unwrap().to_string();
    assert!(error.contains("storage key"), "{error}");
}

#[test]
fn no_secret_is_on_the_disk_in_the_clear() {
    let home = tempfile::TempDir::new().unwrap();
    let secret = open(home.path()).identity().unwrap().secret_bytes();
    let file = std::fs::read(home.path().join("identity.sealed")).unwrap();
    assert!(!file.windows(32).any(|window| window == &secret[..32]));
}
