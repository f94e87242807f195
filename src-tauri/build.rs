//! Lists every command, so that a window may call only what its capability names.

fn main() {
    let manifest = tauri_build::AppManifest::new().commands(COMMANDS);
    let attributes = tauri_build::Attributes::new().app_manifest(manifest);
    tauri_build::try_build(attributes).expect("the window's configuration is sound");
}

const COMMANDS: &[&str] = &[
    "account_create",
    "account_unlock",
    "account_confirm_new",
    "account_lock",
    "account_status",
    "account_suggest_passphrase",
    "account_password_strength",
    "contact_add",
    "contact_list",
    "contact_accept",
    "contact_decline",
    "contact_block",
    "contact_unblock",
    "contact_remove",
    "contact_rename",
    "contact_verify",
    "contact_invite",
    "message_send",
    "message_list",
    "message_mark_read",
    "message_explain",
    "file_send",
    "file_accept",
    "file_decline",
    "file_pause",
    "file_resume",
    "file_cancel",
    "file_save",
    "file_list",
    "network_status",
    "network_add_peer",
    "settings_get",
    "settings_set",
    "app_info",
    "sandbox_start",
    "sandbox_stop",
    "pick_file",
    "pick_save",
    "clipboard_copy",
    "open_link",
    "shell_get",
    "shell_set",
    "shell_words",
];
