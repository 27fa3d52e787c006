//! Start-up: which topics these are, which checkpoint is the newest that may be used, and which part
//! of the log supplies the rest.

use std::sync::Arc;
use std::time::Duration;

use outcry_book::Book;

use crate::checkpoint::{Chain, Header, Identity, chains};
use crate::kafka::{
    PartitionReader, Side, TopicIdentity, cluster_id, describe_topics, reader_config, watermarks,
};
use crate::output::published_up_to;
use crate::shared::{Mark, Shared};

const ASK: Duration = Duration::from_secs(2);
const AGAIN: Duration = Duration::from_millis(200);

/// The engine cannot start: what to say, or nothing because it was stopped.
#[derive(Debug)]
pub enum Halt {
    Failed(String),
    Stopped,
}

/// The topics as Kafka has them now.
pub struct Logs {
    pub identity: Identity,
    pub topics: Vec<TopicIdentity>,
    input: (i64, i64),
    events: (i64, i64),
}

/// Where to begin.
pub struct Restored {
    pub book: Book,
    pub shadow: Book,
    pub input_offset: i64,
    pub mark: Mark,
    /// The events' first records are gone and nothing says how far the numbering went.
    pub base_unknown: bool,
    /// The highest epoch known to have published.
    pub epoch: u64,
    /// Seq of the checkpoint; 0 for an empty book.
    pub seq: u64,
}

/// Asks until Kafka answers.
pub fn find_logs(shared: &Shared, side: &Side) -> Result<Logs, Halt> {
    let topics = &shared.settings.topics;
    loop {
        if shared.is_stopping() {
            return Err(Halt::Stopped);
        }
        side.poll(Duration::ZERO);
        let problem = match ask(shared, side) {
            Ok(logs) => return check_partitions(logs),
            Err(problem) => problem,
        };
        let reason = format!(
            "waiting for Kafka and the topics of {}: {problem}",
            topics.input
        );
        shared.set_role(shared.role(), &reason);
        side.begin_again_if_silent();
        std::thread::park_timeout(AGAIN);
    }
}

fn ask(shared: &Shared, side: &Side) -> Result<Logs, String> {
    let names = &shared.settings.topics;
    let client = side.client();
    let asked = [names.input.as_str(), &names.events, &names.book];
    let topics = describe_topics(&client, &asked, ASK).map_err(|error| error.to_string())?;
    let cluster_id = cluster_id(&client, ASK).ok_or("Kafka did not say which cluster it is")?;
    let input = watermarks(&client, &names.input, ASK)
        .map_err(|error| format!("{}: {error}", names.input))?;
    let events = watermarks(&client, &names.events, ASK)
        .map_err(|error| format!("{}: {error}", names.events))?;
    shared.read_answered.set_now();
    side.heard();
    let identity = Identity {
        symbol: shared.settings.symbol.clone(),
        cluster_id,
        input_topic_id: topics[0].id.clone(),
        events_topic_id: topics[1].id.clone(),
    };
    Ok(Logs {
        identity,
        topics,
        input,
        events,
    })
}

fn check_partitions(logs: Logs) -> Result<Logs, Halt> {
    match logs.topics.iter().find(|topic| topic.partitions != 1) {
        None => Ok(logs),
        Some(topic) => Err(Halt::Failed(format!(
            "topic {} has {} partitions: a pair's total order needs exactly one",
            topic.name, topic.partitions
        ))),
    }
}

/// The newest state that may be used: not ahead of what is published, of these logs, and with its
/// continuation still in the input.
pub fn restore(shared: &Arc<Shared>, logs: &Logs) -> Result<Restored, Halt> {
    let mut refused = Vec::new();
    let found = chains(&shared.settings.data_dir).map_err(|error| {
        Halt::Failed(format!(
            "data directory {}: {error}",
            shared.settings.data_dir.display()
        ))
    })?;
    for chain in found {
        if shared.is_stopping() {
            return Err(Halt::Stopped);
        }
        let tried = match chain {
            Ok(chain) => try_chain(shared, logs, &chain)?,
            Err((listed, error)) => Err(format!("{}: {error}", listed.path.display())),
        };
        match tried {
            Ok(restored) => return Ok(restored),
            Err(problem) => {
                tracing::warn!(problem, "checkpoint passed over");
                refused.push(problem);
            }
        }
    }
    start_empty(shared, logs, &refused)
}

