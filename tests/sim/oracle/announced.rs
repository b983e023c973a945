//! Judges announcements: each change once, to everybody in rendezvous there, to
//! nobody else, in order.

use super::{
    Delivery,
    ask::Card,
    world::{Peer, World},
};
use crate::verdict::{Verdict, ensure};
use foregather::{
    domain::{LeaveReason, Time},
    wire::proto::{Message, MessageType},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// It came, or is now as it says.
    Came,
    Left(LeaveReason),
}

/// A change that others must hear of.
#[derive(Debug)]
pub struct News {
    peer: Peer,
    doing: Doing,
    /// Who must hear of it, until they have.
    waiting: Vec<u64>,
    /// Who may hear of it now rather than in a later part of their list.
    allowed: Vec<u64>,
}

impl World {
    pub fn news(&mut self, cause: u64, peer: &Peer, doing: Doing) -> News {
        let others = || self.sessions.iter().filter(|session| session.id != cause);
        let waiting: Vec<u64> = others().filter(|session| session.must_hear(peer)).map(|session| session.id).collect();
        let allowed = others()
            .filter(|session| session.may_hear(peer) && !waiting.contains(&session.id))
            .map(|session| session.id)
            .collect();
        News { peer: peer.clone(), doing, waiting, allowed }
    }

    /// Compares what others were told with what they must be told.
    pub fn hear_news(&mut self, cause: u64, now: Time, mut news: Vec<News>, heard: &[&Delivery]) -> Verdict {
        let mut last: Vec<(u64, u64)> = Vec::new();
        let mut fanout = 0;
        for delivery in heard {
            let Delivery { to, message, frame } = delivery;
            for version in self.hear_announcement(*to, message, &mut news)? {
                let before = last.iter().rev().find(|(other, _)| other == to).map_or(0, |&(_, version)| version);
                ensure!(version > before, "session {to} hears {version} after {before}: {message:?}");
                last.push((*to, version));
            }
            fanout += frame.len();
        }
        for News { peer, doing, waiting, .. } in &news {
            ensure!(waiting.is_empty(), "sessions {waiting:?} were not told: {doing:?} {peer:?}");
        }
        if let Some(session) = self.sessions.iter_mut().find(|session| session.id == cause) {
            session.fanout_rate.spend(now, fanout);
        }
        Ok(())
    }

    fn hear_announcement(&mut self, to: u64, message: &Message, news: &mut [News]) -> Verdict<Vec<u64>> {
        let bare = message.request_id.is_none() && message.status.is_none() && message.more.is_none();
        ensure!(bare, "session {to} is answered, but another one asked: {message:?}");
        let mut versions = Vec::new();
        if message.r#type == Some(MessageType::Register.into()) {
            for entry in &message.register {
                let id = entry.peer.as_ref().map_or("", |peer| peer.id());
                let at = self.find_news(to, news, entry.ns(), id, |doing| doing == Doing::Came)?;
                self.check_entry(&news[at].peer.clone(), entry)?;
                versions.push(entry.version());
                self.cross_off(to, id, &mut news[at]);
            }
        } else if message.r#type == Some(MessageType::Unregister.into()) {
            for entry in &message.unregister {
                let told = entry.peer.clone().unwrap_or_default();
                ensure!(Card::of(&told) == Card::default(), "only the id is said of one who left: {entry:?}");
                let reason = LeaveReason::from_number(entry.reason.unwrap_or(0));
                let at = self.find_news(to, news, entry.ns(), told.id(), |doing| doing == Doing::Left(reason))?;
                if news[at].peer.id.is_none() {
                    self.learn_id(news[at].peer.birth, entry.ns(), told.id())?;
                }
                let Some(version) = entry.version else { return Err(format!("{entry:?} has no version")) };
                self.versions.learn(news[at].peer.change, version).map_err(|what| format!("{entry:?}: {what}"))?;
                versions.push(version);
                self.cross_off(to, told.id(), &mut news[at]);
            }
        }
        ensure!(!versions.is_empty(), "session {to} is told, and did not ask: {message:?}");
        Ok(versions)
    }

    /// Which change this is about.
    fn find_news(
        &self,
        to: u64,
        news: &[News],
        ns: &str,
        id: &str,
        is_doing: impl Fn(Doing) -> bool,
    ) -> Verdict<usize> {
        let about = |known: &dyn Fn(Option<&str>) -> bool| {
            news.iter().position(|news| {
                let hears = news.waiting.contains(&to) || news.allowed.contains(&to);
                news.peer.ns == ns && known(news.peer.id.as_deref()) && is_doing(news.doing) && hears
            })
        };
        // An id that was never heard of can only be that which the server made.
        about(&|known| known == Some(id))
            .or_else(|| about(&|known| known.is_none()))
            .ok_or_else(|| format!("session {to} hears of {id:?} in {ns:?}, which is not its due: {news:?}"))
    }

    fn cross_off(&mut self, to: u64, id: &str, news: &mut News) {
        news.peer.id = Some(id.to_owned());
        news.waiting.retain(|&session| session != to);
        news.allowed.retain(|&session| session != to);
        if let Some(listing) = &mut self.session(to).listing {
            listing.announced.push(news.peer.change);
        }
    }
}
