//! The protobuf schema, as generated, and what turns it into our own types.
#![allow(missing_docs, clippy::pedantic)]

tonic::include_proto!("outcry.v1");