fn start_empty(shared: &Shared, logs: &Logs, refused: &[String]) -> Result<Restored, Halt> {
    let first = logs.input.0;
    if first != 0 {
        let topic = &shared.settings.topics.input;
        let why = if refused.is_empty() {
            "there is none".to_owned()
        } else {
            refused.join("; ")
        };
        return Err(Halt::Failed(format!(
            "no checkpoint to start from ({why}), and {topic} begins at offset {first}: the book cannot be made again \
             from it; put a checkpoint of the other replica into {}",
            shared.settings.data_dir.display()
        )));
    }
    let mark = Mark {
        seq: 0,
        offset: logs.events.0,
    };
    let base_unknown = logs.events.0 > 0;
    Ok(Restored {
        book: Book::new(),
        shadow: Book::new(),
        input_offset: 0,
        mark,
        base_unknown,
        epoch: 0,
        seq: 0,
    })
}

/// The outer error ends the start, the inner one passes the chain over.
fn try_chain(
    shared: &Arc<Shared>,
    logs: &Logs,
    chain: &Chain,
) -> Result<Result<Restored, String>, Halt> {
    let newest = chain.newest();
    if let Some(broken) = &chain.broken {
        tracing::warn!(broken, "checkpoint ends early; the log supplies the rest");
    }
    check_identity(&logs.identity, newest).map_err(Halt::Failed)?;
    check_log(shared, logs, newest).map_err(Halt::Failed)?;
    let published = if newest.seq_after <= newest.published_seq {
        newest.published_seq
    } else {
        match scan(shared, logs, newest.mark())? {
            Ok(published) => published,
            Err(problem) => return Ok(Err(problem)),
        }
    };
    let Some(point) = chain.point_at(published) else {
        let image = chain.newest().number;
        return Ok(Err(format!(
            "checkpoint {image} and those it builds on are ahead of the last published seq {published}"
        )));
    };
    let header = chain.header(point);
    if header.input_after < logs.input.0 {
        return Ok(Err(format!(
            "checkpoint {} goes on at input offset {}, which is gone (the log begins at {})",
            header.number, header.input_after, logs.input.0
        )));
    }
    Ok(chain
        .restore(point)
        .map_err(|error| error.to_string())
        .map(|book| Restored {
            shadow: book.clone(),
            book,
            input_offset: header.input_after,
            base_unknown: header.events_offset < logs.events.0,
            mark: Mark {
                seq: header.published_seq,
                offset: header.events_offset.max(logs.events.0),
            },
            epoch: header.epoch,
            seq: header.seq_after,
        }))
}

fn check_identity(now: &Identity, header: &Header) -> Result<(), String> {
    let was = &header.identity;
    let parts = [
        ("pair", &was.symbol, &now.symbol),
        ("cluster", &was.cluster_id, &now.cluster_id),
        ("input topic", &was.input_topic_id, &now.input_topic_id),
        ("events topic", &was.events_topic_id, &now.events_topic_id),
    ];
    match parts.iter().find(|(_, was, now)| was != now) {
        None => Ok(()),
        Some((what, was, now)) => Err(format!(
            "the checkpoints here belong to another {what} ({was}, now {now}); was it deleted and made again? \
             see the runbook for lost topics"
        )),
    }
}

fn check_log(shared: &Shared, logs: &Logs, header: &Header) -> Result<(), String> {
    let names = &shared.settings.topics;
    let ends = [
        (&names.input, header.input_after, logs.input.1),
        (&names.events, header.events_offset, logs.events.1),
    ];
    match ends.iter().find(|(_, offset, end)| offset > end) {
        None => Ok(()),
        Some((topic, offset, end)) => Err(format!(
            "topic {topic} ends at offset {end}, but a checkpoint has read up to {offset}: the log lost records"
        )),
    }
}

/// How far the events are published, counted from a mark.
fn scan(shared: &Arc<Shared>, logs: &Logs, mark: Mark) -> Result<Result<u64, String>, Halt> {
    let (low, high) = logs.events;
    if mark.offset < low {
        return Ok(Err(format!(
            "the events from offset {} on are gone (the log begins at {low})",
            mark.offset
        )));
    }
    let config = reader_config(&shared.settings, "scan");
    let mut reader = PartitionReader::new(&config, &shared.settings.topics.events)
        .map_err(|error| Halt::Failed(error.to_string()))?;
    let published = published_up_to(&mut reader, mark, high, || shared.is_stopping());
    if shared.is_stopping() {
        return Err(Halt::Stopped);
    }
    Ok(published)
}
