//! Certificates of a test's own.

use std::path::{Path, PathBuf};

use outcry_signer::server::TlsFiles;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

/// A certificate authority and what it signs, as files.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    home: PathBuf,
}

impl Authority {
    pub fn new(home: &Path) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        std::fs::create_dir_all(home).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        std::fs::write(home.join("ca.pem"), certificate.pem()).unwrap();
        Self {
            issuer: Issuer::new(params, key),
            home: home.to_owned(),
        }
    }

    pub fn issue(&self, name: &str) -> TlsFiles {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let files = TlsFiles {
            ca: self.home.join("ca.pem"),
            certificate: self.home.join(format!("{name}.pem")),
            key: self.home.join(format!("{name}.key")),
        };
        std::fs::write(&files.certificate, certificate.pem()).unwrap();
        std::fs::write(&files.key, key.serialize_pem()).unwrap();
        files
    }
}
