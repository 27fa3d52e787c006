//! A pair's topics on the test broker, what goes in and what must come out.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use outcry_book::{Body, Book, CancelOrder, Command, Event, NewOrder, PairSettings};
use outcry_runtime::codec::{decode_commands, encode_commands, encode_event};
use outcry_runtime::{Engine, Role, Settings, Status};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use tempfile::TempDir;

/// Far longer than anything takes: only a hang meets it.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub fn broker() -> Option<String> {
    let broker = std::env::var("OUTCRY_TEST_KAFKA").ok();
    if broker.is_none() {
        eprintln!("skipped: OUTCRY_TEST_KAFKA is not set");
    }
    broker
}

pub struct Bed {
    pub broker: String,
    pub symbol: String,
    producer: BaseProducer,
    number: u64,
    random: u64,
    dirs: Vec<TempDir>,
}

impl Bed {
    pub fn new(broker: String) -> Self {
        let bed = Self::without_topics(broker);
        let topics = outcry_runtime::Topics::of(&bed.symbol);
        for name in [
            &topics.input,
            &topics.events,
            &topics.book,
            &topics.dead_letter,
        ] {
            bed.create_topic(name, 1);
        }
        bed
    }

    pub fn without_topics(broker: String) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_micros();
        let symbol = format!("T{now:x}-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let producer = ClientConfig::new()
            .set("bootstrap.servers", &broker)
            .set("enable.idempotence", "true")
            .set("linger.ms", "0")
            .create()
            .unwrap();
        Self {
            broker,
            symbol,
            producer,
            number: 0,
            random: 0x9e37_79b9_7f4a_7c15,
            dirs: Vec::new(),
        }
    }

    pub fn create_topic(&self, name: &str, partitions: i32) {
        let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
            .set("bootstrap.servers", &self.broker)
            .create()
            .unwrap();
        let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        if name.starts_with("book.") {
            topic = topic.set("message.timestamp.type", "LogAppendTime");
        }
        let made = futures::executor::block_on(admin.create_topics([&topic], &AdminOptions::new()))
            .unwrap();
        if let Err((_, code)) = &made[0] {
            assert_eq!(*code, rdkafka::error::RDKafkaErrorCode::TopicAlreadyExists);
        }
    }

    pub fn delete_records(&self, topic: &str, before: i64) {
        let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
            .set("bootstrap.servers", &self.broker)
            .create()
            .unwrap();
        let mut offsets = rdkafka::TopicPartitionList::new();
        offsets
            .add_partition_offset(topic, 0, rdkafka::Offset::Offset(before))
            .unwrap();
        futures::executor::block_on(admin.delete_records(&offsets, &AdminOptions::new())).unwrap();
    }

    pub fn topic(&self, kind: &str) -> String {
        format!("{kind}.{}", self.symbol)
    }

    /// A replica with a data directory of its own.
    pub fn settings(&mut self, replica: &str) -> Settings {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings::new(&self.symbol, replica, &self.broker, dir.path().to_owned());
        self.dirs.push(dir);
        // No shell puts a replica back that fell silent because a busy machine's broker took a second.
        Settings {
            detection_time: Duration::from_secs(20),
            ..settings
        }
    }

    pub fn engine(&mut self, replica: &str) -> Engine {
        Engine::start(self.settings(replica)).unwrap()
    }

    /// Two replicas, the first of them hot under epoch 1.
    pub fn hot_and_warm(&mut self) -> (Engine, Engine) {
        let (hot, warm) = (self.engine("a"), self.engine("b"));
        wait_warm(&hot);
        wait_warm(&warm);
        hot.promote(1);
        wait_hot(&hot);
        (hot, warm)
    }

    fn roll(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below
    }

