//! The directory of pieces: writing, listing, pruning.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::format::{Frame, Header, Kind, PieceError, read_header};

/// A file of the directory and what its name says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its place in the row.
    pub number: u64,
    /// Image or delta.
    pub kind: Kind,
    /// Where it is.
    pub path: PathBuf,
}

impl Listed {
    fn of(path: PathBuf) -> Option<Self> {
        let (number, kind) = path
            .file_name()?
            .to_str()?
            .strip_suffix(".ckpt")?
            .split_once('-')?;
        let kind = [Kind::Image, Kind::Delta]
            .into_iter()
            .find(|known| known.name() == kind)?;
        Some(Self {
            number: number.parse().ok()?,
            kind,
            path,
        })
    }

    /// Its header, with the whole file checked.
    ///
    /// # Errors
    /// [`PieceError`].
    pub fn header(&self) -> Result<Header, PieceError> {
        read_header(&self.path)
    }
}

/// The pieces of a directory in the order of their numbers. Nothing is read of them.
///
/// # Errors
/// When the directory can't be read.
pub fn list(dir: &Path) -> io::Result<Vec<Listed>> {
    let mut pieces = Vec::new();
    for entry in fs::read_dir(dir)? {
        pieces.extend(Listed::of(entry?.path()));
    }
    pieces.sort_by_key(|piece| (piece.number, piece.kind == Kind::Image));
    Ok(pieces)
}

/// What pruning must know of a piece without reading it again.
#[derive(Clone, Debug)]
struct Kept {
    number: u64,
    image: Image,
    path: PathBuf,
}

/// What is known of a piece as a place to start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Image {
    /// It is a delta, or a damaged image.
    No,
    /// One from before this process; nobody has looked into it yet.
    Unread,
    /// Its seq.
    Of(u64),
}

/// Writes pieces and forgets old ones. Used by the disk thread alone.
pub struct Store {
    dir: PathBuf,
    kept: Vec<Kept>,
}

impl Store {
    /// Opens the directory and removes what a crash left half-written.
    pub fn open(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "tmp") {
                fs::remove_file(path)?;
            }
        }
        let kept = list(dir)?.into_iter().map(|piece| Kept {
            number: piece.number,
            image: match piece.kind {
                Kind::Image => Image::Unread,
                Kind::Delta => Image::No,
            },
            path: piece.path,
        });
        Ok(Self {
            dir: dir.to_owned(),
            kept: kept.collect(),
        })
    }

    /// The number of the next piece.
    pub fn next_number(&self) -> u64 {
        self.kept
            .iter()
            .map(|kept| kept.number)
            .max()
            .map_or(1, |highest| highest + 1)
    }

    /// Puts a piece on disk, so that after a crash it is there whole or not at all.
    pub fn write(&mut self, header: &Header, frame: &Frame, body: &[u8]) -> io::Result<()> {
        let path = self.dir.join(header.file_name());
        let temporary = path.with_extension("tmp");
        if let Err(error) = write_synced(&temporary, frame.around(body))
            .and_then(|()| fs::rename(&temporary, &path))
        {
            // Nothing else can be done about a file that can't be removed: opening tries again.
            let _ = fs::remove_file(&temporary);
            return Err(error);
        }
        File::open(&self.dir)?.sync_all()?;
        let image = match header.kind {
            Kind::Image => Image::Of(header.seq_after),
            Kind::Delta => Image::No,
        };
        self.kept.push(Kept {
            number: header.number,
            image,
            path,
        });
        Ok(())
    }

    /// Not at the start: an image takes a while to read, and the market waits for that start.
    fn read_unread(&mut self) {
        for kept in &mut self.kept {
            if kept.image == Image::Unread {
                kept.image =
                    read_header(&kept.path).map_or(Image::No, |header| Image::Of(header.seq_after));
            }
        }
    }

    /// Forgets what lies before the second newest image that is not ahead of what is published:
    /// from that one on, any start finds an image that it may use and one to fall back to.
    pub fn prune(&mut self, published_seq: u64) -> io::Result<()> {
        self.read_unread();
        let usable = self
            .kept
            .iter()
            .filter(|kept| matches!(kept.image, Image::Of(seq) if seq <= published_seq));
        let mut numbers: Vec<u64> = usable.map(|kept| kept.number).collect();
        numbers.sort_unstable();
        let Some(&first) = numbers.iter().rev().nth(1) else {
            return Ok(());
        };
        let (old, kept): (Vec<_>, Vec<_>) =
            self.kept.drain(..).partition(|kept| kept.number < first);
        self.kept = kept;
        for piece in old {
            match fs::remove_file(&piece.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    self.kept.push(piece);
                    return Err(error);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn write_synced(path: &Path, parts: [&[u8]; 3]) -> io::Result<()> {
    let mut file = File::create(path)?;
    for part in parts {
        file.write_all(part)?;
    }
    file.sync_all()
}
