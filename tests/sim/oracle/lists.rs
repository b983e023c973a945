//! Judges lists: snapshots and pages of DISCOVER, whole or in parts.

use super::{
    ask::Card,
    games::Shown,
    versions::Change,
    world::{Peer, Watch, World},
};
use crate::{
    pattern::{is_wild, matches},
    verdict::{Verdict, ensure},
};
use foregather::wire::proto::{self, Message, MessageType, Register, StatusCode};
use std::collections::VecDeque;

/// Up to which birth a namespace was listed.
pub type Trail = Vec<(String, u64)>;

/// A list that a session is being given.
#[derive(Debug, Clone)]
pub struct Listing {
    pub request_id: Option<u64>,
    pub pattern: String,
    /// For a page of DISCOVER: how many peers it may hold. `None`: a snapshot.
    pub page_limit: Option<usize>,
    /// How far it has come, with all pages before it.
    pub trail: Trail,
    /// Births of those whom the first page of a pattern could have shown, and every page
    /// since.
    pub there: Vec<u64>,
    /// How many it holds so far.
    pub listed: usize,
    pub frames: usize,
    /// Its reader did not watch this before: what the list has not come to yet
    /// may be left to it.
    pub fresh: bool,
    /// It has named everybody, at some moment. Whether a list without a number
    /// has ended at that moment is known only when its frame is finished.
    pub was_complete: bool,
    /// Changes that its reader heard of since it began.
    pub announced: Vec<Change>,
    /// The game that stands before it.
    pub game: Option<Shown>,
    /// What its reader says that it has seen there.
    pub since: Option<u64>,
}

/// A cookie that was given out, and how far its list had come.
#[derive(Debug, Clone)]
pub struct Bookmark {
    /// To whom: others may not have seen the same, where games keep secrets.
    pub session: u64,
    pub pattern: String,
    pub cookie: Vec<u8>,
    pub trail: Trail,
    pub there: Vec<u64>,
    pub births: u64,
}

pub fn reached(trail: &Trail, ns: &str) -> u64 {
    trail.iter().find(|(known, _)| known == ns).map_or(0, |&(_, birth)| birth)
}

impl World {
    /// Who comes next in this list in that namespace.
    fn next_in<'a>(&'a self, session: u64, listing: &'a Listing, ns: &str) -> Option<&'a Peer> {
        self.owed(session, listing).find(|peer| peer.ns == ns)
    }

    /// Who is still to be listed, as things stand.
    fn owed<'a>(&'a self, session: u64, listing: &'a Listing) -> impl Iterator<Item = &'a Peer> {
        self.peers.iter().filter(move |peer| {
            // A snapshot leaves out the session's own; DISCOVER shows all.
            let shown = listing.page_limit.is_some() || peer.session != session;
            let open = !is_wild(&listing.pattern) || self.shows_peers(session, &peer.ns);
            shown && open && matches(&listing.pattern, &peer.ns) && peer.birth > reached(&listing.trail, &peer.ns)
        })
    }

    /// Births of all whom this list could show now.
    pub fn shown_by(&self, session: u64, listing: &Listing) -> Vec<u64> {
        let whole = Listing { trail: Trail::new(), ..listing.clone() };
        self.owed(session, &whole).map(|peer| peer.birth).collect()
    }

