//! Reads one partition from an offset, many records a call, without a consumer group.

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::client::{Client, ClientContext};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka_sys as sys;
use rdkafka_sys::types::RDKafkaType;

use super::publisher::log_line;
use super::quiet::Quiet;

const BATCH: usize = 1024;

/// Forwards librdkafka's own words.
pub struct LogContext;

impl ClientContext for LogContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "kafka");
    }
}

/// What came of a read.
pub enum Fetched<'a> {
    Record(Record<'a>),
    /// Nothing stands at this offset yet.
    End(i64),
    /// The partition can't be read as asked.
    Fault(RDKafkaErrorCode, String),
}

/// A record that lives in librdkafka's memory for the length of the call.
pub struct Record<'a> {
    message: &'a sys::rd_kafka_message_t,
}

impl Record<'_> {
    pub fn offset(&self) -> i64 {
        self.message.offset
    }

    pub fn value(&self) -> &[u8] {
        if self.message.payload.is_null() {
            return &[];
        }
        // SAFETY: librdkafka says that `len` bytes stand there, as long as the message lives.
        unsafe { std::slice::from_raw_parts(self.message.payload.cast::<u8>(), self.message.len) }
    }

    /// Unix milliseconds: when the producer made it, or the broker took it.
    pub fn time_ms(&self) -> i64 {
        let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is live and `kind` is ours.
        unsafe { sys::rd_kafka_message_timestamp(self.message, &raw mut kind) }
    }

    /// The last header of that name.
    pub fn header(&self, name: &CStr) -> Option<&[u8]> {
        let mut headers = ptr::null_mut();
        let (mut value, mut size): (*const c_void, usize) = (ptr::null(), 0);
        // SAFETY: the message is live; headers and value live as long as it does.
        unsafe {
            let none = sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;
            if sys::rd_kafka_message_headers(self.message, &raw mut headers) != none
                || sys::rd_kafka_header_get_last(
                    headers,
                    name.as_ptr(),
                    &raw mut value,
                    &raw mut size,
                ) != none
                || value.is_null()
            {
                return None;
            }
            Some(std::slice::from_raw_parts(value.cast::<u8>(), size))
        }
    }
}

/// A client, and its handle of the topic.
struct Handle {
    topic: *mut sys::rd_kafka_topic_t,
    started: bool,
    client: Client<LogContext>,
}

// SAFETY: librdkafka's handles may be used from any thread; `topic` belongs to this value alone.
unsafe impl Send for Handle {}

impl Handle {
    fn new(config: &ClientConfig, topic: &str) -> KafkaResult<Self> {
        let native = config.create_native_config()?;
        let client = Client::new(config, native, RDKafkaType::RD_KAFKA_CONSUMER, LogContext)?;
        let name = CString::new(topic)?;
        // SAFETY: the client is live and outlives the topic handle; a null configuration means the
        // client's defaults.
        let topic =
            unsafe { sys::rd_kafka_topic_new(client.native_ptr(), name.as_ptr(), ptr::null_mut()) };
        if topic.is_null() {
            return Err(KafkaError::ClientCreation(format!(
                "no handle for topic {name:?}"
            )));
        }
        Ok(Self {
            topic,
            started: false,
            client,
        })
    }

    fn start(&mut self, offset: i64) -> KafkaResult<()> {
        self.stop();
        // SAFETY: the topic handle is live and the partition is not being consumed.
        let failed = unsafe { sys::rd_kafka_consume_start(self.topic, 0, offset) } == -1;
        if failed {
            // SAFETY: reads this thread's last error.
            let code = unsafe { sys::rd_kafka_last_error() };
            return Err(KafkaError::MessageConsumption(code.into()));
        }
        self.started = true;
        Ok(())
    }

    fn stop(&mut self) {
        if self.started {
            // SAFETY: the topic handle is live and its partition is being consumed.
            unsafe { sys::rd_kafka_consume_stop(self.topic, 0) };
            self.started = false;
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.stop();
        // SAFETY: the handle is ours and the client, dropped after this, is still live.
        unsafe { sys::rd_kafka_topic_destroy(self.topic) };
    }
}

/// Partition 0 of a topic.
pub struct PartitionReader {
    handle: Handle,
    messages: Vec<*mut sys::rd_kafka_message_t>,
    config: ClientConfig,
    topic: String,
    /// Everything before was handed out.
    next: i64,
    quiet: Quiet,
    restarts: u64,
}

// SAFETY: the messages are live within `read` alone; between calls the list is empty.
unsafe impl Send for PartitionReader {}

impl PartitionReader {
    pub fn new(config: &ClientConfig, topic: &str) -> KafkaResult<Self> {
        Ok(Self {
            handle: Handle::new(config, topic)?,
            messages: Vec::with_capacity(BATCH),
            config: config.clone(),
            topic: topic.to_owned(),
            next: 0,
            quiet: Quiet::default(),
            restarts: 0,
        })
    }

    /// Reads from `offset` on from now.
    pub fn start(&mut self, offset: i64) -> KafkaResult<()> {
        self.next = offset;
        self.quiet = Quiet::default();
        self.handle.start(offset)
    }

    /// Fetches nothing more.
    pub fn stop(&mut self) {
        self.handle.stop();
    }

    /// How often it began again because it heard nothing; counted from the last call on.
    pub fn take_restarts(&mut self) -> u64 {
        std::mem::take(&mut self.restarts)
    }

