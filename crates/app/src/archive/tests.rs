use crate::{App, Config, ErrorCode, Event, dto::*};
use std::path::Path;
use tempfile::TempDir;

const PASSWORD: &str = "seven grey lighthouses counted from the pier";
const OTHER: &str = "an umbrella forgotten on the night train to Trieste";

async fn app(dir: &Path) -> App {
    let config = Config::new(dir.to_owned(), "test-archive", &[])
        .unwrap()
        .dangerously_cheap();
    App::start(config).await.unwrap()
}

async fn create(app: &App) -> Account {
    let (nickname, password) = ("Ada".to_owned(), PASSWORD.to_owned().into());
    app.account_create(CreateAccount { nickname, password }).await.unwrap()
}

async fn note(app: &App, to: &str, text: &str) {
    let (contact, text) = (to.to_owned(), text.to_owned());
    let params = SendMessage {
        contact,
        text,
        reply_to: None,
    };
    app.message_send(params).await.unwrap();
}

async fn texts(app: &App, of: &str) -> Vec<(String, MessageState)> {
    let params = ListMessages {
        contact: of.to_owned(),
        before: None,
        after: None,
        around: None,
        limit: Some(500),
    };
    let page = app.message_list(params).await.unwrap();
    let text = |message: Message| match message.body {
        MessageBody::Text { text } => Some((text, message.state)),
        _ => None,
    };
    page.messages.into_iter().filter_map(text).collect()
}

async fn export(app: &App, path: &Path) -> Result<Nothing, ErrorCode> {
    let path = path.to_str().unwrap().to_owned();
    app.account_export(ExportAccount { path })
        .await
        .map_err(|error| error.code)
}

async fn import(app: &App, path: &Path, password: &str) -> Result<Unlocked, ErrorCode> {
    let params = ImportAccount {
        path: path.to_str().unwrap().to_owned(),
        nickname: "ada".to_owned(),
        password: password.to_owned().into(),
    };
    app.account_import(params).await.map_err(|error| error.code)
}

/// An account with a note, a contact that was asked, and a setting; and its address and the contact's.
async fn story(app: &App) -> (String, String) {
    let own = create(app).await.address;
    note(app, &own, "remember the ferry").await;
    let friend = TempDir::new().unwrap();
    let friend_app = self::app(friend.path()).await;
    let (nickname, password) = ("Grace".to_owned(), PASSWORD.to_owned().into());
    let friend = friend_app
        .account_create(CreateAccount { nickname, password })
        .await
        .unwrap();
    let add = AddContact {
        address: friend.address.clone(),
        alias: Some("the keeper".to_owned()),
        greeting: None,
    };
    app.contact_add(add).await.unwrap();
    note(app, &friend.address, "is the lamp lit?").await;
    let theme = SettingsChange {
        theme: Some(Theme::Dark),
        ..SettingsChange::default()
    };
    app.settings_set(theme).await.unwrap();
    (own, friend.address)
}

#[tokio::test]
async fn an_archive_carries_the_account_its_contacts_and_its_history_to_a_new_device() {
    let (dir, elsewhere, files) = (
        TempDir::new().unwrap(),
        TempDir::new().unwrap(),
        TempDir::new().unwrap(),
    );
    let app = app(dir.path()).await;
    let (own, friend) = story(&app).await;
    let path = files.path().join("ada.outis");
    assert_eq!(export(&app, &path).await, Ok(Nothing {}));
    assert_eq!(export(&app, &path).await, Err(ErrorCode::PathExists));
    let nowhere = files.path().join("no such folder").join("ada.outis");
    assert_eq!(export(&app, &nowhere).await, Err(ErrorCode::InvalidParams));
    let bytes = std::fs::read(&path).unwrap();
    for canary in ["ferry", "lamp", "keeper", "Ada", own.as_str()] {
        assert!(
            !bytes.windows(canary.len()).any(|window| window == canary.as_bytes()),
            "{canary}"
        );
    }

    let other = self::app(elsewhere.path()).await;
    let mut events = other.events();
    assert_eq!(import(&other, &path, OTHER).await, Err(ErrorCode::WrongCredentials));
    let opened = import(&other, &path, PASSWORD).await.unwrap();
    assert_eq!(opened.account.address, own);
    assert_eq!(opened.account.nickname, "Ada");
    let mut progress = Vec::new();
    while let Event::Progress { done, total, .. } = events.next().await {
        progress.push(done);
        if Some(done) == total {
            break;
        }
    }
    assert!(progress.is_sorted() && progress.len() > 2, "{progress:?}");
    assert_eq!(
        texts(&other, &own).await,
        [("remember the ferry".to_owned(), MessageState::Read)]
    );
    // What had not arrived is not sent by two devices, and does not vanish either.
    assert_eq!(
        texts(&other, &friend).await,
        [("is the lamp lit?".to_owned(), MessageState::Failed)]
    );
    let contacts = other.contact_list(Nothing {}).await.unwrap();
    assert_eq!(contacts.len(), 1);
    assert_eq!(contacts[0].alias.as_deref(), Some("the keeper"));
    assert_eq!(contacts[0].state, ContactState::Requested);
    assert_eq!(other.settings_get(Nothing {}).await.unwrap().theme, Theme::Dark);
    // It goes on from there.
    note(&other, &own, "and the lamp").await;
    assert_eq!(texts(&other, &own).await.len(), 2);
    other.account_lock(Nothing {}).await.unwrap();
    assert_eq!(import(&other, &path, PASSWORD).await, Err(ErrorCode::AccountExists));
    let again = UnlockAccount {
        nickname: "Ada".to_owned(),
        password: PASSWORD.to_owned().into(),
        restore: false,
    };
    assert_eq!(other.account_unlock(again).await.unwrap().account.address, own);
}

