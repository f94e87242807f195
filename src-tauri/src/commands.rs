//! What the page may ask: one command a method of the core, with the method's name.

mod core;
mod desktop;

use tauri::{Wry, ipc::Invoke};

/// Every command. `build.rs` lists the same names, and the capability allows them one by one.
pub(crate) fn handler() -> impl Fn(Invoke<Wry>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        core::account_create,
        core::account_unlock,
        core::account_confirm_new,
        core::account_lock,
        core::account_status,
        core::account_suggest_passphrase,
        core::account_password_strength,
        core::contact_add,
        core::contact_list,
        core::contact_accept,
        core::contact_decline,
        core::contact_block,
        core::contact_unblock,
        core::contact_remove,
        core::contact_rename,
        core::contact_verify,
        core::contact_invite,
        core::message_send,
        core::message_list,
        core::message_mark_read,
        core::message_explain,
        core::file_send,
        core::file_accept,
        core::file_decline,
        core::file_pause,
        core::file_resume,
        core::file_cancel,
        core::file_save,
        core::file_list,
        core::network_status,
        core::network_add_peer,
        core::settings_get,
        core::settings_set,
        core::sandbox_start,
        core::sandbox_stop,
        desktop::app_info,
        desktop::pick_file,
        desktop::pick_save,
        desktop::clipboard_copy,
        desktop::open_link,
    ]
}
