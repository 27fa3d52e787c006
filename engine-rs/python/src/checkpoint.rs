//! What `outcry-engine inspect CHECKPOINT` shows: a piece, or the directory that holds a row of them.

use std::path::Path;

use outcry_book::{Book, Level};
use outcry_runtime::checkpoint::{Chain, Header, Kind, Piece, chains, list, read_piece};
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use serde_json::{Value, json};

/// Best levels shown of each side.
const LEVELS: usize = 5;

/// Describes a checkpoint file, or a directory of them, as JSON. What is torn or corrupt is said so
/// inside the answer.
///
/// # Errors
/// `OSError` when the system doesn't give the file or the directory.
#[pyfunction]
pub fn describe_checkpoint(path: &str) -> PyResult<String> {
    let at = Path::new(path);
    let described = if at.is_dir() {
        directory(at)
    } else {
        std::fs::metadata(at).map(|_| file(at))
    };
    described
        .map(|value| value.to_string())
        .map_err(|error| PyOSError::new_err(format!("{path}: {error}")))
}

fn file(path: &Path) -> Value {
    match read_piece(path) {
        Ok(piece) => whole(path, &piece),
        Err(error) => json!({"file": name(path), "error": error.to_string()}),
    }
}

fn whole(path: &Path, piece: &Piece) -> Value {
    let mut shown = of_header(path, &piece.header);
    shown["body_bytes"] = json!(piece.body.len());
    if piece.header.kind == Kind::Image {
        shown["book"] = match Book::restore(&piece.body) {
            Ok(book) => of_book(&book),
            Err(error) => json!({"error": error.to_string()}),
        };
    }
    shown
}

fn directory(path: &Path) -> std::io::Result<Value> {
    let mut pieces = Vec::new();
    for listed in list(path)? {
        pieces.push(match listed.header() {
            Ok(header) => of_header(&listed.path, &header),
            Err(error) => json!({"file": name(&listed.path), "error": error.to_string()}),
        });
    }
    // A start goes through the rows in this order and takes the first that holds.
    let newest = chains(path)?.flatten().next();
    let newest = newest.map_or_else(
        || json!({"error": "no image here can be read: a start needs the whole log"}),
        |chain| of_chain(&chain),
    );
    Ok(json!({"directory": path.display().to_string(), "pieces": pieces, "newest_state": newest}))
}

fn of_chain(chain: &Chain) -> Value {
    let newest = chain.newest();
    let restored = chain
        .point_at(u64::MAX)
        .map(|point| chain.restore(point).map_err(|error| error.to_string()));
    let book = match restored {
        Some(Ok(book)) => of_book(&book),
        Some(Err(error)) => json!({"error": error}),
        None => Value::Null,
    };
    json!({
        "seq": newest.seq_after,
        "input_offset": newest.input_after,
        "published_seq": newest.published_seq,
        "ends_early": chain.broken,
        "book": book,
    })
}

fn of_header(path: &Path, header: &Header) -> Value {
    json!({
        "file": name(path),
        "kind": header.kind.name(),
        "number": header.number,
        "symbol": header.identity.symbol,
        "replica": header.replica,
        "written_unix_nanos": header.written_unix_nanos,
        "input_offsets": [header.input_before, header.input_after],
        "seq": [header.seq_before, header.seq_after],
        "commands": header.commands,
        "published_seq": header.published_seq,
        "events_offset": header.events_offset,
        "epoch": header.epoch,
        "cluster_id": header.identity.cluster_id,
        "input_topic_id": header.identity.input_topic_id,
        "events_topic_id": header.identity.events_topic_id,
    })
}

fn of_book(book: &Book) -> Value {
    let (depth, totals) = (book.depth(LEVELS), book.totals());
    let side = |levels: &[Level]| -> Vec<String> {
        levels
            .iter()
            .map(|level| format!("{} @ {} ({})", level.quantity, level.price, level.orders))
            .collect()
    };
    json!({
        "seq": book.seq(),
        "trading_status": book.settings().map(|settings| format!("{:?}", settings.trading_status)),
        "resting_orders": depth.resting_orders,
        "waiting_stops": totals.waiting,
        "queued_stops": totals.queued,
        "disconnect_timers": totals.timers,
        "last_price": depth.last_price,
        "last_quantity": depth.last_quantity,
        "bids": side(&depth.bids),
        "asks": side(&depth.asks),
    })
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}
