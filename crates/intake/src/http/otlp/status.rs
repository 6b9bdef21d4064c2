//! What OTLP says of errors: `google.rpc.Status`, as far as it is used.

use prost::Message;

/// An error.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Status {
    /// Code of gRPC.
    #[prost(int32, tag = "1")]
    code: i32,
    /// For whoever runs the client.
    #[prost(string, tag = "2")]
    message: String,
}

impl Status {
    pub(super) fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(super) fn written(&self, json: bool) -> Vec<u8> {
        if json {
            serde_json::json!({ "code": self.code, "message": self.message }).to_string().into_bytes()
        } else {
            self.encode_to_vec()
        }
    }
}