    /// Hands what there is to `take`, waiting for the first record up to `timeout`. Says how much.
    ///
    /// `end` is where the partition ends as others know it, or -1: a reader that is behind it and hears
    /// nothing for long begins again with a new client (see [`Quiet`]).
    pub fn read(
        &mut self,
        timeout: Duration,
        end: i64,
        mut take: impl FnMut(Fetched<'_>),
    ) -> usize {
        self.serve_logs();
        if !self.handle.started {
            return 0;
        }
        self.messages.clear();
        // librdkafka's batch call waits its whole time-out for a full batch: so one, then the rest.
        self.consume(timeout, 1);
        if !self.messages.is_empty() {
            self.consume(Duration::ZERO, BATCH - 1);
        }
        let (count, before) = (self.messages.len(), self.next);
        for index in 0..count {
            let message = self.messages[index];
            // SAFETY: a live message, ours until destroyed right below.
            let fetched = fetched(unsafe { &*message });
            match &fetched {
                Fetched::Record(record) => self.next = record.offset() + 1,
                Fetched::End(offset) => self.next = self.next.max(*offset),
                Fetched::Fault(..) => {}
            }
            take(fetched);
            // SAFETY: as above; the reference handed out has ended.
            unsafe { sys::rd_kafka_message_destroy(message) };
        }
        let (progress, behind) = (self.next != before, self.next < end);
        if self.quiet.is_over(Instant::now(), progress, behind) {
            self.begin_again(end);
        }
        count
    }

    fn begin_again(&mut self, end: i64) {
        let (topic, offset) = (&self.topic, self.next);
        tracing::warn!(
            topic,
            offset,
            end,
            "nothing is heard though there is more: reading with a new client"
        );
        let fresh = Handle::new(&self.config, topic).and_then(|mut fresh| {
            fresh.start(offset)?;
            Ok(fresh)
        });
        match fresh {
            Ok(fresh) => {
                let old = std::mem::replace(&mut self.handle, fresh);
                self.restarts += 1;
                // Ending a client waits for its threads, and this one's hang on something.
                if let Err(error) = std::thread::Builder::new()
                    .name("reader-end".to_owned())
                    .spawn(move || drop(old))
                {
                    tracing::warn!(%error, "no thread to end the old client: it was ended here");
                }
            }
            Err(error) => tracing::warn!(topic = self.topic, %error, "no new client"),
        }
    }

    fn consume(&mut self, timeout: Duration, limit: usize) {
        let millis = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        let at = self.messages.len();
        self.messages.reserve(limit);
        // SAFETY: the vector has room for `limit` pointers behind `at`, and librdkafka fills the
        // first of them, as many as it says.
        unsafe {
            let room = self.messages.as_mut_ptr().add(at);
            let got = sys::rd_kafka_consume_batch(self.handle.topic, 0, millis, room, limit);
            self.messages
                .set_len(at + usize::try_from(got).unwrap_or(0));
        }
    }

    fn serve_logs(&self) {
        // SAFETY: the client is live; the queue and each event are destroyed exactly once.
        unsafe {
            let queue = sys::rd_kafka_queue_get_main(self.handle.client.native_ptr());
            loop {
                let event = sys::rd_kafka_queue_poll(queue, 0);
                if event.is_null() {
                    break;
                }
                log_event(event);
                sys::rd_kafka_event_destroy(event);
            }
            sys::rd_kafka_queue_destroy(queue);
        }
    }
}

fn fetched(message: &sys::rd_kafka_message_t) -> Fetched<'_> {
    match RDKafkaErrorCode::from(message.err) {
        RDKafkaErrorCode::NoError => Fetched::Record(Record { message }),
        RDKafkaErrorCode::PartitionEOF => Fetched::End(message.offset),
        code => Fetched::Fault(code, error_text(message)),
    }
}

fn error_text(message: &sys::rd_kafka_message_t) -> String {
    // SAFETY: the message is live; the text, if any, is NUL-terminated and lives as long.
    unsafe {
        let text = sys::rd_kafka_message_errstr(message);
        if text.is_null() {
            return String::new();
        }
        CStr::from_ptr(text).to_string_lossy().into_owned()
    }
}

/// # Safety
/// `event` is live.
unsafe fn log_event(event: *mut sys::rd_kafka_event_t) {
    let (mut facility, mut text): (*const c_char, *const c_char) = (ptr::null(), ptr::null());
    let mut level = 0;
    // SAFETY: the event is live and the strings live as long as it does.
    unsafe {
        if sys::rd_kafka_event_type(event) == sys::RD_KAFKA_EVENT_LOG
            && sys::rd_kafka_event_log(event, &raw mut facility, &raw mut text, &raw mut level) == 0
        {
            let (facility, text) = (CStr::from_ptr(facility), CStr::from_ptr(text));
            log_line(
                severity(level),
                &facility.to_string_lossy(),
                &text.to_string_lossy(),
            );
        }
    }
}

/// Syslog's numbers, as librdkafka has them.
fn severity(level: i32) -> RDKafkaLogLevel {
    match level {
        ..=3 => RDKafkaLogLevel::Error,
        4 => RDKafkaLogLevel::Warning,
        5 | 6 => RDKafkaLogLevel::Info,
        _ => RDKafkaLogLevel::Debug,
    }
}