    /// Takes what came of a list; it ends here if the server says so
    /// or, for a list without a number, if `finished`.
    pub fn hear_list(
        &mut self,
        session: u64,
        mut listing: Listing,
        heard: &mut VecDeque<&Message>,
        alone: bool,
        finished: bool,
    ) -> Verdict<Option<Listing>> {
        let mut touched: Vec<String> = Vec::new();
        let mut ended = false;
        // Without a number there is no cookie, and so no way to the next page.
        let mut next_page = listing.request_id.is_none();
        while !ended && let Some(&frame) = heard.front() {
            // Among other entries' answers, a list without a number ends when it is complete.
            let full = listing.page_limit.is_some_and(|limit| listing.frames > 0 && listing.listed >= limit);
            let complete =
                self.owed(session, &listing).next().is_none() && (listing.page_limit.is_none() || listing.frames > 0);
            if alone && listing.request_id.is_none() && (full || complete) {
                break;
            }
            heard.pop_front();
            self.hear_list_frame(session, &mut listing, frame, &mut touched)?;
            ended = listing.request_id.is_some() && frame.more != Some(true);
            if ended && let Some(limit) = listing.page_limit {
                let cookie = frame.discovery.first().and_then(|entry| entry.cookie.as_ref());
                next_page = cookie.is_some();
                self.hear_cookie(session, &listing, limit, cookie.map(|cookie| cookie.to_vec()))?;
            }
        }
        let goes_on = !alone && !finished && (listing.request_id.is_none() || !ended);
        // Where a part ends, the rest of a large namespace is in the next one.
        if goes_on {
            touched.pop();
        }
        for ns in touched.iter().filter(|_| listing.page_limit.is_none()) {
            let missing = self.next_in(session, &listing, ns);
            ensure!(missing.is_none(), "the snapshot of {ns:?} was torn: {missing:?} is missing");
        }
        let complete = self.owed(session, &listing).next().is_none();
        listing.was_complete |= complete;
        if goes_on {
            return Ok(Some(listing));
        }
        ensure!(ended || listing.request_id.is_none(), "the list of {:?} has no end", listing.pattern);
        self.hear_end(session, &listing, next_page)?;
        Ok(None)
    }

