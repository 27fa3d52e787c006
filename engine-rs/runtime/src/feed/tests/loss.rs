//! Packets that are lost, repeated and turned round on two lines, on their way to a client that asks
//! for what is missing.

use std::ops::Range;
use std::sync::Arc;

use outcry_feed::{Header, Packet, PacketWriter, Sequencer, Session};

use super::{Market, assert_same};
use crate::feed::recent::Recent;
use crate::feed::seed::Seed;

const SESSION: Session = Session(*b"ABCDEFGHJK");

/// A network that keeps packets back, and lets them out in any order, twice or never.
struct Network {
    random: u64,
    under_way: Vec<Vec<u8>>,
}

impl Network {
    fn roll(&mut self, below: u64) -> u64 {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.random >> 33) % below
    }

    fn send(&mut self, packet: &[u8]) {
        for _line in 0..2 {
            match self.roll(10) {
                0..3 => {}
                3 => self.under_way.extend([packet.to_vec(), packet.to_vec()]),
                _ => self.under_way.push(packet.to_vec()),
            }
        }
    }

    fn deliver(&mut self) -> Option<Vec<u8>> {
        if self.under_way.is_empty() || (self.under_way.len() < 8 && self.roll(3) == 0) {
            return None;
        }
        let at = usize::try_from(self.roll(self.under_way.len() as u64)).expect("an index");
        Some(self.under_way.swap_remove(at))
    }
}

struct Line {
    recent: Recent,
    next: u64,
    packet: PacketWriter,
}

impl Line {
    /// The packets of everything new, or of a range.
    fn packets(&mut self, range: Range<u64>, mut each: impl FnMut(&[u8])) {
        let mut from = range.start;
        while from < range.end {
            self.packet.clear(Header::new(SESSION, from, 1));
            self.recent.fill(&mut self.packet, range.end).expect("kept");
            from += u64::from(self.packet.events());
            each(self.packet.finish(1));
        }
    }

    fn send(&mut self, network: &mut Network) {
        let end = self.recent.span().1;
        let from = std::mem::replace(&mut self.next, end);
        self.packets(from..end, |packet| network.send(packet));
    }
}

fn take(sequencer: &mut Sequencer, client: &mut outcry_feed::Book, bytes: &[u8]) {
    let packet = Packet::parse(bytes).expect("a packet");
    sequencer.packet(&packet, |seq, block| {
        client.apply(seq, block, |_| ()).expect("it fits");
    });
}

#[test]
fn what_the_network_does_to_packets_changes_no_book() {
    for seed in 40..=46 {
        let mut market = Market::new(seed);
        let mut network = Network {
            random: seed,
            under_way: Vec::new(),
        };
        let mut line = Line {
            recent: Recent::new(&Arc::new(Seed::of(&market.book))),
            next: 1,
            packet: PacketWriter::new(Header::new(SESSION, 1, 1)),
        };
        let (mut sequencer, mut client) = (Sequencer::new(SESSION, 1), outcry_feed::Book::new());
        for step in 0..1_500u64 {
            let from = market.blocks.len();
            market.step();
            market.blocks[from..]
                .iter()
                .for_each(|block| line.recent.push(1, block));
            line.send(&mut network);
            while let Some(packet) = network.deliver() {
                take(&mut sequencer, &mut client, &packet);
            }
            if step % 97 == 0 {
                // A heart-beat shows what was lost last; the recovery channel has it.
                line.packet.clear(Header::new(SESSION, line.next, 1));
                let beat = line.packet.finish(1).to_vec();
                take(&mut sequencer, &mut client, &beat);
                while let Some(missing) = sequencer.missing() {
                    line.packets(missing, |packet| take(&mut sequencer, &mut client, packet));
                }
                assert_same(&client, &market.book);
            }
        }
        let tally = sequencer.tally();
        assert!(tally.gaps > 10 && tally.repeats > 100, "{tally:?}");
    }
}

#[test]
fn a_successor_that_starts_at_what_was_published_shows_no_gap_and_no_contradiction() {
    let mut market = Market::new(77);
    (0..800).for_each(|_| market.step());
    let blocks = market.blocks.clone();
    let send = |from: usize, to: usize, epoch: u64| {
        let mut packet = PacketWriter::new(Header::new(SESSION, from as u64, epoch));
        let mut packets = Vec::new();
        for seq in from..to {
            if !packet.push(&blocks[seq - 1]) {
                packets.push(packet.finish(1).to_vec());
                packet.clear(Header::new(SESSION, seq as u64, epoch));
                assert!(packet.push(&blocks[seq - 1]));
            }
        }
        packets.push(packet.finish(1).to_vec());
        packets
    };
    // The first one dies having sent 600, of which Kafka has 400; a zombie goes on a little.
    let (first, second, zombie) = (
        send(1, 601, 1),
        send(401, blocks.len() + 1, 2),
        send(601, 640, 1),
    );
    let (mut sequencer, mut client) = (Sequencer::new(SESSION, 1), outcry_feed::Book::new());
    for packet in first.iter().chain(&second).chain(&zombie) {
        take(&mut sequencer, &mut client, packet);
        assert_eq!(sequencer.missing(), None);
    }
    assert_same(&client, &market.book);
    assert_eq!(sequencer.tally().gaps, 0);
}
