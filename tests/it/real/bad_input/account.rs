//! Credentials, and containers that are not as they were left.

use outis_tests::process::{Person, Rpc, Setting, folder, program};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tokio::process::Command;

#[tokio::test]
async fn wrong_credentials_a_second_process_and_a_damaged_container_each_have_their_error() {
    let mut alice = Person::create("Alice", &Setting::default()).await;
    let exists = alice.rpc().refused("account.create", alice.credentials()).await;
    assert_eq!(exists, "invalid_params", "an account is unlocked already");
    alice
        .rpc()
        .call("message.send", json!({"contact": alice.address(), "text": "Remember."}))
        .await;

    let second = Rpc::start(alice.dir(), &Setting::default()).await;
    assert_eq!(
        second.refused("account.unlock", alice.credentials()).await,
        "container_in_use"
    );
    alice.leave().await;
    assert_eq!(
        second.refused("account.create", alice.credentials()).await,
        "account_exists"
    );
    assert_wrong_credentials(&second, &alice.credentials()).await;
    second.call("account.unlock", alice.credentials()).await;
    assert_eq!(second.call("account.status", json!({})).await["state"], "unlocked");
    let notes = second.call("message.list", json!({"contact": alice.address()})).await;
    assert_eq!(
        notes["messages"][0]["body"]["text"], "Remember.",
        "no refusal has lost anything"
    );
    assert!(second.end().await.success());

    let whole = folder();
    let account = account_folder(alice.dir());
    copy(&account, &whole.path().join("account"));
    for (damage, expected) in [
        (Damage::Byte("header", Part::First, 0xff), "container_too_new"),
        (Damage::Byte("header", Part::First, 0x02), "container_too_new"),
        (Damage::Byte("header", Part::First, 0x00), "container_damaged"),
        (Damage::Byte("header", Part::Middle, 0x01), "container_damaged"),
        (Damage::Byte("header", Part::Last, 0x01), "container_damaged"),
        (Damage::Emptied("header"), "container_damaged"),
        (Damage::Removed("header"), "container_damaged"),
        // What begins as no version that we know may be that of a later one.
        (Damage::Foreign("header"), "container_too_new"),
        (Damage::Everywhere("root"), "container_damaged"),
        (Damage::Removed("root"), "container_damaged"),
        (Damage::Everywhere("store/db"), "container_damaged"),
        (Damage::Emptied("store/db"), "container_damaged"),
    ] {
        std::fs::remove_dir_all(&account).unwrap();
        copy(&whole.path().join("account"), &account);
        damage.on(&account);
        let rpc = Rpc::start(alice.dir(), &Setting::default()).await;
        assert_eq!(
            rpc.refused("account.unlock", alice.credentials()).await,
            expected,
            "{damage:?}"
        );
        // The process lives on and the refusal has told nobody's password.
        assert_eq!(
            rpc.call("account.status", json!({})).await["state"],
            "locked",
            "{damage:?}"
        );
        assert!(rpc.end().await.success(), "{damage:?}");
    }
    // The positive control: what was copied is whole.
    std::fs::remove_dir_all(&account).unwrap();
    copy(&whole.path().join("account"), &account);
    alice.come_back().await;
    assert_eq!(alice.texts(&alice, "out").await, ["Remember."]);
}

async fn assert_wrong_credentials(rpc: &Rpc, right: &Value) {
    let (nickname, password) = (right["nickname"].as_str().unwrap(), right["password"].as_str().unwrap());
    let (longer, shorter) = (format!("{password} "), &password[1..]);
    for (nickname, password) in [
        (nickname, "something else entirely"),
        (nickname, longer.as_str()),
        (nickname, shorter),
        (nickname, ""),
        ("Alicia", password),
        ("", password),
        ("not a nickname\u{202e}", password),
    ] {
        let credentials = json!({"nickname": nickname, "password": password});
        assert_eq!(
            rpc.refused("account.unlock", credentials).await,
            "wrong_credentials",
            "{nickname:?}"
        );
    }
}

