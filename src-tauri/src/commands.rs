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
        core::account_touch,
        core::account_change_password,
        core::account_delete,
        core::account_export,
        core::account_import,
        core::account_start_over,
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
        core::contact_invites,
        core::contact_revoke_invite,
        core::message_send,
        core::message_list,
        core::message_search,
        core::message_mark_read,
        core::message_delete,
        core::message_edit,
        core::message_react,
        core::message_explain,
        core::conversation_set,
        core::conversation_draft,
        core::conversation_typing,
        core::file_send,
        core::file_put_bytes,
        core::file_send_bytes,
        core::file_accept,
        core::file_decline,
        core::file_pause,
        core::file_resume,
        core::file_cancel,
        core::file_save,
        core::file_read,
        core::file_thumbnail,
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
        desktop::shell_get,
        desktop::shell_set,
        desktop::shell_words,
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn what_is_handled_is_listed_and_allowed_and_nothing_else() {
        let handled: BTreeSet<String> = quoted_by(include_str!("commands.rs"), "::", ",");
        let listed = quoted_by(include_str!("../build.rs"), "    \"", "\",");
        let capability: serde_json::Value = serde_json::from_str(include_str!("../capabilities/main.json")).unwrap();
        let permissions = capability["permissions"].as_array().unwrap();
        let permissions: BTreeSet<&str> = permissions.iter().filter_map(|name| name.as_str()).collect();
        let of_the_shell = BTreeSet::from(["core:event:allow-listen", "core:event:allow-unlisten"]);
        let allowed = permissions.difference(&of_the_shell).map(|name| {
            let command = name.strip_prefix("allow-").expect("single commands, no sets");
            command.replace('-', "_")
        });
        assert!(handled.len() > 30, "{handled:?}");
        assert_eq!(handled, listed);
        assert_eq!(handled, allowed.collect());
        assert_eq!(capability["windows"], serde_json::json!(["main"]));
        assert!(
            capability.get("remote").is_none(),
            "no page from elsewhere may call anything"
        );
    }

    /// The names that stand alone on a line between these two.
    fn quoted_by(source: &str, before: &str, after: &str) -> BTreeSet<String> {
        let is_name = |name: &&str| !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        source
            .lines()
            .filter_map(|line| line.split_once(before)?.1.strip_suffix(after))
            .filter(is_name)
            .map(str::to_owned)
            .collect()
    }
}
