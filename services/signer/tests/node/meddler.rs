//! A signer, or somebody who sits where one was.

use std::sync::Arc;

use outcry_signer::error::Error;
use outcry_signer::node::Node;
use outcry_signer::proto;
use outcry_signer::relay::Port;

/// It answers as the signer does, then with what `meddle` makes of it.
pub struct Meddler {
    node: Arc<Node>,
    pub meddle: Box<dyn Fn(&mut proto::RoundResponse) + Send + Sync>,
}

impl Meddler {
    pub fn honest(node: &Arc<Node>) -> Self {
        Self {
            node: node.clone(),
            meddle: Box::new(|_| {}),
        }
    }

    fn answer(&self, mut response: proto::RoundResponse) -> proto::RoundResponse {
        (self.meddle)(&mut response);
        response
    }
}

impl Port for Meddler {
    async fn open_signing(
        &self,
        request: proto::OpenSigningRequest,
    ) -> Result<proto::RoundResponse, Error> {
        Ok(self.answer(Port::open_signing(&self.node, request).await?))
    }
    async fn open_ceremony(
        &self,
        request: proto::OpenCeremonyRequest,
    ) -> Result<proto::RoundResponse, Error> {
        Port::open_ceremony(&self.node, request).await
    }
    async fn round(&self, request: proto::RoundRequest) -> Result<proto::RoundResponse, Error> {
        Ok(self.answer(Port::round(&self.node, request).await?))
    }
    async fn activate(
        &self,
        request: proto::ActivateRequest,
    ) -> Result<proto::ActivateResponse, Error> {
        Port::activate(&self.node, request).await
    }
}
