use crate::{App, Config, ErrorCode, Event, dto::*};
use std::{path::Path, time::Duration};
use tempfile::TempDir;

const PASSWORD: &str = "seven grey lighthouses counted from the pier";
const OTHER: &str = "an umbrella forgotten on the night train to Trieste";

async fn app(dir: &Path) -> App {
    let config = Config::new(dir.to_owned(), "test-care", &[])
        .unwrap()
        .dangerously_cheap();
    App::start(config).await.unwrap()
}

async fn create(app: &App, nickname: &str, password: &str) -> Account {
    let (nickname, password) = (nickname.to_owned(), password.to_owned().into());
    app.account_create(CreateAccount { nickname, password }).await.unwrap()
}

async fn unlock(app: &App, nickname: &str, password: &str) -> Result<String, ErrorCode> {
    let params = UnlockAccount {
        nickname: nickname.to_owned(),
        password: password.to_owned().into(),
        restore: false,
    };
    let opened = app.account_unlock(params).await.map_err(|error| error.code)?;
    Ok(opened.account.address)
}

async fn lock(app: &App) {
    app.account_lock(Nothing {}).await.unwrap();
}

async fn change(app: &App, old: &str, new: &str) -> Result<Nothing, ErrorCode> {
    let (old, new) = (old.to_owned().into(), new.to_owned().into());
    app.account_change_password(ChangePassword { old, new })
        .await
        .map_err(|error| error.code)
}

async fn delete(app: &App, password: &str) -> Result<Nothing, ErrorCode> {
    let password = password.to_owned().into();
    app.account_delete(DeleteAccount { password })
        .await
        .map_err(|error| error.code)
}

/// Names of everything at any depth, as a thief would list them.
fn names(dir: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        if path.is_dir() {
            names.extend(self::names(&path));
        }
    }
    names
}

#[tokio::test]
async fn a_changed_password_opens_the_container_and_the_old_one_does_not() {
    let dir = TempDir::new().unwrap();
    let app = app(dir.path()).await;
    let account = create(&app, "Ada", PASSWORD).await;
    assert_eq!(change(&app, OTHER, PASSWORD).await, Err(ErrorCode::WrongCredentials));
    assert_eq!(change(&app, PASSWORD, "qwerty").await, Err(ErrorCode::WeakPassword));
    assert_eq!(change(&app, PASSWORD, OTHER).await, Ok(Nothing {}));
    // It is open still, and goes on storing.
    let to = account.address.clone();
    let note = SendMessage {
        contact: to.clone(),
        text: "written after".to_owned(),
        reply_to: None,
    };
    app.message_send(note).await.unwrap();
    lock(&app).await;
    assert_eq!(unlock(&app, "Ada", PASSWORD).await, Err(ErrorCode::WrongCredentials));
    assert_eq!(unlock(&app, "Ada", OTHER).await, Ok(account.address));
    let page = ListMessages {
        contact: to,
        before: None,
        after: None,
        around: None,
        limit: None,
    };
    assert_eq!(app.message_list(page).await.unwrap().messages.len(), 1);
}

#[tokio::test]
async fn accounts_on_one_machine_are_found_only_with_their_own_password() {
    let dir = TempDir::new().unwrap();
    let app = app(dir.path()).await;
    let ada = create(&app, "Ada", PASSWORD).await.address;
    lock(&app).await;
    let grace = create(&app, "Grace", OTHER).await.address;
    lock(&app).await;
    assert_ne!(ada, grace);
    for (nickname, password) in [("Ada", OTHER), ("Grace", PASSWORD), ("Eve", PASSWORD)] {
        assert_eq!(unlock(&app, nickname, password).await, Err(ErrorCode::WrongCredentials));
    }
    let status = app.account_status(Nothing {}).await.unwrap();
    assert_eq!((status.state, status.account), (AccountState::Locked, None));
    let folders: Vec<String> = std::fs::read_dir(dir.path().join("accounts"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    assert_eq!(folders.len(), 2);
    for folder in &folders {
        assert!(
            folder.len() == 32 && folder.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{folder}"
        );
    }
    for name in names(dir.path()) {
        let name = name.to_lowercase();
        assert!(!name.contains("ada") || folders.contains(&name), "{name}");
        assert!(!name.contains("grace"), "{name}");
    }
    assert_eq!(unlock(&app, "Ada", PASSWORD).await, Ok(ada));
    lock(&app).await;
    assert_eq!(unlock(&app, "Grace", OTHER).await, Ok(grace));
}

#[tokio::test]
async fn deleting_takes_the_password_and_leaves_other_accounts_and_nothing_of_its_own() {
    let dir = TempDir::new().unwrap();
    let app = app(dir.path()).await;
    create(&app, "Ada", PASSWORD).await;
    lock(&app).await;
    // The same nickname with another password is somebody else's account, and that password deletes nothing here.
    let other = create(&app, "Ada", OTHER).await.address;
    assert_eq!(delete(&app, PASSWORD).await, Err(ErrorCode::WrongCredentials));
    assert_eq!(
        app.account_status(Nothing {}).await.unwrap().state,
        AccountState::Unlocked
    );
    lock(&app).await;
    assert!(unlock(&app, "Ada", PASSWORD).await.is_ok());
    assert_eq!(delete(&app, PASSWORD).await, Ok(Nothing {}));
    assert_eq!(
        app.account_status(Nothing {}).await.unwrap().state,
        AccountState::Locked
    );
    assert_eq!(unlock(&app, "Ada", PASSWORD).await, Err(ErrorCode::WrongCredentials));
    assert_eq!(unlock(&app, "Ada", OTHER).await, Ok(other));
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_left_alone_locks_itself_and_says_so() {
    let dir = TempDir::new().unwrap();
    let app = app(dir.path()).await;
    let mut events = app.events();
    create(&app, "Ada", PASSWORD).await;
    for minutes in [0, 1_441] {
        assert_eq!(lock_after(&app, Some(minutes)).await, Err(ErrorCode::InvalidParams));
    }
    lock_after(&app, Some(5)).await.unwrap();
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_secs(4 * 60)).await;
        app.account_touch(Nothing {}).await.unwrap();
    }
    assert!(app.try_unlocked().is_some(), "somebody was there");
    while events.next().await != (Event::AccountLocked {}) {}
    assert!(app.try_unlocked().is_none());
    // What was set holds the next time too, and can be taken back.
    unlock(&app, "Ada", PASSWORD).await.unwrap();
    while events.next().await != (Event::AccountLocked {}) {}
    unlock(&app, "Ada", PASSWORD).await.unwrap();
    lock_after(&app, None).await.unwrap();
    tokio::time::sleep(Duration::from_secs(24 * 60 * 60)).await;
    assert!(app.try_unlocked().is_some());
}

async fn lock_after(app: &App, minutes: Option<u32>) -> Result<Settings, ErrorCode> {
    let change = SettingsChange {
        lock_after: Some(minutes),
        ..SettingsChange::default()
    };
    app.settings_set(change).await.map_err(|error| error.code)
}
