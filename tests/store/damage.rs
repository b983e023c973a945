//! Files that are torn or damaged: each opens as one of the states that were committed,
//! or is refused. None makes the server panic, and none is begun anew.

use crate::{changes::*, dice::Dice, folder::Folder};
use foregather::{
    domain::State,
    store::{Store, StoreError, inspect},
};
use std::{collections::BTreeMap, fs, path::Path};

/// What is written at once, at least.
const BLOCK_BYTES: usize = 4_096;

/// The file and the state after each commit.
struct History {
    moments: Vec<(Vec<u8>, State)>,
    /// After the server came to its end.
    closed: Vec<u8>,
}

impl History {
    fn new(folder: &Folder, seed: u64, commits: usize, changes: usize) -> Self {
        let path = folder.file("server.state");
        let (mut store, state) = Store::open(&path).expect("it is made");
        let mut notes = Notes::new(seed, state);
        let mut moments = Vec::new();
        let mut note = |state: &State| moments.push((fs::read(&path).expect("it is there"), state.clone()));
        note(&notes.state);
        for _ in 0..commits {
            let count = notes.dice.within(1..=changes);
            store.commit(&notes.some(count)).expect("the disk has room");
            note(&notes.state);
        }
        store.close().expect("the disk has room");
        Self { moments, closed: fs::read(&path).expect("it is there") }
    }

    fn last(&self) -> &(Vec<u8>, State) {
        self.moments.last().expect("there is the beginning at least")
    }

    /// What a server makes of these bytes; both ways to read them say the same.
    #[track_caller]
    fn open(&self, bytes: &[u8], path: &Path) -> Result<usize, StoreError> {
        fs::write(path, bytes).expect("there is room");
        let seen = inspect(path).map(|seen| seen.state);
        assert!(fs::read(path).expect("it is there") == bytes, "it was changed by looking");
        let opened = Store::open(path);
        let (mut store, state) = match (opened, seen) {
            (Err(error), Err(_)) => return Err(error),
            (opened, seen) => {
                let (store, state) = opened.expect("it could be looked at");
                assert_eq!(state, seen.expect("it can be opened"));
                (store, state)
            }
        };
        let which = self.moments.iter().rposition(|(_, moment)| *moment == state);
        let which = which.unwrap_or_else(|| panic!("this was never the state: {state:?}"));
        // And it can be gone on with.
        let mut notes = Notes::new(9, state);
        store.commit(&notes.some(5)).expect("the disk has room");
        store.close().expect("the disk has room");
        assert_same(&inspect(path).expect("it is whole").state, &notes.state);
        Ok(which)
    }
}

fn kind(error: &StoreError) -> &'static str {
    match error {
        StoreError::Foreign { .. } => "foreign",
        StoreError::Damaged { .. } => "damaged",
        error => panic!("{error:?}"),
    }
}

#[test]
fn a_write_that_was_cut_off_is_as_if_it_had_not_begun() {
    let folder = Folder::new("torn");
    let torn = folder.file("torn.state");
    for seed in 0..3 {
        let folder = Folder::new(&format!("torn-{seed}"));
        let history = History::new(&folder, seed, 25, 30);
        let mut dice = Dice::new(seed);
        let (mut earlier, mut later) = (0, 0);
        for at in 1..history.moments.len() {
            let [(before, _), (after, _)] = &history.moments[at - 1..=at] else { unreachable!("two of them") };
            // Of what was written, each block has arrived or not. A file grows before, and
            // shrinks after all that.
            let length = before.len().max(after.len());
            let mut whole = after.clone();
            whole.extend(before.get(after.len()..).unwrap_or_default());
            for _ in 0..4 {
                let mut bytes = whole.clone();
                let missing = *dice.pick(&[0, 5, 50, 95]);
                for at in (0..length).step_by(BLOCK_BYTES).filter(|_| dice.chance(missing)) {
                    let block = at..(at + BLOCK_BYTES).min(length);
                    bytes[block.clone()].fill(0);
                    if let Some(old) = before.get(block.clone()) {
                        bytes[block].copy_from_slice(old);
                    }
                }
                match history.open(&bytes, &torn).expect("it is mended") {
                    which if which >= at => later += 1,
                    which => {
                        assert_eq!(which, at - 1, "more is lost than what was being written");
                        earlier += 1;
                    }
                }
            }
        }
        assert!(earlier > 10 && later > 10, "{earlier} were as before, {later} as after");
    }
}

#[test]
fn a_file_that_was_cut_short_is_refused_or_whole() {
    let folder = Folder::new("cut");
    let history = History::new(&folder, 4, 20, 30);
    let mut ends = BTreeMap::new();
    for bytes in [&history.closed, &history.last().0] {
        let lengths = (0..700).step_by(13).chain((0..bytes.len()).step_by(7_001)).chain([bytes.len() - 1, bytes.len()]);
        for length in lengths {
            let end = history.open(&bytes[..length], &folder.file("cut.state"));
            *ends.entry(end.as_ref().map_or_else(kind, |_| "whole")).or_insert(0) += 1;
            assert_eq!(end.is_ok(), length == bytes.len(), "{length} of {}", bytes.len());
        }
    }
    assert!(ends["foreign"] > 0 && ends["damaged"] > 50, "{ends:?}");
}

#[test]
fn a_file_in_which_something_is_otherwise_is_refused_or_one_that_was_committed() {
    let folder = Folder::new("flipped");
    let history = History::new(&folder, 5, 20, 30);
    let mut dice = Dice::new(5);
    let mut ends = BTreeMap::new();
    for bytes in [&history.closed, &history.last().0] {
        let used: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at] != 0).collect();
        for number in 0..240 {
            let mut damaged = bytes.clone();
            let at = *dice.pick(&used);
            let page = at / BLOCK_BYTES * BLOCK_BYTES..(at / BLOCK_BYTES * BLOCK_BYTES + BLOCK_BYTES).min(bytes.len());
            match number % 4 {
                0 => damaged[at] ^= 1 << dice.below(8),
                // The header, where all begins.
                1 => damaged[dice.below(512)] ^= 1 << dice.below(8),
                2 => damaged[page].fill(0),
                _ => {
                    let other = dice.bytes(page.len());
                    damaged[page].copy_from_slice(&other);
                }
            }
            let end = history.open(&damaged, &folder.file("damaged.state"));
            *ends.entry(end.as_ref().map_or_else(kind, |_| "whole")).or_insert(0) += 1;
        }
    }
    assert!(ends["foreign"] > 0 && ends["damaged"] > 50 && ends["whole"] > 10, "{ends:?}");
}
