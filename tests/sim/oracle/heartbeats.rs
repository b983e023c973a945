//! Who must be asked for a sign of life, and when silence is judged.

use super::{Delivery, identities::Wanted, world::World};
use crate::{
    coverage::Deed,
    verdict::{Verdict, ensure},
};
use foregather::{domain::Time, limits::Limits, wire::proto::MessageType};
use std::time::Duration;

/// The signs of life of a client that said HELLO.
#[derive(Debug, Clone)]
pub struct Pulse {
    interval: Duration,
    /// Its last sign of life.
    heard: Time,
    /// That, or the last question since.
    last: Time,
    /// Questions since its last sign of life.
    asked: u32,
    /// Its connection is to look whether anything has come.
    examined: bool,
}

/// Milliseconds of silence that are granted to one who wishes for so many.
pub fn granted(wish: u32, limits: &Limits) -> Duration {
    let millis = match wish as usize {
        0 => limits.heartbeat_ms,
        wish => wish.clamp(limits.heartbeat_min_ms, limits.heartbeat_max_ms),
    };
    Duration::from_millis(millis as u64)
}

/// Whether this asks for a sign of life.
pub fn is_question(delivery: &Delivery) -> bool {
    let message = &delivery.message;
    let asks = message.heartbeat.is_some_and(|said| said.nonce.is_some() && !said.reply());
    asks && message.r#type == Some(MessageType::Heartbeat.into()) && message.request_id.is_none()
}

impl World {
    fn retries(&self) -> u32 {
        u32::try_from(self.limits.heartbeat_retries).expect("nobody is asked so often")
    }

    /// A client says HELLO, and is looked after from now on.
    pub fn begin_pulse(&mut self, session: u64, now: Time, interval: Duration) {
        let bound = interval * (self.retries() + 1);
        if bound > Duration::from_millis(self.limits.silence_ms as u64) {
            self.wanted_orders.push((session, Wanted::Silence(bound)));
        }
        self.session(session).pulse = Some(Pulse { interval, heard: now, last: now, asked: 0, examined: false });
    }

    /// Bytes have come from a client.
    pub fn hear_life(&mut self, session: u64, now: Time) {
        let Some(pulse) = &mut self.session(session).pulse else { return };
        let deed = match (pulse.examined, pulse.asked) {
            (true, _) => Some(Deed::HeardAtLast),
            (false, 0) => None,
            (false, _) => Some(Deed::AnsweredLate),
        };
        (pulse.heard, pulse.last, pulse.asked, pulse.examined) = (now, now, 0, false);
        self.deeds.extend(deed);
    }

    /// When the next question, or the judgement, is due.
    pub fn pulse_due(&self) -> Option<Time> {
        let alive = self.sessions.iter().filter(|session| !session.superseded);
        let pulses = alive.filter_map(|session| session.pulse.as_ref()).filter(|pulse| !pulse.examined);
        pulses.map(|pulse| pulse.last.after(pulse.interval)).min()
    }

    /// Compares whom the server asks, or has examined, with whom it must.
    pub fn hear_questions(&mut self, now: Time, questions: &[&Delivery], examined: &[u64]) -> Verdict {
        let retries = self.retries();
        for session in &mut self.sessions {
            let asked = questions.iter().filter(|question| question.to == session.id).count();
            let examined = examined.iter().filter(|&&id| id == session.id).count();
            let told = asked + examined;
            let Some(pulse) = session.pulse.as_mut().filter(|_| !session.superseded) else {
                ensure!(told == 0, "session {} is asked for a sign of life, and never said HELLO", session.id);
                continue;
            };
            let due = !pulse.examined && now >= pulse.last.after(pulse.interval);
            // Who counts from the last sign of life may ask a little sooner.
            // A connection that has not looked yet may be told so again.
            let again = pulse.examined && asked == 0;
            let may = again || now >= pulse.heard.after(pulse.interval * (pulse.asked + 1));
            ensure!(told > 0 || !due, "at {now:?} session {} is not asked: {pulse:?}", session.id);
            ensure!(told == 0 || may, "at {now:?} session {} is asked too early: {pulse:?}", session.id);
            ensure!(told <= 1, "session {} is asked {told} times at once", session.id);
            ensure!((examined == 0) == (pulse.asked < retries) || told == 0, "at {now:?}, {pulse:?} is judged wrongly");
            if told > 0 {
                pulse.last = now;
                pulse.asked += u32::try_from(asked).expect("it is 0 or 1");
                pulse.examined = examined > 0;
                self.deeds.push(if asked > 0 { Deed::Asked } else { Deed::Examined });
            }
        }
        Ok(())
    }

    /// The connection has read all that has come, and the server says whether its
    /// client is gone.
    pub fn judge_silence(&mut self, session: u64, now: Time, gone: bool) -> Verdict {
        let retries = self.retries();
        let pulse = self.session(session).pulse.as_ref();
        let silent = pulse.is_some_and(|pulse| pulse.examined);
        ensure!(gone == silent, "at {now:?} session {session} is gone: {gone}, but {pulse:?}");
        if let Some(pulse) = pulse.filter(|_| gone) {
            let bound = pulse.heard.after(pulse.interval * (retries + 1));
            ensure!(now >= bound, "session {session} was to live until {bound:?}, and is judged at {now:?}");
            self.deeds.push(Deed::Silent);
        }
        Ok(())
    }
}
