//! What the web view leaves on the disk.

use outis_tests::window::{Home, Undriven, Window, id};
use serde_json::json;
use std::path::{Path, PathBuf};

#[tokio::test]
async fn the_window_as_people_have_it_leaves_nothing_of_its_page() {
    let home = Home::default();
    let window = Undriven::open(&home).await;
    let running = home.files();
    window.close().await;
    assert_eq!(unknown(&running, &[PROGRAM, LIBRARY]), Vec::<&PathBuf>::new());
    let left = home.files();
    assert_eq!(
        unknown(&left, &[PROGRAM]),
        Vec::<&PathBuf>::new(),
        "nothing of the web view stays"
    );
}

/// The control: a page that is not incognito, as only a driven one is, is seen when it stores something.
#[tokio::test]
async fn a_page_that_stores_something_is_seen_and_what_it_stored_is_deleted() {
    let home = Home::default();
    let window = Window::open(&home).await;
    window.see(&id("welcome")).await;
    let store = "
        return new Promise((stored, failed) => {
            const opening = indexedDB.open('trace');
            opening.onsuccess = () => stored(true);
            opening.onerror = () => failed(opening.error);
        })";
    assert_eq!(window.run(store, &[]).await, json!(true));
    let running = home.files();
    assert_ne!(unknown(&running, &[PROGRAM, LIBRARY]), Vec::<&PathBuf>::new());
    window.close().await;
    let left = home.files();
    assert_eq!(
        unknown(&left, &[PROGRAM]),
        Vec::<&PathBuf>::new(),
        "nothing of the web view stays"
    );
}

/// All files but those that are known to hold nothing of a page.
fn unknown<'a>(files: &'a [PathBuf], known: &[fn(&Path) -> bool]) -> Vec<&'a PathBuf> {
    let is_unknown = |file: &&PathBuf| !known.iter().any(|is_known| is_known(file));
    files.iter().filter(is_unknown).collect()
}

/// The program's own, and what the system's libraries keep of fonts and of the desktop's settings for every program.
const PROGRAM: fn(&Path) -> bool = |file| {
    [
        "outis/window.json",
        "XDG_CACHE_HOME/fontconfig",
        "XDG_CACHE_HOME/dconf/user",
    ]
    .iter()
    .any(|known| file.starts_with(known))
};

/// What the web view's library makes at every start, whatever is shown: random numbers, and an empty list of hosts.
const LIBRARY: fn(&Path) -> bool = |file| {
    let of_a_window = file.to_str().is_some_and(|path| path.starts_with("tmp/outis-window-"));
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    of_a_window && (name == "salt" || name.starts_with("hsts-storage.sqlite"))
};
