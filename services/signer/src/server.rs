//! The signer on the network: gRPC over mutual TLS, where the caller's certificate says what it may ask.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pki_types::ServerName;
use tonic::transport::server::{TcpIncoming, TlsConnectInfo};
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status};
use webpki::EndEntityCert;

use crate::error::{Error, Refusal};
use crate::node::Node;
use crate::proto::signer_server::{Signer, SignerServer};
use crate::proto::{self, activate_response, round_response};

/// Larger than any request: a PSBT of a thousand inputs is below 1 MiB.
pub const LARGEST_MESSAGE: usize = 4 << 20;

/// What a caller is, by a DNS name in its certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Has transactions signed, relays.
    Wallet,
    /// Makes, refreshes and repairs keys, relays.
    Ceremony,
}

impl Role {
    /// The name that a certificate must hold.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Wallet => "wallet",
            Self::Ceremony => "ceremony",
        }
    }
}

/// Files of one end of mutual TLS, all PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// Who signs the certificates of this quorum's callers and signers. Of nobody else.
    pub ca: PathBuf,
    /// Own certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl TlsFiles {
    /// Certificate and key.
    ///
    /// # Errors
    /// A file that can't be read.
    pub fn identity(&self) -> Result<Identity, Error> {
        Ok(Identity::from_pem(
            read(&self.certificate)?,
            read(&self.key)?,
        ))
    }

    /// The certificate authority.
    ///
    /// # Errors
    /// A file that can't be read.
    pub fn authority(&self) -> Result<Certificate, Error> {
        Ok(Certificate::from_pem(read(&self.ca)?))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(Error::file(path))
}

/// Serves until `stopped` ends. `ready` is told the address once it listens.
///
/// # Errors
/// An address that can't be had, or certificates that make no sense.
pub async fn serve(
    node: Arc<Node>,
    address: SocketAddr,
    tls: &TlsFiles,
    ready: impl FnOnce(SocketAddr),
    stopped: impl Future<Output = ()>,
) -> Result<(), Error> {
    let config = ServerTlsConfig::new()
        .identity(tls.identity()?)
        .client_ca_root(tls.authority()?);
    let incoming = TcpIncoming::bind(address)
        .map_err(|error| Error::setting(format!("address {address}"), error))?
        .with_nodelay(Some(true));
    let bound = incoming
        .local_addr()
        .map_err(|error| Error::setting(format!("address {address}"), error))?;
    let service = SignerServer::new(Service(node))
        .max_decoding_message_size(LARGEST_MESSAGE)
        .max_encoding_message_size(LARGEST_MESSAGE);
    let server = Server::builder()
        .tls_config(config)
        .map_err(|error| Error::setting("TLS", describe(&error)))?
        .add_service(service)
        .serve_with_incoming_shutdown(incoming, stopped);
    ready(bound);
    server
        .await
        .map_err(|error| Error::setting("serving", describe(&error)))
}

/// An error with its causes: tonic's own text is only `transport error`.
pub(crate) fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

struct Service(Arc<Node>);

impl Service {
    /// Runs what takes CPU time and waits for disks, away from the threads that serve.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Node) -> T + Send + 'static,
    ) -> Result<T, Status> {
        let node = self.0.clone();
        tokio::task::spawn_blocking(move || work(&node))
            .await
            .map_err(|_| Status::internal("the signer failed at this request; its log says why"))
    }
}

#[tonic::async_trait]
impl Signer for Service {
    async fn status(
        &self,
        request: Request<proto::SignerStatusRequest>,
    ) -> Result<Response<proto::SignerStatus>, Status> {
        allow(&request, &[Role::Wallet, Role::Ceremony])?;
        self.work(Node::status).await.map(Response::new)
    }

    async fn open_signing(
        &self,
        request: Request<proto::OpenSigningRequest>,
    ) -> Result<Response<proto::RoundResponse>, Status> {
        allow(&request, &[Role::Wallet])?;
        let request = request.into_inner();
        let answer = self.work(move |node| node.open_signing(&request)).await?;
        Ok(Response::new(round_answer(answer)))
    }

    async fn open_ceremony(
        &self,
        request: Request<proto::OpenCeremonyRequest>,
    ) -> Result<Response<proto::RoundResponse>, Status> {
        allow(&request, &[Role::Ceremony])?;
        let request = request.into_inner();
        let answer = self.work(move |node| node.open_ceremony(&request)).await?;
        Ok(Response::new(round_answer(answer)))
    }

    async fn round(
        &self,
        request: Request<proto::RoundRequest>,
    ) -> Result<Response<proto::RoundResponse>, Status> {
        allow(&request, &[Role::Wallet, Role::Ceremony])?;
        let request = request.into_inner();
        let answer = self.work(move |node| node.round(&request)).await?;
        Ok(Response::new(round_answer(answer)))
    }

    async fn activate(
        &self,
        request: Request<proto::ActivateRequest>,
    ) -> Result<Response<proto::ActivateResponse>, Status> {
        allow(&request, &[Role::Ceremony])?;
        let request = request.into_inner();
        let answer = self.work(move |node| node.activate(&request)).await?;
        Ok(Response::new(activate_answer(answer)))
    }
}

/// A round's answer, in which a refusal is an outcome like others.
#[must_use]
pub fn round_answer(answer: Result<proto::RoundResponse, Refusal>) -> proto::RoundResponse {
    answer.unwrap_or_else(|refusal| proto::RoundResponse {
        outcome: Some(round_response::Outcome::Refusal(told(&refusal))),
    })
}

/// An activation's answer.
#[must_use]
pub fn activate_answer(answer: Result<proto::KeyStatus, Refusal>) -> proto::ActivateResponse {
    let outcome = match answer {
        Ok(key) => activate_response::Outcome::Active(key),
        Err(refusal) => activate_response::Outcome::Refusal(told(&refusal)),
    };
    proto::ActivateResponse {
        outcome: Some(outcome),
    }
}

fn told(refusal: &Refusal) -> proto::Refusal {
    proto::Refusal {
        code: refusal.code.name().to_owned(),
        message: refusal.message.clone(),
    }
}

/// Default deny: the certificate, which TLS has verified, must hold the name of an allowed role.
fn allow<T>(request: &Request<T>, roles: &[Role]) -> Result<(), Status> {
    let certificates = request
        .extensions()
        .get::<TlsConnectInfo<tonic::transport::server::TcpConnectInfo>>()
        .and_then(TlsConnectInfo::peer_certs);
    let first = certificates.as_ref().and_then(|chain| chain.first());
    let certificate = first.and_then(|der| EndEntityCert::try_from(der).ok());
    let allowed = certificate.is_some_and(|certificate| {
        roles.iter().any(|role| {
            ServerName::try_from(role.name())
                .is_ok_and(|name| certificate.verify_is_valid_for_subject_name(&name).is_ok())
        })
    });
    if allowed {
        return Ok(());
    }
    let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
    Err(Status::permission_denied(format!(
        "the caller's certificate names none of {}",
        names.join(", ")
    )))
}
