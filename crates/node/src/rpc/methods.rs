//! From a line to a call and back. The names here are a public interface.

use super::answer::{Answer, Refusal};
use outis_app::{App, Error, ErrorCode, dto::*};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};
use std::sync::Arc;

/// Answers one line; a notification (a request without an id) gets no answer.
pub(super) async fn handle(app: Arc<App>, line: Vec<u8>) -> Option<Answer> {
    let request: Request = match serde_json::from_slice(&line) {
        Ok(request) => request,
        Err(error) if error.is_syntax() || error.is_eof() => {
            return Some(Answer::result(&Value::Null, Err(Refusal::Malformed(error.to_string()))));
        }
        Err(error) => {
            let error = Error::new(ErrorCode::InvalidParams, format!("not a JSON-RPC request: {error}"));
            return Some(Answer::result(&Value::Null, Err(Refusal::Invalid(error))));
        }
    };
    let id = request.id.clone();
    let result = call(&app, request).await;
    id.map(|id| Answer::result(&id, result))
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(rename = "jsonrpc")]
    _version: Version,
    #[serde(default, deserialize_with = "present")]
    id: Option<Value>,
    method: String,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
enum Version {
    #[serde(rename = "2.0")]
    Two,
}

/// An id of `null` is an id.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

macro_rules! methods {
    ($app:ident, $request:ident; $($name:literal => $method:ident($params:ty)),* $(,)?) => {
        match $request.method.as_str() {
            $($name => {
                let params: $params = parse($request.params)?;
                let result = $app.$method(params).await.map_err(Refusal::Failed)?;
                serde_json::to_value(result).map_err(|error| Refusal::Failed(Error::internal(error)))
            })*
            _ => Err(Refusal::NoSuchMethod),
        }
    };
}

async fn call(app: &App, request: Request<'_>) -> Result<Value, Refusal> {
    // Whoever asks is there.
    app.somebody_is_there();
    methods! { app, request;
        "account.create" => account_create(CreateAccount),
        "account.unlock" => account_unlock(UnlockAccount),
        "account.confirm_new" => account_confirm_new(Nothing),
        "account.lock" => account_lock(Nothing),
        "account.touch" => account_touch(Nothing),
        "account.change_password" => account_change_password(ChangePassword),
        "account.delete" => account_delete(DeleteAccount),
        "account.export" => account_export(ExportAccount),
        "account.import" => account_import(ImportAccount),
        "account.start_over" => account_start_over(UnlockAccount),
        "account.status" => account_status(Nothing),
        "account.suggest_passphrase" => account_suggest_passphrase(Nothing),
        "account.password_strength" => account_password_strength(CheckPassword),
        "contact.add" => contact_add(AddContact),
        "contact.list" => contact_list(Nothing),
        "contact.accept" => contact_accept(ContactAddress),
        "contact.decline" => contact_decline(ContactAddress),
        "contact.block" => contact_block(ContactAddress),
        "contact.unblock" => contact_unblock(ContactAddress),
        "contact.remove" => contact_remove(ContactAddress),
        "contact.rename" => contact_rename(RenameContact),
        "contact.verify" => contact_verify(VerifyContact),
        "contact.invite" => contact_invite(MakeInvite),
        "contact.invites" => contact_invites(Nothing),
        "contact.revoke_invite" => contact_revoke_invite(InviteRef),
        "message.send" => message_send(SendMessage),
        "message.list" => message_list(ListMessages),
        "message.search" => message_search(SearchMessages),
        "message.mark_read" => message_mark_read(MarkRead),
        "message.delete" => message_delete(DeleteMessage),
        "message.edit" => message_edit(EditMessage),
        "message.react" => message_react(ReactToMessage),
        "message.explain" => message_explain(MessageRef),
        "conversation.set" => conversation_set(SetConversation),
        "conversation.draft" => conversation_draft(KeepDraft),
        "conversation.typing" => conversation_typing(ConversationRef),
        "file.send" => file_send(SendFile),
        "file.put_bytes" => file_put_bytes(PutBytes),
        "file.send_bytes" => file_send_bytes(SendBytes),
        "file.accept" => file_accept(AcceptFile),
        "file.decline" => file_decline(TransferRef),
        "file.pause" => file_pause(TransferRef),
        "file.resume" => file_resume(TransferRef),
        "file.cancel" => file_cancel(TransferRef),
        "file.save" => file_save(SaveFile),
        "file.read" => file_read(ReadFile),
        "file.thumbnail" => file_thumbnail(TransferRef),
        "file.list" => file_list(ListFiles),
        "network.status" => network_status(Nothing),
        "network.add_peer" => network_add_peer(AddPeer),
        "settings.get" => settings_get(Nothing),
        "settings.set" => settings_set(SettingsChange),
    }
}

/// Absent parameters are empty ones. They go by name only: their order is nobody's promise.
fn parse<T: DeserializeOwned>(params: Option<&RawValue>) -> Result<T, Refusal> {
    let text = params.map_or("{}", RawValue::get);
    if text.starts_with('[') {
        return Err(Refusal::Params("parameters are given by name".to_owned()));
    }
    serde_json::from_str(text).map_err(|error| Refusal::Params(without_values(&error)))
}

/// Which parameter is unknown or missing may be said; what stood in one may be a password.
fn without_values(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("unknown field") || text.starts_with("missing field") {
        text
    } else {
        format!("a parameter is not of the right kind, at column {}", error.column())
    }
}
