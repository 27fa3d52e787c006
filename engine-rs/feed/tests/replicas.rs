//! The client against replicas that answer badly: what one gets wrong the other makes good.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use outcry_feed::message::{GapEnd, Hello, SnapshotBegin, SnapshotEnd};
use outcry_feed::{
    Book, Client, ClientSettings, FrameKind, Header, Line, MAX_REQUEST, Message, PacketWriter,
    Recovery, Session, Update, read_frame, sender, write_frame,
};

/// Far longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(30);
const SESSION: Session = Session(*b"0123456789");

type Answer = Vec<(FrameKind, Vec<u8>)>;

fn said(message: impl Into<Message>) -> (FrameKind, Vec<u8>) {
    let mut content = Vec::new();
    message.into().encode(&mut content);
    (FrameKind::Messages, content)
}

fn events(first: u64, count: usize) -> PacketWriter {
    let mut packet = PacketWriter::new(Header::new(SESSION, first, 1));
    assert!((0..count).all(|_| packet.push(b"")));
    packet
}

fn write(stream: &mut TcpStream, answer: &Answer) -> std::io::Result<()> {
    answer.iter().try_for_each(|(kind, content)| {
        let mut frame = Vec::new();
        write_frame(&mut frame, *kind, content)?;
        stream.write_all(&frame)
    })
}

/// A recovery channel that gives these answers, for as long as the test runs; its address.
fn replica(answer: impl Fn(&Message) -> Answer + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client");
            let hello = Hello {
                session: SESSION.0,
                symbol: [0; 32],
                first: 1,
                next: 1,
                hot: 0,
            };
            let mut content = Vec::new();
            let mut written = write(&mut stream, &vec![said(hello)]);
            while written.is_ok() && read_frame(&mut stream, MAX_REQUEST, &mut content).is_ok() {
                let asked = Message::decode(&mut &content[..]).expect("a message");
                written = write(&mut stream, &answer(&asked.expect("of this version")));
            }
        }
    });
    address
}

fn snapshot(sequence: u64, orders: u64, end: u64) -> Answer {
    let begin = SnapshotBegin {
        sequence,
        orders,
        ..Book::new().snapshot()
    };
    vec![said(begin), said(SnapshotEnd { sequence: end })]
}

#[test]
fn a_replica_that_stands_still_is_left_for_the_other() {
    let line: Line = "239.255.11.1:31978".parse().expect("a line");
    let behind = replica(|asked| match asked {
        Message::SnapshotRequest(_) => snapshot(0, 0, 0),
        _ => vec![said(GapEnd { next: 1 })],
    });
    let whole = replica(|_| {
        let packet = events(1, 4).finish(1).to_vec();
        vec![(FrameKind::Packet, packet), said(GapEnd { next: 5 })]
    });
    let mut client = Client::connect(ClientSettings {
        interface: Some("lo".to_owned()),
        limit: PATIENCE,
        ..ClientSettings::new(vec![line], vec![behind, whole])
    })
    .expect("a client");
    let lines = sender(Some("lo"), 1).expect("a sender");
    lines
        .send_to(events(5, 0).finish(1), line.address())
        .expect("sent");
    let mut came = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    while came.len() < 4 && Instant::now() < deadline {
        let update = client.next(Duration::from_millis(10)).expect("a poll");
        if let Some(Update::Event { arrival, .. }) = update {
            came.push(arrival.sequence);
        }
    }
    assert_eq!(came, [1, 2, 3, 4]);
    assert!(client.trouble().is_none());
}

#[test]
fn a_snapshot_that_is_not_whole_is_refused() {
    for (answer, wanted) in [
        (snapshot(0, 2, 0), "0 orders where 2 were announced"),
        (snapshot(7, 0, 8), "ends behind event 8"),
        (snapshot(u64::MAX, 0, u64::MAX), "no event can follow"),
    ] {
        let address = replica(move |_| answer.clone());
        let mut recovery = Recovery::connect(&address, PATIENCE).expect("a replica");
        let error = recovery.snapshot().expect_err(wanted);
        assert!(error.to_string().contains(wanted), "{error}");
    }
}
