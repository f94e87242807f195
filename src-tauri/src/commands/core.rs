//! Commands that forward to the core's method of the same name.

use crate::renewal;
use outis_app::{App, Error, dto::*};
use std::sync::Arc;
use tauri::{AppHandle, State, command};

macro_rules! forward {
    ($($method:ident($params:ty) -> $reply:ty;)*) => {
        $(
            #[command]
            pub(crate) async fn $method(app: State<'_, Arc<App>>, params: $params) -> Result<$reply, Error> {
                app.$method(params).await
            }
        )*
    };
}

/// A locked account leaves nothing behind that had seen it.
#[command]
pub(crate) async fn account_lock(
    handle: AppHandle,
    app: State<'_, Arc<App>>,
    params: Nothing,
) -> Result<Nothing, Error> {
    let locked = app.account_lock(params).await?;
    renewal::begin(&handle);
    Ok(locked)
}

/// Nor does one that is gone.
#[command]
pub(crate) async fn account_delete(
    handle: AppHandle,
    app: State<'_, Arc<App>>,
    params: DeleteAccount,
) -> Result<Nothing, Error> {
    let deleted = app.account_delete(params).await?;
    renewal::begin(&handle);
    Ok(deleted)
}

forward! {
    account_create(CreateAccount) -> Account;
    account_unlock(UnlockAccount) -> Unlocked;
    account_confirm_new(Nothing) -> Nothing;
    account_touch(Nothing) -> Nothing;
    account_change_password(ChangePassword) -> Nothing;
    account_export(ExportAccount) -> Nothing;
    account_import(ImportAccount) -> Unlocked;
    account_start_over(UnlockAccount) -> Unlocked;
    account_status(Nothing) -> AccountStatus;
    account_suggest_passphrase(Nothing) -> Suggestion;
    account_password_strength(CheckPassword) -> PasswordStrength;
    contact_add(AddContact) -> Contact;
    contact_list(Nothing) -> Vec<Contact>;
    contact_accept(ContactAddress) -> Contact;
    contact_decline(ContactAddress) -> Contact;
    contact_block(ContactAddress) -> Contact;
    contact_unblock(ContactAddress) -> Contact;
    contact_remove(ContactAddress) -> Nothing;
    contact_rename(RenameContact) -> Contact;
    contact_verify(VerifyContact) -> Contact;
    contact_invite(MakeInvite) -> Invite;
    contact_invites(Nothing) -> Vec<OpenInvite>;
    contact_revoke_invite(InviteRef) -> Nothing;
    message_send(SendMessage) -> Sent;
    message_list(ListMessages) -> MessagePage;
    message_search(SearchMessages) -> MessagePage;
    message_mark_read(MarkRead) -> Nothing;
    message_delete(DeleteMessage) -> Nothing;
    message_edit(EditMessage) -> Message;
    message_react(ReactToMessage) -> Message;
    message_explain(MessageRef) -> Vec<StepRecord>;
    conversation_set(SetConversation) -> ConversationSettings;
    conversation_draft(KeepDraft) -> Draft;
    conversation_typing(ConversationRef) -> Nothing;
    file_send(SendFile) -> Transfer;
    file_put_bytes(PutBytes) -> Upload;
    file_send_bytes(SendBytes) -> Transfer;
    file_accept(AcceptFile) -> Transfer;
    file_decline(TransferRef) -> Transfer;
    file_pause(TransferRef) -> Transfer;
    file_resume(TransferRef) -> Transfer;
    file_cancel(TransferRef) -> Transfer;
    file_save(SaveFile) -> Nothing;
    file_read(ReadFile) -> FilePart;
    file_thumbnail(TransferRef) -> Thumbnail;
    file_list(ListFiles) -> Vec<Transfer>;
    network_status(Nothing) -> NetworkStatus;
    network_add_peer(AddPeer) -> Nothing;
    settings_get(Nothing) -> Settings;
    settings_set(SettingsChange) -> Settings;
    sandbox_start(Nothing) -> Account;
    sandbox_stop(Nothing) -> Nothing;
}
