//! Numbers for Prometheus.

/// One cumulative bucket: how many were at or below the bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Upper bound in nanoseconds.
    pub le_nanos: u64,
    /// How many, of this and all buckets below.
    pub count: u64,
}

/// Time in the match thread per command, from taking it to its last event standing in the output ring.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LatencyHistogram {
    /// Cumulative, from 100 ns up, two to an octave.
    pub buckets: Vec<Bucket>,
    /// All of them.
    pub count: u64,
    /// Their sum in nanoseconds.
    pub sum_nanos: u64,
}

/// Counters since the start and gauges of now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    /// Commands applied, repeats included.
    pub commands: u64,
    /// Events made.
    pub events: u64,
    /// Commands dropped as repeats.
    pub repeated_commands: u64,
    /// Input records read.
    pub input_records: u64,
    /// Bytes of them.
    pub input_bytes: u64,
    /// Records that could not be decoded, by [`crate::codec::Poison::name`].
    pub poison_records: Vec<(&'static str, u64)>,
    /// Records between the applied input and its end.
    pub input_lag_records: u64,
    /// The same in seconds.
    pub input_lag_seconds: f64,
    /// Records of `events` published and acknowledged.
    pub published_records: u64,
    /// Events in them.
    pub published_events: u64,
    /// Publishers made anew after a failed delivery.
    pub publisher_restarts: u64,
    /// Other Kafka clients made anew, because they heard nothing though there was something.
    pub client_restarts: u64,
    /// Times this replica became hot.
    pub takeovers: u64,
    /// Checkpoint pieces written, images among them.
    pub checkpoint_pieces: u64,
    /// Full images written.
    pub checkpoint_images: u64,
    /// Bytes written to the data directory.
    pub checkpoint_bytes: u64,
    /// Checkpoints that failed.
    pub checkpoint_failures: u64,
    /// How long writing the newest one took, in seconds.
    pub checkpoint_duration_seconds: f64,
    /// Snapshots written to `book.{symbol}`.
    pub snapshots: u64,
    /// Ticks appended to the input.
    pub ticks: u64,
    /// Times no tick was appended because this clock is off the broker's, or the broker's unknown.
    pub ticks_refused: u64,
    /// Events held because they aren't known to be published.
    pub tail_events: u64,
    /// Bytes of them.
    pub tail_bytes: u64,
    /// Published events compared with own ones and found equal.
    pub compared_events: u64,
    /// Events read from `events` that were there already.
    pub repeated_events: u64,
    /// Items waiting in each ring.
    pub ring_depths: Vec<(&'static str, u64)>,
    /// Match latency.
    pub match_latency: LatencyHistogram,
    /// Each input record from its decoding to its last event standing in the output ring.
    pub pipeline_latency: LatencyHistogram,
    /// The market data feed.
    pub feed: FeedMetrics,
}

/// Counters of the market data feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedMetrics {
    /// Packets sent, each to every line.
    pub packets: u64,
    /// Bytes of them, over all lines.
    pub bytes: u64,
    /// Events in them.
    pub events: u64,
    /// Packets without events among them.
    pub heartbeats: u64,
    /// Packets that a line did not take.
    pub send_failures: u64,
    /// Events and ends of commands that found the feed's ring full.
    pub dropped: u64,
    /// Times the feed's book was made anew after a loss.
    pub resyncs: u64,
    /// Clients of the recovery channel so far.
    pub connections: u64,
    /// Gaps asked for.
    pub gap_requests: u64,
    /// Snapshots asked for.
    pub snapshot_requests: u64,
    /// Requests and clients refused, by reason.
    pub refusals: Vec<(&'static str, u64)>,
    /// Departures stamped by the network card.
    pub hardware_stamps: u64,
    /// Departures stamped by the kernel.
    pub software_stamps: u64,
    /// From a command's record being read to its packet being handed to the socket.
    pub send_latency: LatencyHistogram,
    /// From a command's record being read to its packet leaving, by `SO_TIMESTAMPING`.
    pub departure_latency: LatencyHistogram,
}
