//! Which topics these are: a topic deleted and made again has the same name and another id.

use std::ffi::{CStr, CString, c_char};
use std::ptr;
use std::time::Duration;

use rdkafka::client::{Client, ClientContext};
use rdkafka::error::KafkaError;
use rdkafka_sys as sys;

/// A topic as the cluster knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicIdentity {
    pub name: String,
    /// Kafka's id of this incarnation, base64.
    pub id: String,
    pub partitions: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum TopicsError {
    #[error("topic {0} does not exist")]
    Missing(String),
    #[error("topic {topic}: {problem}")]
    Refused { topic: String, problem: String },
    #[error("Kafka did not say which topics there are: {0}")]
    NoAnswer(String),
    #[error("topic name {0:?} holds a zero byte")]
    Name(String),
}

fn millis(timeout: Duration) -> i32 {
    i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX)
}

/// First and next offset of partition 0, asked of its leader.
pub fn watermarks<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    timeout: Duration,
) -> Result<(i64, i64), KafkaError> {
    client.fetch_watermarks(topic, 0, timeout)
}

pub fn cluster_id<C: ClientContext>(client: &Client<C>, timeout: Duration) -> Option<String> {
    client.fetch_cluster_id(timeout)
}

fn text(from: *const c_char) -> String {
    if from.is_null() {
        return String::new();
    }
    // SAFETY: librdkafka hands out NUL-terminated strings that live as long as the event they are of.
    unsafe { CStr::from_ptr(from) }
        .to_string_lossy()
        .into_owned()
}

/// Asks for names, ids and partition counts; all topics must be there.
pub fn describe_topics<C: ClientContext>(
    client: &Client<C>,
    names: &[&str],
    timeout: Duration,
) -> Result<Vec<TopicIdentity>, TopicsError> {
    let names = names
        .iter()
        .map(|name| CString::new(*name).map_err(|_| TopicsError::Name((*name).to_owned())))
        .collect::<Result<Vec<_>, _>>()?;
    let mut pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
    let rk = client.native_ptr();
    // SAFETY: `rk` lives as long as `client`; the collection copies the names; queue, collection and
    // options are destroyed here exactly once, after the event that came of them.
    unsafe {
        let queue = sys::rd_kafka_queue_new(rk);
        let topics =
            sys::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len());
        let options = sys::rd_kafka_AdminOptions_new(
            rk,
            sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS,
        );
        sys::rd_kafka_AdminOptions_set_request_timeout(
            options,
            millis(timeout),
            ptr::null_mut(),
            0,
        );
        sys::rd_kafka_DescribeTopics(rk, topics, options, queue);
        let event = sys::rd_kafka_queue_poll(queue, millis(timeout) + 500);
        let answer = read_answer(event);
        if !event.is_null() {
            sys::rd_kafka_event_destroy(event);
        }
        sys::rd_kafka_AdminOptions_destroy(options);
        sys::rd_kafka_TopicCollection_destroy(topics);
        sys::rd_kafka_queue_destroy(queue);
        answer
    }
}

/// # Safety
/// `event` is null or an event of a `DescribeTopics` request.
unsafe fn read_answer(
    event: *mut sys::rd_kafka_event_t,
) -> Result<Vec<TopicIdentity>, TopicsError> {
    if event.is_null() {
        return Err(TopicsError::NoAnswer("no answer in time".to_owned()));
    }
    // SAFETY: the event is live, and the result and its parts live as long as it does.
    unsafe {
        if sys::rd_kafka_event_error(event) != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
        {
            return Err(TopicsError::NoAnswer(text(
                sys::rd_kafka_event_error_string(event),
            )));
        }
        let result = sys::rd_kafka_event_DescribeTopics_result(event);
        if result.is_null() {
            return Err(TopicsError::NoAnswer(
                "an answer to another question".to_owned(),
            ));
        }
        let mut count = 0;
        let topics = sys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        (0..count)
            .map(|index| read_topic(*topics.add(index)))
            .collect()
    }
}

/// # Safety
/// `topic` is a live description.
unsafe fn read_topic(
    topic: *const sys::rd_kafka_TopicDescription_t,
) -> Result<TopicIdentity, TopicsError> {
    // SAFETY: the parts live as long as the description.
    unsafe {
        let name = text(sys::rd_kafka_TopicDescription_name(topic));
        let error = sys::rd_kafka_TopicDescription_error(topic);
        match sys::rd_kafka_error_code(error) {
            sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => {}
            sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART => {
                return Err(TopicsError::Missing(name));
            }
            _ => {
                return Err(TopicsError::Refused {
                    topic: name,
                    problem: text(sys::rd_kafka_error_string(error)),
                });
            }
        }
        let mut partitions = 0;
        sys::rd_kafka_TopicDescription_partitions(topic, &raw mut partitions);
        let id = text(sys::rd_kafka_Uuid_base64str(
            sys::rd_kafka_TopicDescription_topic_id(topic),
        ));
        Ok(TopicIdentity {
            name,
            id,
            partitions,
        })
    }
}