    fn hear_list_frame(
        &mut self,
        session: u64,
        listing: &mut Listing,
        frame: &Message,
        touched: &mut Vec<String>,
    ) -> Verdict {
        ensure!(frame.r#type == Some(MessageType::Register.into()), "a list is of type REGISTER: {frame:?}");
        ensure!(frame.request_id == listing.request_id, "a list of another request: {frame:?}");
        ensure!(
            frame.status.as_ref().map(|status| status.code()) == listing.request_id.map(|_| StatusCode::Ok),
            "a list carries a status if it has a number: {frame:?}"
        );
        listing.frames += 1;
        if listing.request_id.is_some() {
            self.hear_heading(listing, frame)?;
        } else {
            let bare = frame.rendezvous.is_empty()
                && frame.game.is_empty()
                && frame.discovery.is_empty()
                && frame.more.is_none();
            ensure!(bare, "a client of the seed is told more than it can read: {frame:?}");
        }
        for entry in &frame.register {
            let ns = entry.ns().to_owned();
            if !touched.contains(&ns) {
                touched.push(ns.clone());
            }
            let next = self.next_in(session, listing, &ns).cloned();
            let Some(peer) = next else { return Err(format!("listed, but not (or no longer) to be: {entry:?}")) };
            self.check_other(&peer, entry)?;
            let watches = &self.session(session).watches;
            let others_tell =
                watches.iter().any(|Watch { pattern, .. }| *pattern != listing.pattern && matches(pattern, &ns));
            ensure!(
                others_tell || !listing.fresh || !listing.announced.contains(&peer.change),
                "{entry:?} was announced, and then listed again"
            );
            listing.listed += 1;
            listing.trail.retain(|(known, _)| *known != ns);
            listing.trail.push((ns, peer.birth));
        }
        if let Some(limit) = listing.page_limit {
            ensure!(listing.listed <= limit, "a page of {} where {limit} were asked for", listing.listed);
        }
        Ok(())
    }

    fn hear_heading(&mut self, listing: &mut Listing, frame: &Message) -> Verdict {
        // The first frame shows the game, if there is one, the others do not.
        match (listing.game.take(), frame.game.as_slice()) {
            (Some(shown), [told]) => self.check_game(&shown, told)?,
            (None, []) => {}
            (game, told) => return Err(format!("a list begins with {told:?} and should with {game:?}")),
        }
        if listing.page_limit.is_some() {
            let ns = frame.discovery.first().and_then(|entry| entry.ns.as_ref());
            ensure!(ns.is_none_or(|ns| *ns == listing.pattern), "a page of another list: {frame:?}");
            return Ok(());
        }
        let Some(heading) = frame.rendezvous.first() else {
            ensure!(listing.frames > 1, "a snapshot without a heading: {frame:?}");
            return Ok(());
        };
        ensure!(heading.ns() == listing.pattern, "a snapshot of something else: {frame:?}");
        ensure!(heading.snapshot == Some(true), "a snapshot that does not say so: {frame:?}");
        let Some(version) = heading.version else { return Err(format!("a snapshot without a version: {frame:?}")) };
        // Where a wildcard stands is not said anywhere: it cannot be caught up with.
        if is_wild(&listing.pattern) {
            return Ok(());
        }
        let mark = self.marks.iter_mut().find(|(ns, _)| *ns == listing.pattern).map(|(_, mark)| mark);
        let mark = mark.unwrap_or(&mut self.server_mark);
        self.versions.learn_mark(mark, version).map_err(|what| format!("{:?}: {what}", listing.pattern))
    }

    /// An entry that is not for the peer's own client says nothing of its lease.
    pub fn check_other(&mut self, peer: &Peer, entry: &Register) -> Verdict {
        ensure!(entry.ttl_secs.is_none(), "a lease is nobody else's business: {entry:?}");
        self.check_entry(peer, entry)
    }

    /// An entry of a list, or that of REGISTER's answer, is that peer.
    pub fn check_entry(&mut self, peer: &Peer, entry: &Register) -> Verdict {
        let told = entry.peer.clone().unwrap_or_default();
        ensure!(entry.ns() == peer.ns, "{entry:?} should be {peer:?}");
        match &self.name_of(peer.birth).or(peer.id.clone()) {
            Some(id) => ensure!(told.id() == id, "{entry:?} should be {peer:?}"),
            None => self.learn_id(peer.birth, &peer.ns, told.id())?,
        }
        ensure!(Card::of(&told) == peer.card, "{entry:?} should be {peer:?}");
        let plain = entry.game.is_none() && entry.secret.is_none() && entry.app_version.is_none();
        ensure!(plain && entry.renew.is_none(), "{entry:?} says what nobody said");
        let away = entry.state() == proto::RegistrationState::Away;
        ensure!(away == peer.away_until.is_some(), "{entry:?} should be {peer:?}");
        let Some(version) = entry.version else { return Err(format!("{entry:?} has no version")) };
        self.versions.learn(peer.change, version).map_err(|what| format!("{entry:?}: {what}"))
    }

    /// The server has made an id, and somebody was told.
    pub fn learn_id(&mut self, birth: u64, ns: &str, id: &str) -> Verdict {
        let groups: Vec<usize> = id.split('-').map(str::len).collect();
        ensure!(groups == [8, 4, 4, 4, 12], "{id:?} is not a UUID");
        let other = self.peer(ns, id).filter(|&at| self.peers[at].birth != birth);
        ensure!(other.is_none(), "{id:?} is given to a second peer in {ns:?}");
        if let Some(peer) = self.born(birth) {
            peer.id = Some(id.to_owned());
        }
        Ok(())
    }

    fn hear_cookie(&mut self, session: u64, listing: &Listing, limit: usize, cookie: Option<Vec<u8>>) -> Verdict {
        let Some(cookie) = cookie else { return Ok(()) };
        ensure!(listing.listed == limit, "a page of {} ends before its limit, {limit}", listing.listed);
        ensure!(self.owed(session, listing).next().is_some(), "a cookie at the end of {:?}", listing.pattern);
        self.bookmarks.push(Bookmark {
            session,
            pattern: listing.pattern.clone(),
            cookie,
            trail: listing.trail.clone(),
            there: listing.there.clone(),
            births: self.births,
        });
        Ok(())
    }

    /// At its end a list has named everybody whom it owes its reader.
    fn hear_end(&self, session: u64, listing: &Listing, next_page: bool) -> Verdict {
        let forgotten = match listing.page_limit {
            // The next page has the rest.
            Some(limit) if next_page && listing.listed == limit => None,
            // Among several namespaces, one that came up since may have been passed already.
            Some(_) if listing.was_complete => None,
            Some(_) => {
                let wild = is_wild(&listing.pattern);
                self.owed(session, listing).find(|peer| !wild || listing.there.contains(&peer.birth))
            }
            None => self.owed(session, listing).find(|peer| !listing.announced.contains(&peer.change)),
        };
        ensure!(forgotten.is_none(), "the list of {:?} has ended without {forgotten:?}", listing.pattern);
        ensure!(
            listing.page_limit.is_none() || listing.frames > 0,
            "DISCOVER of {:?} was not answered",
            listing.pattern
        );
        Ok(())
    }
}
