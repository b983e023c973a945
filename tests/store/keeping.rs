//! What was committed is there.

use crate::{changes::*, folder::Folder};
use foregather::{
    domain::{Changes, State},
    store::{FORMAT, Origin, Store, StoreError, inspect},
};
use std::{fs, thread};

#[test]
fn what_was_committed_is_what_the_changes_come_to() {
    for seed in 0..12 {
        let folder = Folder::new(&format!("committed-{seed}"));
        let path = folder.file("server.state");
        let (mut store, state) = Store::open(&path).expect("it is made");
        assert_eq!((store.origin(), &state), (Origin::New, &State::default()));
        let mut notes = Notes::new(seed, state);
        let mut kept = State::default();
        let mut rounds = 0;
        while rounds < 40 {
            rounds += 1;
            let count = notes.dice.within(1..=20);
            let changes = notes.some(count);
            store.commit(&changes).expect("the disk has room");
            kept.apply(changes);
            assert_same(&kept, &notes.state);
            let ended = match notes.dice.below(6) {
                0 => {
                    store.close().expect("the disk has room");
                    Origin::Ended
                }
                1 => {
                    drop(store);
                    Origin::Lost
                }
                _ => continue,
            };
            let seen = inspect(&path).expect("it is whole");
            assert_eq!((seen.origin, seen.format), (ended, FORMAT));
            assert_same(&seen.state, &kept);
            let (opened, state) = Store::open(&path).expect("it is whole");
            assert_eq!(opened.origin(), ended);
            assert_same(&state, &kept);
            store = opened;
        }
        assert!(kept.registrations.len() > 10 && kept.games.len() > 1 && !kept.client_keys.is_empty(), "{kept:?}");
    }
}

#[test]
fn the_highest_number_is_kept_also_by_changes_of_nothing() {
    let folder = Folder::new("numbers");
    let path = folder.file("server.state");
    let (mut store, _) = Store::open(&path).expect("it is made");
    for version in [7, 5] {
        store.commit(&Changes { version, ..Changes::default() }).expect("the disk has room");
    }
    store.close().expect("the disk has room");
    assert_eq!(inspect(&path).expect("it is whole").state, State { version: 7, ..State::default() });
}

#[test]
fn a_file_is_of_one_process_at_a_time() {
    let folder = Folder::new("in-use");
    let path = folder.file("server.state");
    let (store, _) = Store::open(&path).expect("it is made");
    for refused in [Store::open(&path).map(drop), inspect(&path).map(drop)] {
        let error = refused.expect_err("it is in use");
        assert!(matches!(error, StoreError::InUse { .. }), "{error:?}");
        assert!(error.to_string().contains("server.state is in use"), "{error}");
    }
    store.close().expect("the disk has room");
    drop(Store::open(&path).expect("it was let go"));
    drop(Store::open(&path).expect("it was let go"));
}

#[test]
fn of_those_who_make_it_at_once_one_has_it() {
    let folder = Folder::new("at-once");
    let path = folder.file("server.state");
    for _ in 0..10 {
        let opened: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| Store::open(&path))).collect();
            threads.into_iter().map(|thread| thread.join().expect("it does not panic")).collect()
        });
        assert_eq!(opened.iter().filter(|opened| opened.is_ok()).count(), 1, "{opened:?}");
        let others = opened.iter().filter_map(|opened| opened.as_ref().err());
        assert!(others.into_iter().all(|error| matches!(error, StoreError::InUse { .. })), "{opened:?}");
        assert_eq!(folder.names(), ["server.state"], "nothing else is left there");
        drop(opened);
        fs::remove_file(&path).expect("it was made");
    }
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new("private");
    let path = folder.file("server.state");
    let (store, _) = Store::open(&path).expect("it is made");
    store.close().expect("the disk has room");
    let mode = fs::metadata(&path).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "there are tokens in it");
}

#[test]
fn to_look_at_it_changes_nothing() {
    let folder = Folder::new("looked-at");
    let path = folder.file("server.state");
    let (mut store, state) = Store::open(&path).expect("it is made");
    let mut notes = Notes::new(1, state);
    for _ in 0..5 {
        store.commit(&notes.some(30)).expect("the disk has room");
    }
    // As after kill -9: copied while it is open.
    let lost = folder.file("lost.state");
    fs::copy(&path, &lost).expect("there is room");
    drop(store);
    for path in [path, lost] {
        let before = fs::read(&path).expect("it is there");
        let seen = inspect(&path).expect("it can be mended");
        assert_eq!((seen.origin, seen.bytes), (Origin::Lost, before.len() as u64));
        assert_same(&seen.state, &notes.state);
        assert!(fs::read(&path).expect("it is there") == before, "{} was changed", path.display());
    }
}