    fn body(&mut self) -> Body {
        let number = self.number;
        if number == 1 {
            return Body::PairSettings(PairSettings {
                trading_status: 1,
                rules_version: 1,
                price_band_lower: 1,
                price_band_upper: 1_000_000,
                min_notional: 0,
                maker_fee_ppm: -10,
                taker_fee_ppm: 100,
                quote_units_per_tick_lot: 1,
                base_units_per_lot: 1,
                ..PairSettings::default()
            });
        }
        if self.roll(4) == 0 {
            return Body::CancelOrder(CancelOrder {
                order_id: self.roll(number),
                user_id: self.roll(5),
            });
        }
        Body::NewOrder(NewOrder {
            order_id: number,
            user_id: 1 + self.roll(4),
            side: 1 + i32::try_from(self.roll(2)).unwrap(),
            order_type: 1 + i32::try_from(self.roll(3)).unwrap(),
            time_in_force: i32::try_from(self.roll(4)).unwrap(),
            price: 10_000 + i64::try_from(self.roll(21)).unwrap(),
            quantity: 1 + i64::try_from(self.roll(50)).unwrap(),
            ..NewOrder::default()
        })
    }

    /// Appends commands to the input, `batch` to a record.
    pub fn send(&mut self, count: usize, batch: usize) {
        let mut commands = Vec::new();
        for at in 1..=count {
            self.number += 1;
            let body = self.body();
            let time_unix_nanos = i64::try_from(self.number).unwrap();
            commands.push(Command {
                source: 2048,
                incarnation: 1,
                number: self.number,
                time_unix_nanos,
                body,
            });
            if commands.len() == batch || at == count {
                let record = encode_commands(&self.symbol, &commands);
                self.append(&self.topic("matching"), &record);
                commands.clear();
            }
        }
        self.flush();
    }

    pub fn append(&self, topic: &str, value: &[u8]) {
        while self
            .producer
            .send(
                BaseRecord::<(), [u8]>::to(topic)
                    .partition(0)
                    .payload(value),
            )
            .is_err()
        {
            self.producer.poll(Duration::from_millis(10));
        }
    }

    pub fn flush(&self) {
        self.producer.flush(PATIENCE).unwrap();
    }

    /// What the input makes, from the first record on, by the core alone: the bytes of each event.
    pub fn oracle(&self) -> Vec<Vec<u8>> {
        let mut book = Book::new();
        let mut events: Vec<Event> = Vec::new();
        for (_, value) in self.read_all(&self.topic("matching")) {
            for command in decode_commands(&value, &self.symbol).unwrap_or_default() {
                book.apply(&command, &mut events);
            }
        }
        events.iter().map(encoded).collect()
    }
}

pub fn encoded(event: &Event) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_event(event, &mut bytes);
    bytes
}

/// Waits until the engine's status is as asked; the engine's own words on failure.
pub fn wait_for(engine: &Engine, what: &str, ready: impl Fn(&Status) -> bool) -> Status {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let status = engine.status();
        if ready(&status) {
            return status;
        }
        assert!(Instant::now() < deadline, "not {what}: {status:#?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub fn wait_warm(engine: &Engine) {
    wait_for(engine, "warm", |status| {
        status.role == Role::Warm && status.caught_up
    });
}

pub fn wait_hot(engine: &Engine) -> Status {
    wait_for(engine, "hot", |status| status.role == Role::Hot)
}

pub fn wait_published(engine: &Engine, seq: u64) {
    wait_for(engine, "all published", |status| {
        status.published_seq >= seq && status.seq >= seq
    });
}

impl Bed {
    /// A record in `events`, as another publisher would write it.
    pub fn append_with_epoch(&self, value: &[u8], epoch: u64) {
        use rdkafka::message::{Header, OwnedHeaders};
        let headers = OwnedHeaders::new()
            .insert(Header {
                key: "epoch",
                value: Some(&epoch.to_string()),
            })
            .insert(Header {
                key: "replica",
                value: Some("other"),
            });
        let topic = self.topic("events");
        let record = BaseRecord::<(), [u8]>::to(&topic)
            .partition(0)
            .payload(value)
            .headers(headers);
        self.producer
            .send(record)
            .map_err(|(error, _)| error)
            .unwrap();
        self.flush();
    }
}
