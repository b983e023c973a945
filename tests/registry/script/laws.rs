//! What is true of every step, whatever its script is about.

use foregather::{
    domain::{Announcement, Answer, Code, LeaveReason, Namespace, PeerId, Registration, RequestId, SessionId},
    registry::{News, Output},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// A request has exactly one answer, and whoever asked has it before others are
/// told or seated. Only a MATCH may have to wait for its own. Where a request takes
/// an earlier session over, what becomes of that may be told first.
pub fn the_request_is_answered(outputs: &[Output], session: SessionId, request: RequestId, may_wait: bool) {
    let answers = outputs.iter().filter(|output| is_answer(output, session, request)).count();
    assert!(answers == 1 || (answers == 0 && may_wait), "answered {answers} times: {outputs:#?}");
    let first = outputs.iter().find(|output| !is_cancelled(output, session));
    let takes_over = outputs.iter().any(|output| matches!(output, Output::Ended { .. }));
    assert!(
        takes_over || answers == 0 || first.is_some_and(|first| is_answer(first, session, request)),
        "not first: {outputs:#?}"
    );
}

/// A request that was refused changed nothing, so there is nothing to tell.
pub fn a_refusal_changes_nothing(outputs: &[Output], request: RequestId, changes: u64) {
    let refused = outputs.iter().any(|output| match output {
        Output::Answer { request_id, answer, .. } => *request_id == Some(request) && is_refusal(answer),
        Output::Announce { .. } | Output::Say { .. } | Output::Ended { .. } | Output::Proceed { .. } => false,
    });
    assert!(!refused || (outputs.len() == 1 && changes == 0), "{changes} changes, and told: {outputs:#?}");
}

/// Nobody is told the same twice, and what is told is either of peers or of games.
pub fn listeners_are_told_once(outputs: &[Output]) {
    for output in outputs {
        let (to, news) = match output {
            Output::Announce { to, news, .. } => (to, &news[..]),
            Output::Say { to, .. } => (to, &[][..]),
            _ => continue,
        };
        assert!(!to.is_empty() && to.is_sorted_by(|one, next| one < next), "each once, in order: {to:?}");
        let games = news.iter().filter(|news| news.announcement.is_about_games()).count();
        assert!(games == 0 || games == news.len(), "{news:#?}");
    }
}

fn is_answer(output: &Output, session: SessionId, request: RequestId) -> bool {
    matches!(output, Output::Answer { to, request_id, .. } if *to == session && *request_id == Some(request))
}

fn is_refusal(answer: &Answer) -> bool {
    matches!(answer, Answer::Refused(_))
}

/// A CANCEL's match is answered before the CANCEL itself.
fn is_cancelled(output: &Output, session: SessionId) -> bool {
    let Output::Answer { to, answer: Answer::Refused(refusal), .. } = output else { return false };
    *to == session && refusal.code == Code::Cancelled
}

/// Who may be told something, and what each of them heard of others last.
#[derive(Default)]
pub struct Listeners {
    /// Sessions that have a connection.
    connected: BTreeSet<SessionId>,
    /// Sessions that are over, and whether that took a connection with it.
    ended: BTreeMap<SessionId, bool>,
    /// Whether a peer is away, as somebody heard last.
    away: BTreeMap<(SessionId, Namespace, PeerId), bool>,
}

impl Listeners {
    pub fn open(&mut self, session: SessionId) {
        assert!(self.connected.insert(session), "session ids are never used twice");
    }

    pub fn lose(&mut self, session: SessionId) {
        assert!(self.connected.remove(&session), "a connection is lost once");
    }

    pub fn is_over(&self, session: SessionId) -> bool {
        self.ended.contains_key(&session)
    }

    /// Whether it had a connection when it ended.
    pub fn was_cut(&self, session: SessionId) -> bool {
        self.ended[&session]
    }

    /// Only those are told who can be; nobody who was away is told to have been cut
    /// off, nor is anybody's lease over who was there. Nobody is told that it is away
    /// itself. A session ends once, by itself only without a connection.
    pub fn hear(&mut self, output: &Output) {
        match output {
            Output::Answer { to, answer, .. } => {
                self.can_be_told(*to, output);
                match answer {
                    Answer::Granted { registration, .. } => assert!(!registration.away, "{output:#?}"),
                    Answer::Roster(roster) => self.learn(*to, &roster.peers),
                    Answer::CatchUp(catch_up) => {
                        let mut last = 0;
                        for change in &catch_up.changes {
                            let version = match change {
                                Announcement::Registered(registration) => registration.version,
                                Announcement::Unregistered { version, .. } => *version,
                                other => panic!("{other:?} in {output:#?}"),
                            };
                            assert!(last < version && version <= catch_up.version, "in their order: {output:#?}");
                            last = version;
                            self.learn_news(*to, &change.clone().into());
                        }
                    }
                    Answer::Seat(seat) => {
                        let own = seat.game.as_ref().and_then(|_| seat.peers.first());
                        assert!(own.is_none_or(|own| !own.away), "{output:#?}");
                        self.learn(*to, &seat.peers);
                    }
                    _ => {}
                }
            }
            Output::Announce { to, news, .. } => {
                for &listener in to {
                    self.can_be_told(listener, output);
                    news.iter().for_each(|news| self.learn_news(listener, news));
                }
            }
            Output::Ended { session, superseded_by } => {
                let connected = self.connected.remove(session);
                assert!(superseded_by.is_some() || !connected, "{output:?} takes a connection with it");
                assert!(self.ended.insert(*session, connected).is_none(), "{output:?} twice");
            }
            Output::Say { to, .. } => to.iter().for_each(|&listener| self.can_be_told(listener, output)),
            Output::Proceed { to } => self.can_be_told(*to, output),
        }
    }

    fn can_be_told(&self, to: SessionId, output: &Output) {
        assert!(self.connected.contains(&to), "nobody is there to hear {output:#?}");
    }

    fn learn(&mut self, listener: SessionId, peers: &[Arc<Registration>]) {
        for Registration { ns, id, away, .. } in peers.iter().map(|peer| &**peer) {
            self.away.insert((listener, ns.clone(), id.clone()), *away);
        }
    }

    fn learn_news(&mut self, listener: SessionId, news: &News) {
        let change = &news.announcement;
        if let (true, Announcement::Registered(peer)) = (news.is_first, change) {
            let known = self.away.contains_key(&(listener, peer.ns.clone(), peer.id.clone()));
            assert!(!known, "{listener:?} knew of {change:?} before");
        }
        match change {
            Announcement::Registered(peer) => self.learn(listener, std::slice::from_ref(peer)),
            Announcement::Unregistered { ns, id, reason, .. } => {
                let was_away = self.away.remove(&(listener, ns.clone(), id.clone()));
                let possible = match reason {
                    LeaveReason::Expired => was_away != Some(false),
                    LeaveReason::Disconnected | LeaveReason::TimedOut | LeaveReason::Slow => was_away != Some(true),
                    _ => true,
                };
                assert!(possible, "{listener:?} hears {change:?} of one that was away: {was_away:?}");
            }
            _ => {}
        }
    }

    /// When all have gone and all leases are over, so are all sessions.
    pub fn are_all_over(&self, sessions: impl Iterator<Item = SessionId>) {
        let left: Vec<SessionId> = sessions.filter(|session| !self.is_over(*session)).collect();
        assert!(left.is_empty() && self.connected.is_empty(), "never said to be over: {left:?}");
    }
}