#[tokio::test]
async fn a_damaged_or_cut_archive_is_refused_and_nothing_is_left_of_the_attempt() {
    let (dir, elsewhere, files) = (
        TempDir::new().unwrap(),
        TempDir::new().unwrap(),
        TempDir::new().unwrap(),
    );
    let app = app(dir.path()).await;
    let (own, _) = story(&app).await;
    for _ in 0..4 {
        note(&app, &own, &"long and wide ".repeat(4_000)).await;
    }
    let path = files.path().join("ada.outis");
    export(&app, &path).await.unwrap();
    let whole = std::fs::read(&path).unwrap();
    assert!(whole.len() > 3 * 65_536, "several chunks");
    let other = self::app(elsewhere.path()).await;
    let half = files.path().join("half.outis");
    for cut in [0, 1, 100, 137, 200, 65_717, whole.len() - 1, whole.len() - 65_580] {
        std::fs::write(&half, &whole[..cut]).unwrap();
        assert_eq!(
            import(&other, &half, PASSWORD).await,
            Err(ErrorCode::FileUnreadable),
            "cut at {cut}"
        );
    }
    for flipped in [200, whole.len() / 2, whole.len() - 1] {
        let mut damaged = whole.clone();
        damaged[flipped] ^= 1;
        std::fs::write(&half, &damaged).unwrap();
        assert_eq!(
            import(&other, &half, PASSWORD).await,
            Err(ErrorCode::FileUnreadable),
            "at {flipped}"
        );
    }
    let mut newer = whole.clone();
    newer[0] = 9;
    std::fs::write(&half, &newer).unwrap();
    assert_eq!(import(&other, &half, PASSWORD).await, Err(ErrorCode::ContainerTooNew));
    let missing = files.path().join("missing.outis");
    assert_eq!(import(&other, &missing, PASSWORD).await, Err(ErrorCode::FileUnreadable));
    let accounts = elsewhere.path().join("accounts");
    let left = std::fs::read_dir(accounts).map(Iterator::count).unwrap_or_default();
    assert_eq!(left, 0, "nothing was made");
    // The control: the whole one opens.
    assert_eq!(import(&other, &path, PASSWORD).await.unwrap().account.address, own);
}

#[tokio::test]
async fn archives_open_with_the_password_of_their_time() {
    let (dir, files) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let app = app(dir.path()).await;
    story(&app).await;
    let (before, after) = (files.path().join("before"), files.path().join("after"));
    export(&app, &before).await.unwrap();
    let (old, new) = (PASSWORD.to_owned().into(), OTHER.to_owned().into());
    app.account_change_password(ChangePassword { old, new }).await.unwrap();
    export(&app, &after).await.unwrap();
    for (path, right, wrong) in [(&before, PASSWORD, OTHER), (&after, OTHER, PASSWORD)] {
        let elsewhere = TempDir::new().unwrap();
        let other = self::app(elsewhere.path()).await;
        assert_eq!(import(&other, path, wrong).await, Err(ErrorCode::WrongCredentials));
        assert!(import(&other, path, right).await.is_ok());
    }
}
