use crate::{
    folding_faults,
    game_faults::GameFaults,
    message_faults::MessageFaults,
    presence_faults::{self, PresenceFaults},
    restart_faults,
};
use bytes::Bytes;
use foregather::{
    domain::{Inbound, SessionId, State},
    hub::{Order, Waiting},
    registry::News,
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
    /// That some bytes of a frame have come is kept from the hub.
    Deafen,
    /// A connection whose session is another's now is not told.
    KeepBoth,
    /// Nobody looks whether a silent client is gone.
    JudgeNobody,
    /// Nobody is told that somebody is away.
    KeepAwaySilent,
    /// Whoever is away looks present.
    HideAway,
    /// Nobody is told that a lease has ended.
    HideExpired,
    /// Nobody is asked for a sign of life.
    AskNobody,
    /// Some are asked a second later than they were told.
    AskLater,
    /// Everybody is told of everybody's leases.
    ShareLease,
    /// Some leases are none.
    ForgetLease,
    /// Some leases are a second too long.
    LeaseTooLong,
    /// Some leases are a second too short.
    LeaseTooShort,
    /// Every token leads to its session for ever.
    AcceptUsedUp,
    /// A token is used up as soon as its successor is given out.
    RefuseReplaced,
    /// No token leads anywhere.
    ForgetSession,
    /// All are given the same token.
    SameToken,
    /// Nobody is told that a session goes on.
    DenyResumed,
    /// Programs have no keys.
    IgnoreKey,
    /// What is only to be renewed is made anew.
    RenewAnew,
    /// The late death of a connection is that of whoever has its session.
    BlameSuccessor,
    /// A machine is to be silent for no longer than any other.
    ForgetPatience,
    /// Whoever leaves while a reader is behind stays for it.
    FoldNoLeave,
    /// Whoever leaves while a reader is behind was never there, seen or not.
    CancelSeen,
    /// What was folded follows in the wrong order.
    Reorder,
    /// After a restart somebody is not there.
    ForgetRegistration,
    /// After a restart no session is gone on with.
    ForgetTokens,
    /// After a restart nobody takes anything over.
    ForgetKeys,
    /// After a restart nobody is banned.
    ForgetBans,
    /// After a restart terms begin anew.
    ForgetTerm,
    /// After a restart nobody owns a game.
    ForgetOwner,
    /// Versions are given again after a restart.
    CountAgain,
    /// After a restart leases are a second too short.
    ShortenLease,
    /// One of the last notes is lost, and not those behind it.
    LoseNote,
    /// Every seventh message is lost.
    LoseMessage,
    /// Every seventh message is heard twice.
    DoubleMessage,
    /// Every seventh message is overtaken by the next one of the same sender.
    SwapMessages,
    /// Every seventh message is heard by its sender, too.
    MisdeliverMessage,
    /// Every seventh message is somebody else's.
    ForgeSpeaker,
    /// Every third message to any passes over the one whose turn it is.
    SkipTurn,
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

    fn is_about_messages(self) -> bool {
        matches!(
            self,
            Self::LoseMessage
                | Self::DoubleMessage
                | Self::SwapMessages
                | Self::MisdeliverMessage
                | Self::ForgeSpeaker
                | Self::SkipTurn
        )
    }

    fn is_about_presence(self) -> bool {
        matches!(
            self,
            Self::KeepAwaySilent
                | Self::HideAway
                | Self::HideExpired
                | Self::AskNobody
                | Self::AskLater
                | Self::ShareLease
                | Self::ForgetLease
                | Self::LeaseTooLong
                | Self::LeaseTooShort
                | Self::AcceptUsedUp
                | Self::RefuseReplaced
                | Self::SameToken
                | Self::DenyResumed
                | Self::BlameSuccessor
        )
    }
}

/// Whoever carries out a [`Sabotage`].
pub struct Saboteur {
    sabotage: Sabotage,
    hides_from_oracle: bool,
    occasions: u64,
    games: GameFaults,
    presence: PresenceFaults,
    messages: MessageFaults,
    kept: Option<(SessionId, Bytes)>,
}

impl Saboteur {
    /// One that acts before the oracle looks, or, if it `hides_from_oracle`,
    /// after: then only the clients themselves can notice.
    pub fn new(sabotage: Sabotage, hides_from_oracle: bool) -> Self {
        Self {
            sabotage,
            hides_from_oracle,
            occasions: 0,
            games: GameFaults::default(),
            presence: PresenceFaults::default(),
            messages: MessageFaults::default(),
            kept: None,
        }
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
        self.messages.observe(self.sabotage, inbound);
        for entry in inbound.entries.iter_mut().flatten() {
            self.games.bend(self.sabotage, entry);
            self.presence.bend(self.sabotage, entry);
        }
    }

    /// Whether one that keeps up is to look as if it did not.
    pub fn hides_one_who_keeps_up(&self) -> bool {
        self.messages.hides()
    }

    /// Whether what comes of a frame is kept from the hub.
    pub fn is_deaf(&self) -> bool {
        self.sabotage == Sabotage::Deafen
    }

    /// Whether a connection is not told what to do.
    pub fn loses_order(&self, order: &Order) -> bool {
        presence_faults::loses(self.sabotage, order)
    }

    /// What is folded instead of what has happened, if anything is.
    pub fn bend_news(&self, news: &News) -> Option<News> {
        folding_faults::bend_news(self.sabotage, news)
    }

    /// What follows instead of what was folded.
    pub fn bend_part(&self, part: Vec<Waiting>) -> Vec<Waiting> {
        folding_faults::bend_part(self.sabotage, part)
    }

    /// What a new server goes on with, instead of what was noted.
    pub fn bend_state(&self, state: &mut State) {
        restart_faults::bend_state(self.sabotage, state);
    }

    /// Whether one of the notes is lost, counted from the oldest that may be.
    pub fn loses_note(&self, at: usize) -> bool {
        self.sabotage == Sabotage::LoseNote && at.is_multiple_of(2)
    }

    /// Whose end the hub hears of.
    pub fn blames(&self, session: SessionId) -> SessionId {
        let successor = self.presence.successor(session).filter(|_| self.sabotage == Sabotage::BlameSuccessor);
        successor.unwrap_or(session)
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
        if self.sabotage.is_about_presence() {
            self.presence.observe(to, &message);
            return self.presence.spoil(self.sabotage, message).map(|frame| (to, frame)).into_iter().collect();
        }
        if self.sabotage.is_about_messages() {
            let occasions = &mut self.occasions;
            let seventh = || {
                *occasions += 1;
                occasions.is_multiple_of(7)
            };
            return self.messages.spoil(self.sabotage, seventh, (turn, to), (frame, message));
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
