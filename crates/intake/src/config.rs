//! What the configuration says of listeners.

mod check;
mod limits;

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer};
use ward_core::SourceId;

pub use limits::Limits;

/// All listeners. None is on unless it is named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IntakeConfig {
    /// `"accepted"`: listeners without `tls` may listen on other addresses than loopback, so that what is
    /// sent, tokens too, can be read on the way. Default: they are refused.
    pub plain_text_off_loopback: Option<PlainText>,
    /// HTTP: NDJSON, Splunk HEC, Elasticsearch `_bulk`, OTLP, journal upload.
    pub http: Vec<HttpListener>,
    /// Syslog over TCP, with or without `tls`.
    pub syslog_tcp: Vec<StreamListener>,
    /// Syslog over TCP with `tls`, which must be given (RFC 5425).
    pub syslog_tls: Vec<StreamListener>,
    /// Syslog by RELP, each message acknowledged: rsyslog's `omrelp`, with or without `tls`.
    pub relp: Vec<StreamListener>,
    /// Syslog over UDP.
    pub syslog_udp: Vec<DatagramListener>,
    /// Beats and Logstash (Lumberjack version 2).
    pub beats: Vec<StreamListener>,
    /// GELF over TCP.
    pub gelf_tcp: Vec<StreamListener>,
    /// GELF over UDP.
    pub gelf_udp: Vec<DatagramListener>,
    /// Fluent Forward: Fluentd, Fluent Bit and the libraries of Fluentd, without `shared_key`.
    pub fluent_forward: Vec<StreamListener>,
    /// OTLP over gRPC.
    pub otlp_grpc: Vec<StreamListener>,
}

/// What must be said for plain text to leave the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlainText {
    /// It is accepted.
    Accepted,
}

/// An HTTP listener.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpListener {
    /// Its name in logs and metrics.
    pub name: String,
    /// Address and port, such as `0.0.0.0:8088`.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
    /// Certificate and key. Default: plain text.
    #[serde(default)]
    pub tls: Option<TlsFiles>,
    /// The source of whoever shows no known credential. Default: they are refused.
    #[serde(default, deserialize_with = "source")]
    pub source: Option<SourceId>,
    /// What it takes. Default: all.
    #[serde(default = "Protocol::all")]
    pub protocols: Vec<Protocol>,
    /// Whether a Splunk HEC token may stand in the URL (`?token=`), where proxies log it. Default: no.
    #[serde(default)]
    pub token_in_query: bool,
    /// The version that Elasticsearch clients are told. Default `9.1.0`: Beats refuse to send to a server
    /// that is older than they are.
    #[serde(default = "elastic_version")]
    pub elastic_version: String,
    /// Whether Ward's own interface and console are served here too. Default: no.
    #[serde(default)]
    pub api: bool,
    /// Its limits.
    #[serde(default)]
    pub limits: Limits,
}

/// What an HTTP listener may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// `POST /ingest/v1/events`: NDJSON and every format that `ward detect` reads.
    Events,
    /// Splunk HTTP Event Collector.
    Hec,
    /// Elasticsearch and OpenSearch `_bulk`.
    Elastic,
    /// OpenTelemetry logs, over HTTP and gRPC.
    Otlp,
    /// `systemd-journal-upload`.
    JournalUpload,
}

impl Protocol {
    /// All of them.
    pub fn all() -> Vec<Self> {
        vec![Self::Events, Self::Hec, Self::Elastic, Self::Otlp, Self::JournalUpload]
    }
}

/// A listener of streams: syslog, RELP, Beats, GELF, Fluent Forward, gRPC.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamListener {
    /// Its name in logs and metrics.
    pub name: String,
    /// Address and port.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
    /// Certificate and key. Default: plain text.
    #[serde(default)]
    pub tls: Option<TlsFiles>,
    /// The source of whoever shows no known client certificate (or token, for gRPC). Default: they are
    /// refused.
    #[serde(default, deserialize_with = "source")]
    pub source: Option<SourceId>,
    /// Its limits.
    #[serde(default)]
    pub limits: Limits,
}

/// A listener of datagrams.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatagramListener {
    /// Its name in logs and metrics.
    pub name: String,
    /// Address and port.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
    /// The source of all that comes. Must be given.
    #[serde(default, deserialize_with = "source")]
    pub source: Option<SourceId>,
    /// Bytes that the kernel may hold until they are read. Default 16 MiB; the kernel may give less
    /// (`net.core.rmem_max`).
    #[serde(default = "receive_buffer_bytes")]
    pub receive_buffer_bytes: usize,
    /// Its limits.
    #[serde(default)]
    pub limits: Limits,
}

/// Where certificate and key are. They are read again when they change.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The certificate and those between it and the authority, PEM.
    pub certificate: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
    /// Authorities whose client certificates are looked at, PEM. Default: no client certificates.
    #[serde(default)]
    pub client_authorities: Option<PathBuf>,
    /// Whether a client must show a certificate. Default: it may.
    #[serde(default)]
    pub client_certificate_required: bool,
}

fn elastic_version() -> String {
    "9.1.0".to_owned()
}

const fn receive_buffer_bytes() -> usize {
    16 << 20
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        serde::de::Error::custom(format!(
            "'{}' is no address and port such as 127.0.0.1:8088, [::1]:8088 or 0.0.0.0:8088; names are not looked up",
            text.escape_debug()
        ))
    })
}

fn source<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SourceId>, D::Error> {
    let code = Option::<String>::deserialize(deserializer)?;
    code.map(|code| SourceId::new(&code)).transpose().map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_needs_no_more_than_a_name_and_an_address() {
        let config: IntakeConfig = toml::from_str(
            "[[http]]\nname = \"hub\"\nlisten = \"127.0.0.1:8088\"\n\
             [[syslog_udp]]\nname = \"udp\"\nlisten = \"[::1]:514\"\nsource = \"leeds-udp\"\n\
             [syslog_udp.limits]\nmessage_bytes = 2048\n",
        )
        .unwrap();
        assert_eq!(config.http[0].protocols, Protocol::all());
        assert_eq!((config.http[0].source.clone(), config.http[0].token_in_query), (None, false));
        assert_eq!(config.syslog_udp[0].source.as_ref().unwrap().as_str(), "leeds-udp");
        let expected = Limits { message_bytes: 2048, ..Limits::default() };
        assert_eq!(config.syslog_udp[0].limits, expected);
    }

    #[test]
    fn what_is_unknown_or_no_code_is_refused_by_name() {
        for (text, said) in [
            ("htpp = []", "htpp"),
            ("plain_text_off_loopback = true", "plain_text_off_loopback"),
            ("plain_text_off_loopback = \"yes\"", "accepted"),
            ("[[beats]]\nname = \"b\"\nlisten = \"127.0.0.1:1\"\nsource = \"../x\"", "is no code"),
            ("[[beats]]\nname = \"b\"\nlisten = \"127.0.0.1:1\"\n[beats.limits]\nbody = 1", "body"),
            ("[[beats]]\nname = \"b\"", "listen"),
            (
                "[[beats]]\nname = \"b\"\nlisten = \"localhost:8088\"",
                "'localhost:8088' is no address and port such as 127.0.0.1:8088",
            ),
            ("[[http]]\nname = \"b\"\nlisten = \"127.0.0.1\"", "'127.0.0.1' is no address and port such as"),
            ("[[gelf_udp]]\nname = \"b\"\nlisten = 514", "string"),
        ] {
            let error = toml::from_str::<IntakeConfig>(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
