//! A way to a signer over the network, and one to a signer in the same process.

use std::sync::Arc;
use std::time::Duration;

use tonic::transport::{Channel, ClientTlsConfig, Endpoint};

use crate::error::Error;
use crate::node::Node;
use crate::proto::{self, signer_client::SignerClient};
use crate::relay::Port;
use crate::server::{LARGEST_MESSAGE, TlsFiles, activate_answer, describe, round_answer};

/// A signer that takes longer than this for one answer is taken for one that is down.
const PATIENCE: Duration = Duration::from_secs(30);

/// Over mutual TLS.
#[derive(Clone)]
pub struct Remote {
    address: String,
    client: SignerClient<Channel>,
}

impl Remote {
    /// To `https://host:port`, whose certificate must name `name` (`signer-1`). Connects when first used.
    ///
    /// # Errors
    /// An address or certificates that make no sense.
    pub fn new(address: &str, name: &str, tls: &TlsFiles) -> Result<Self, Error> {
        let config = ClientTlsConfig::new()
            .ca_certificate(tls.authority()?)
            .identity(tls.identity()?)
            .domain_name(name);
        let channel = Endpoint::from_shared(address.to_owned())
            .and_then(|endpoint| endpoint.tls_config(config))
            .map_err(|error| Error::setting(format!("signer {address}"), describe(&error)))?
            .connect_timeout(Duration::from_secs(5))
            .timeout(PATIENCE)
            .connect_lazy();
        let client = SignerClient::new(channel)
            .max_decoding_message_size(LARGEST_MESSAGE)
            .max_encoding_message_size(LARGEST_MESSAGE);
        Ok(Self {
            address: address.to_owned(),
            client,
        })
    }

    /// Where the signer stands.
    ///
    /// # Errors
    /// A signer that can't be reached or doesn't let us.
    pub async fn status(&self) -> Result<proto::SignerStatus, Error> {
        let mut client = self.client.clone();
        let answer = client.status(proto::SignerStatusRequest {}).await;
        self.heard(answer)
    }

    fn heard<T>(&self, answer: Result<tonic::Response<T>, tonic::Status>) -> Result<T, Error> {
        answer
            .map(tonic::Response::into_inner)
            .map_err(|status| Error::Peer {
                peer: self.address.clone(),
                problem: describe(&status),
            })
    }
}

impl Port for Remote {
    async fn open_signing(
        &self,
        request: proto::OpenSigningRequest,
    ) -> Result<proto::RoundResponse, Error> {
        let mut client = self.client.clone();
        let answer = client.open_signing(request).await;
        self.heard(answer)
    }

    async fn open_ceremony(
        &self,
        request: proto::OpenCeremonyRequest,
    ) -> Result<proto::RoundResponse, Error> {
        let mut client = self.client.clone();
        let answer = client.open_ceremony(request).await;
        self.heard(answer)
    }

    async fn round(&self, request: proto::RoundRequest) -> Result<proto::RoundResponse, Error> {
        let mut client = self.client.clone();
        let answer = client.round(request).await;
        self.heard(answer)
    }

    async fn activate(
        &self,
        request: proto::ActivateRequest,
    ) -> Result<proto::ActivateResponse, Error> {
        let mut client = self.client.clone();
        let answer = client.activate(request).await;
        self.heard(answer)
    }
}

/// In this process.
impl Port for Arc<Node> {
    async fn open_signing(
        &self,
        request: proto::OpenSigningRequest,
    ) -> Result<proto::RoundResponse, Error> {
        Ok(round_answer(Node::open_signing(self, &request)))
    }

    async fn open_ceremony(
        &self,
        request: proto::OpenCeremonyRequest,
    ) -> Result<proto::RoundResponse, Error> {
        Ok(round_answer(Node::open_ceremony(self, &request)))
    }

    async fn round(&self, request: proto::RoundRequest) -> Result<proto::RoundResponse, Error> {
        Ok(round_answer(Node::round(self, &request)))
    }

    async fn activate(
        &self,
        request: proto::ActivateRequest,
    ) -> Result<proto::ActivateResponse, Error> {
        Ok(activate_answer(Node::activate(self, &request)))
    }
}
