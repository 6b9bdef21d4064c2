//! Certificates: loaded, offered, loaded anew when their files change.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::IntakeError;
use crate::config::TlsFiles;

/// What a listener shows, at present.
#[derive(Debug)]
pub(crate) struct Tls {
    files: TlsFiles,
    protocols: &'static [&'static [u8]],
    current: ArcSwap<ServerConfig>,
}

impl Tls {
    /// Loads the files. `protocols`: what may be agreed upon on top (ALPN).
    ///
    /// # Errors
    /// A file cannot be read or used.
    pub(crate) fn load(
        files: &TlsFiles,
        protocols: &'static [&'static [u8]],
    ) -> Result<Arc<Self>, IntakeError> {
        let current = ArcSwap::from_pointee(server_config(files, protocols)?);
        Ok(Arc::new(Self { files: files.clone(), protocols, current }))
    }

    /// Makes handshakes with what is loaded now.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.current.load_full())
    }

    /// Loads the files anew whenever they have changed. What cannot be used is told, and the old stays.
    pub(crate) async fn keep_up(self: Arc<Self>, stop: CancellationToken) {
        let mut loaded = self.changed_at();
        loop {
            tokio::select! {
                () = sleep(LOOK) => {}
                () = stop.cancelled() => return,
            }
            let now = self.changed_at();
            if now == loaded {
                continue;
            }
            match server_config(&self.files, self.protocols) {
                Ok(config) => {
                    self.current.store(Arc::new(config));
                    tracing::info!(certificate = %self.files.certificate.display(), "loaded a new certificate");
                }
                Err(error) => tracing::error!(%error, "kept the old certificate"),
            }
            loaded = now;
        }
    }

    fn changed_at(&self) -> Vec<Option<SystemTime>> {
        let files =
            [Some(&self.files.certificate), Some(&self.files.key), self.files.client_authorities.as_ref()];
        let changed = |file: &PathBuf| std::fs::metadata(file).and_then(|it| it.modified()).ok();
        files.into_iter().flatten().map(changed).collect()
    }
}

const LOOK: Duration = Duration::from_secs(5);

fn server_config(files: &TlsFiles, protocols: &[&[u8]]) -> Result<ServerConfig, IntakeError> {
    let provider = Arc::new(ring::default_provider());
    let chain = certificates(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| unusable(&files.key, error))?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&files.certificate, error))?;
    let builder = match &files.client_authorities {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for authority in certificates(path)? {
                roots.add(authority).map_err(|error| unusable(path, error))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier =
                if files.client_certificate_required { verifier } else { verifier.allow_unauthenticated() };
            builder.with_client_cert_verifier(verifier.build().map_err(|error| unusable(path, error))?)
        }
    };
    let mut config =
        builder.with_single_cert(chain, key).map_err(|error| unusable(&files.certificate, error))?;
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(config)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, IntakeError> {
    let read = CertificateDer::pem_file_iter(path).map_err(|error| unusable(path, error))?;
    let all: Vec<_> = read.collect::<Result<_, _>>().map_err(|error| unusable(path, error))?;
    if all.is_empty() { Err(unusable(path, "it holds no certificate")) } else { Ok(all) }
}

fn unusable(path: &Path, reason: impl ToString) -> IntakeError {
    IntakeError::Tls { path: path.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_hold_no_certificate_or_key_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let made = rcgen::generate_simple_self_signed(["ward.test".to_owned()]).unwrap();
        std::fs::write(path("good.pem"), made.cert.pem()).unwrap();
        std::fs::write(path("key.pem"), made.signing_key.serialize_pem()).unwrap();
        std::fs::write(path("empty.pem"), "").unwrap();
        let load = |certificate: &str, key: &str, authorities: Option<&str>| {
            let files = TlsFiles {
                certificate: path(certificate),
                key: path(key),
                client_authorities: authorities.map(path),
                client_certificate_required: false,
            };
            Tls::load(&files, &[]).map(|_| ()).map_err(|error| error.to_string())
        };
        assert_eq!(load("good.pem", "key.pem", Some("good.pem")), Ok(()));
        for (certificate, key, authorities, named) in [
            ("gone.pem", "key.pem", None, "gone.pem"),
            ("empty.pem", "key.pem", None, "empty.pem"),
            ("good.pem", "good.pem", None, "good.pem"),
            ("good.pem", "key.pem", Some("empty.pem"), "empty.pem"),
        ] {
            let error = load(certificate, key, authorities).unwrap_err();
            assert!(error.starts_with("could not use") && error.contains(named), "{error}");
        }
    }
}
