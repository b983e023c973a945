use crate::game_faults::GameFaults;
use bytes::Bytes;
use foregather::{
    domain::{Inbound, SessionId},
    wire::{self, proto},
};
use prost::Message as _;

/// A bug that is planted between the hub and its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    None,
    /// Every seventh announcement is lost.
    SwallowAnnouncement,
    /// Every seventh announcement is heard twice.
    RepeatAnnouncement,
    /// Every seventh announcement is also heard by the peer's own session.
    EchoAnnouncement,
    /// Every seventh announcement goes to somebody else.
    MisdeliverAnnouncement,
    /// Every seventh frame is overtaken by the next one for the same client.
    SwapFrames,
    /// The last part of a list in several frames is lost.
    LoseLastPart,
    /// A list in several frames claims to end before its last.
    EndListEarly,
    /// Every seventh answer is given twice.
    AnswerTwice,
    /// Every seventh answer is lost.
    SwallowAnswer,
    /// Every seventh announcement says that it is an older change.
    AgeVersion,
    /// Every seventh entry of a list is left out.
    OmitListed,
    /// A connection that ended is never closed at the hub.
    ForgetClose,
    /// Every seventh request is not given to the hub.
    LoseRequest,
    /// Games take one member more than they say.
    SeatOneTooMany,
    /// Every seventh newcomer to a game is told that it is full.
    ClaimFull,
    /// Who owns a game after its owner went is told wrongly.
    NameOtherOwner,
    /// A list of games is not told that one is closed.
    SwallowClosed,
    /// What is for others reaches a client that knows four types only.
    ShowGameToSeed,
    /// Nobody tells a peer that it was kicked.
    HideKick,
    /// Games with room for three or more have, to MATCH, room for many more.
    PickEmptier,
}

impl Sabotage {
    pub fn is_about_games(self) -> bool {
        matches!(
            self,
            Self::SeatOneTooMany
                | Self::ClaimFull
                | Self::NameOtherOwner
                | Self::SwallowClosed
                | Self::ShowGameToSeed
                | Self::HideKick
                | Self::PickEmptier
        )
    }
}

/// Whoever carries out a [`Sabotage`].
pub struct Saboteur {
    sabotage: Sabotage,
    hides_from_oracle: bool,
    occasions: u64,
    games: GameFaults,
    kept: Option<(SessionId, Bytes)>,
}

impl Saboteur {
    /// One that acts before the oracle looks, or, if it `hides_from_oracle`,
    /// after: then only the clients themselves can notice.
    pub fn new(sabotage: Sabotage, hides_from_oracle: bool) -> Self {
        Self { sabotage, hides_from_oracle, occasions: 0, games: GameFaults::default(), kept: None }
    }

    pub fn hides_from_oracle(&self) -> bool {
        self.hides_from_oracle
    }

    /// Whether this is the moment to leave a connection open.
    pub fn forgets_close(&self) -> bool {
        self.sabotage == Sabotage::ForgetClose
    }

    /// Whether this is the moment to lose a request.
    pub fn loses_request(&mut self) -> bool {
        self.sabotage == Sabotage::LoseRequest && self.seventh()
    }

    /// What the hub is given instead of what a client asked for.
    pub fn bend(&self, inbound: &mut Inbound) {
        for entry in inbound.entries.iter_mut().flatten() {
            self.games.bend(self.sabotage, entry);
        }
    }

    fn seventh(&mut self) -> bool {
        self.occasions += 1;
        self.occasions.is_multiple_of(7)
    }

    /// What becomes of a frame.
    pub fn tamper(&mut self, turn: SessionId, to: SessionId, frame: Bytes) -> Vec<(SessionId, Bytes)> {
        if self.sabotage == Sabotage::None {
            return vec![(to, frame)];
        }
        let mut message = proto::Message::decode_length_delimited(frame.clone()).expect("the hub sends whole frames");
        if self.sabotage.is_about_games() {
            self.games.observe(to, &message);
            let seventh = self.games.may_spoil(self.sabotage, to, &message) && self.seventh();
            return self.games.spoil(self.sabotage, seventh, to, message);
        }
        let announcement = to != turn;
        let answer = message.request_id.is_some();
        let listed = message.register.len();
        let occasion = match self.sabotage {
            Sabotage::SwallowAnnouncement
            | Sabotage::RepeatAnnouncement
            | Sabotage::EchoAnnouncement
            | Sabotage::MisdeliverAnnouncement => announcement && self.seventh(),
            Sabotage::AgeVersion => announcement && listed > 0 && self.seventh(),
            Sabotage::LoseLastPart => answer && listed > 1 && message.more.is_none(),
            Sabotage::EndListEarly => message.more == Some(true),
            Sabotage::AnswerTwice | Sabotage::SwallowAnswer => answer && self.seventh(),
            Sabotage::OmitListed => !announcement && listed > 0 && self.seventh(),
            Sabotage::SwapFrames => true,
            _ => false,
        };
        if !occasion {
            return vec![(to, frame)];
        }
        let same = (to, frame.clone());
        match self.sabotage {
            Sabotage::SwallowAnnouncement | Sabotage::SwallowAnswer => return vec![],
            Sabotage::RepeatAnnouncement | Sabotage::AnswerTwice => return vec![same.clone(), same],
            Sabotage::EchoAnnouncement => return vec![same, (turn, frame)],
            Sabotage::MisdeliverAnnouncement => return vec![(turn, frame)],
            Sabotage::SwapFrames => return self.swap(to, frame),
            Sabotage::AgeVersion => {
                let version = &mut message.register[0].version;
                *version = version.map(|version| version.saturating_sub(3));
            }
            Sabotage::LoseLastPart => message.register.truncate(1),
            Sabotage::OmitListed => message.register.truncate(listed - 1),
            Sabotage::EndListEarly => message.more = None,
            _ => {}
        }
        vec![(to, wire::message(&message))]
    }

    fn swap(&mut self, to: SessionId, frame: Bytes) -> Vec<(SessionId, Bytes)> {
        match self.kept.take_if(|(kept, _)| *kept == to) {
            Some(kept) => vec![(to, frame), kept],
            None if self.kept.is_none() && self.seventh() => {
                self.kept = Some((to, frame));
                vec![]
            }
            None => vec![(to, frame)],
        }
    }
}
