//! The window's TypeScript types, generated from [`crate::dto`], [`crate::Event`] and [`crate::Error`] into
//! `ui/src/lib/api/generated/dto.ts`. `make bindings` writes the file; the test fails where it differs.

use crate::{Error, ErrorCode, Event, dto::*};
use ts_rs::{Config, TS};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ui/src/lib/api/generated/dto.ts");

macro_rules! declarations {
    ($config:expr, $($type:ty),* $(,)?) => {
        [$(format!("export {}", <$type as TS>::decl($config))),*].join("\n\n")
    };
}

fn bindings() -> String {
    // Sizes and times stay far below 2^53.
    let config = Config::new().with_large_int("number");
    let types = declarations!(
        &config,
        Nothing,
        Sensitive,
        Bytes,
        Direction,
        CreateAccount,
        UnlockAccount,
        ChangePassword,
        DeleteAccount,
        ExportAccount,
        ImportAccount,
        CheckPassword,
        Account,
        Unlocked,
        Known,
        Unreachable,
        AccountStatus,
        AccountState,
        Suggestion,
        PasswordStrength,
        AddContact,
        ContactAddress,
        RenameContact,
        VerifyContact,
        Contact,
        ContactState,
        MakeInvite,
        Invite,
        OpenInvite,
        InviteRef,
        SendMessage,
        ListMessages,
        SearchMessages,
        MarkRead,
        MessageRef,
        DeleteMessage,
        EditMessage,
        ReactToMessage,
        Sent,
        MessagePage,
        Message,
        MessageBody,
        Reaction,
        MessageState,
        StepRecord,
        ConversationSettings,
        Receipts,
        SetConversation,
        ConversationRef,
        KeepDraft,
        Draft,
        SendFile,
        PutBytes,
        Upload,
        SendBytes,
        Voice,
        ReadFile,
        FilePart,
        Thumbnail,
        AcceptFile,
        TransferRef,
        SaveFile,
        ListFiles,
        Transfer,
        TransferState,
        TransferReason,
        AddPeer,
        NetworkStatus,
        MailboxStatus,
        CircuitStatus,
        RelayStatus,
        Settings,
        SettingsChange,
        Theme,
        Notifications,
        AppInfo,
        PickedFile,
        SuggestedName,
        CopyText,
        OpenLink,
        ShellSettings,
        ShellChange,
        ShellWords,
        Error,
        ErrorCode,
        Event,
    );
    format!("// Made by `make bindings` from crates/app. Changes here are lost.\n\n{types}\n")
}

#[test]
fn the_windows_types_are_those_of_the_core() {
    let bindings = bindings();
    if std::env::var_os("OUTIS_WRITE_BINDINGS").is_some() {
        std::fs::write(FILE, &bindings).unwrap();
    }
    let committed = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(committed == bindings, "{FILE} is out of date: run `make bindings`");
}
