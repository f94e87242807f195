//! Lines that go out: results, errors and events.

use outis_app::{Error, ErrorCode, Event};
use serde::Serialize;
use serde_json::{Value, json};

/// The longest reply. No method comes near it: lists are paged.
const LIMIT: usize = 4 << 20;

/// One line for standard output.
pub(crate) struct Answer(Vec<u8>);

impl Answer {
    pub(crate) fn result(id: &Value, result: Result<Value, Refusal>) -> Self {
        match result {
            Ok(result) => Self::line(&json!({"jsonrpc": "2.0", "id": id, "result": result})),
            Err(refusal) => Self::refusal(id, &refusal),
        }
    }

    pub(crate) fn event(event: &Event) -> Self {
        Self::line(&json!({"jsonrpc": "2.0", "method": "event", "params": event}))
    }

    /// The answer to a line that was too long to be read, so that nobody knows its id.
    pub(crate) fn too_long() -> Self {
        let error = Error::new(ErrorCode::TooLarge, "a line has at most 1 MiB");
        Self::refusal(&Value::Null, &Refusal::Invalid(error))
    }

    /// The bytes, with the line's end.
    pub(crate) fn into_line(self) -> Vec<u8> {
        self.0
    }

    fn refusal(id: &Value, refusal: &Refusal) -> Self {
        let (number, code, message) = match refusal {
            Refusal::Malformed(message) => (-32_700, ErrorCode::InvalidParams, message.as_str()),
            Refusal::Invalid(error) => (-32_600, error.code, error.message.as_str()),
            Refusal::NoSuchMethod => (-32_601, ErrorCode::InvalidParams, "there is no such method"),
            Refusal::Params(message) => (-32_602, ErrorCode::InvalidParams, message.as_str()),
            Refusal::Failed(error) => (-32_000, error.code, error.message.as_str()),
        };
        Self::line(&json!({
            "jsonrpc": "2.0",
            "id": id,
            "error": {"code": number, "message": message, "data": {"code": code}},
        }))
    }

    fn line(value: &impl Serialize) -> Self {
        let mut line = serde_json::to_vec(value).expect("values made here always serialize");
        if line.len() > LIMIT {
            line = br#"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"the reply is too large","data":{"code":"too_large"}}}"#.to_vec();
        }
        line.push(b'\n');
        Self(line)
    }
}

/// Why a request has no result.
pub(crate) enum Refusal {
    /// Not JSON.
    Malformed(String),
    /// Not a request.
    Invalid(Error),
    /// Not a method of ours.
    NoSuchMethod,
    /// Not this method's parameters.
    Params(String),
    /// The method says no.
    Failed(Error),
}