#[tokio::test]
async fn weak_passwords_and_forbidden_nicknames_are_refused_before_any_key_is_derived() {
    let dir = folder();
    let rpc = Rpc::start(dir.path(), &Setting::default()).await;
    for password in ["password", "12345678", "qwertyuiop", "Alice1987", "correct horse"] {
        let credentials = json!({"nickname": "Alice", "password": password});
        assert_eq!(
            rpc.refused("account.create", credentials.clone()).await,
            "weak_password",
            "{password}"
        );
        let strength = rpc.call("account.password_strength", credentials).await;
        assert_eq!(strength["acceptable"], false);
        assert!(
            strength["advice"].as_array().is_some_and(|advice| !advice.is_empty()),
            "{password}"
        );
    }
    let good = rpc.call("account.suggest_passphrase", json!({})).await["passphrase"].clone();
    let too_long = "ü".repeat(33);
    for nickname in [
        "",
        " ",
        "two words",
        "tab\there",
        "\u{200b}",
        "a\u{202e}b",
        "nul\0",
        too_long.as_str(),
    ] {
        let credentials = json!({"nickname": nickname, "password": good});
        assert_eq!(
            rpc.refused("account.create", credentials).await,
            "nickname_invalid",
            "{nickname:?}"
        );
    }
    assert!(
        !rpc.events().iter().any(|event| event["type"] == "progress"),
        "no key was derived"
    );
    assert!(!dir.path().join("accounts").exists(), "nothing was written");
}

#[tokio::test]
async fn too_little_memory_for_the_key_derivation_is_said_and_nothing_is_left_behind() {
    let dir = folder();
    let mut command = Command::new("prlimit");
    command.arg(format!("--as={}", 900 << 20)).arg(program("outis"));
    command.args(["rpc", "--no-mainline", "--data-dir"]).arg(dir.path());
    let rpc = Rpc::run(command, None);
    let password = "nine cold harbours under one patient moon";
    let credentials = json!({"nickname": "Alice", "password": password});
    assert_eq!(
        rpc.refused("account.create", credentials.clone()).await,
        "too_little_memory"
    );
    assert_eq!(rpc.call("account.status", json!({})).await["state"], "locked");
    assert_eq!(rpc.refused("account.unlock", credentials).await, "wrong_credentials");
    assert!(rpc.end().await.success());
}

#[derive(Debug, Clone, Copy)]
enum Damage {
    /// One byte of a file is another.
    Byte(&'static str, Part, u8),
    /// One bit in each 64 bytes.
    Everywhere(&'static str),
    Emptied(&'static str),
    Removed(&'static str),
    /// In its place stands a file of some other program.
    Foreign(&'static str),
}

#[derive(Debug, Clone, Copy)]
enum Part {
    /// Becomes the byte.
    First,
    /// Is changed by it.
    Middle,
    Last,
}

impl Damage {
    fn on(self, account: &Path) {
        let change = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
            let path = account.join(name);
            let mut bytes = std::fs::read(&path).unwrap();
            change(&mut bytes);
            std::fs::write(&path, bytes).unwrap();
        };
        match self {
            Self::Byte(name, Part::First, byte) => change(name, &|bytes| bytes[0] = byte),
            Self::Byte(name, Part::Middle, byte) => change(name, &|bytes| {
                let middle = bytes.len() / 2;
                bytes[middle] ^= byte;
            }),
            Self::Byte(name, Part::Last, byte) => change(name, &|bytes| *bytes.last_mut().unwrap() ^= byte),
            Self::Everywhere(name) => change(name, &|bytes| bytes.iter_mut().step_by(64).for_each(|byte| *byte ^= 4)),
            Self::Emptied(name) => change(name, &Vec::clear),
            Self::Removed(name) => std::fs::remove_file(account.join(name)).unwrap(),
            Self::Foreign(name) => change(name, &|bytes| *bytes = b"%PDF-1.7\nnot a container\n".to_vec()),
        }
    }
}

/// The one account below a data folder.
fn account_folder(dir: &Path) -> PathBuf {
    let folders = std::fs::read_dir(dir.join("accounts")).unwrap();
    let folders: Vec<_> = folders
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    assert_eq!(folders.len(), 1);
    folders[0].clone()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
