//! Whether somebody is at the other end, and how a conversation goes on on another
//! connection.

use super::{Hub, Order, Outlet};
use crate::{
    domain::{Code, Hello, Refusal, Request, SessionId, SessionName, Time, Welcome},
    session::{Beat, Pace, Session},
    wire,
};
use std::time::Duration;
use uuid::Uuid;

/// What is kept of a session until somebody comes back to it.
#[derive(Debug)]
pub(super) struct Absent {
    pub(super) name: Uuid,
    pub(super) pace: Pace,
}

impl Hub {
    /// Something has come that is no whole frame yet, or the peer goes on reading
    /// what it had left unread: it lives.
    pub fn heard(&mut self, now: Time, id: SessionId) {
        self.sessions.get_mut(&id).expect("bytes come from open sessions").hear(now);
    }

    /// A question has left for a peer only now that was asked long before.
    pub fn asked_late(&mut self, now: Time, id: SessionId) {
        if let Some(liveness) = self.sessions.get_mut(&id).and_then(Session::liveness) {
            liveness.asked_late(now);
        }
    }

    /// For how long one of whom nothing more has come may give no sign of life, if it
    /// gave none for longer: it is to be closed.
    pub fn is_gone(&mut self, now: Time, id: SessionId) -> Option<Duration> {
        let session = self.sessions.get_mut(&id).expect("open sessions are judged");
        let liveness = session.liveness()?;
        let is_over = liveness.is_over(now, self.limits.heartbeat_retries());
        is_over.then(|| Duration::from_millis(self.limits.bound_ms(liveness.interval())))
    }

    /// Looks at the one whose turn it is to give a sign of life.
    pub(super) fn beat(&mut self, now: Time, outlet: &mut impl Outlet) {
        let (_, id) = self.beats.pop_first().expect("it is somebody's turn");
        let session = self.sessions.get_mut(&id).expect("who is open is looked at");
        let liveness = session.liveness().expect("who is introduced is looked at");
        let next = match liveness.beat(now, self.limits.heartbeat_retries()) {
            Beat::Wait(until) => until,
            Beat::Ask(count) => {
                outlet.order(id, Order::Ask(wire::question(count.into())));
                liveness.due()
            }
            Beat::Judge => {
                outlet.order(id, Order::Examine);
                now.after(liveness.interval())
            }
        };
        liveness.look_at = next;
        self.beats.insert((next, id));
    }

    /// Refuses to go on with a session that owes: to come back is no new allowance. Its
    /// token stays good.
    pub(super) fn owes_nothing(&mut self, now: Time, request: Request) -> Result<Request, Refusal> {
        if let Request::Hello(Hello { resume: Some(token), .. }) = &request
            && let Some(resumed) = self.resumptions.find(token)
        {
            let absent = self.absent.get(&resumed.session).map(|absent| absent.pace);
            let pace = absent.or_else(|| self.sessions.get_mut(&resumed.session).map(|session| *session.pace()));
            pace.unwrap_or_default().holds(now, &self.limits)?;
        }
        Ok(request)
    }

    /// Begins a session, or goes on with one.
    pub(super) fn introduce(&mut self, now: Time, id: SessionId, hello: Hello, outlet: &mut impl Outlet) -> Welcome {
        let Hello { resume, heartbeat, client_key } = hello;
        self.registry.introduce(id, client_key);
        let secret = self.registry.random_id();
        let resumed = resume.and_then(|token| self.resumptions.find(&token));
        let (name, resume) = match resumed {
            Some(resumed) => {
                self.registry.take_over(now, resumed.session, id);
                (resumed.name, self.resumptions.go_on(resumed, id, secret))
            }
            None => {
                let name = self.registry.random_id();
                (name, self.resumptions.begin(name, id, secret))
            }
        };
        let heartbeat = heartbeat.unwrap_or(Duration::from_millis(self.limits.heartbeat_ms as u64));
        let session = self.sessions.get_mut(&id).expect("requests come from open sessions");
        session.welcome(now, name, heartbeat);
        self.beats.insert((now.after(heartbeat), id));
        let bound = Duration::from_millis(self.limits.bound_ms(heartbeat));
        if bound.as_millis() > self.limits.silence_ms as u128 {
            outlet.order(id, Order::AllowSilence(bound));
        }
        let (session, observed) = (SessionName::from_uuid(name).to_string(), session.observed());
        Welcome { session, observed, resume, resumed: resumed.is_some(), heartbeat }
    }

    /// A session is over for good.
    pub(super) fn end(&mut self, id: SessionId, superseded_by: Option<SessionId>, outlet: &mut impl Outlet) {
        let mut ended = self.absent.remove(&id);
        if let Some(newer) = superseded_by {
            if let Some(session) = self.sessions.get_mut(&id) {
                ended = session.name().map(|name| Absent { name, pace: *session.pace() });
                if let Some(liveness) = session.liveness() {
                    self.beats.remove(&(liveness.look_at, id));
                }
                session.end();
                let refusal =
                    Refusal::new(Code::Superseded, "this session goes on on another connection; use that one");
                self.count_refusal(refusal.code);
                outlet.order(id, Order::End(wire::refusal(&refusal)));
            }
            let newer = self.sessions.get_mut(&newer).expect("who takes over is open");
            newer.pace().join(ended.as_ref().map_or(Pace::default(), |ended| ended.pace));
        }
        if let Some(Absent { name, .. }) = ended {
            self.resumptions.end(name, id);
        }
    }
}
