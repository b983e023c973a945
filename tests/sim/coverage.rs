use foregather::domain::Code;
use std::collections::BTreeMap;

/// What a simulation can do to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A frame arrived in several pieces.
    SplitFrame,
    /// Several frames arrived in one piece.
    JoinedFrames,
    /// A connection ended in the middle of a frame.
    CutFrame,
    /// A connection ended in the middle of a list.
    CutList,
    /// A connection was half-closed with requests on their way.
    HalfClose,
    /// A reader had no room for what it had asked for.
    NoRoom,
    /// A list came in parts.
    ListInParts,
    /// Somebody changed what a list in parts was about.
    ChangeWithinList,
    /// An answer took several frames.
    LargeAnswer,
    /// A cookie was followed after changes.
    OldCookie,
    /// Bytes that are no frame, or no message.
    BrokenStream,
    /// A client is gone in the middle of a frame, and the server does not know.
    HalfSent,
    /// A client is gone in the middle of an answer.
    HalfRead,
    /// A request reached the server when its client was gone.
    LateRequest,
    /// A request reached the server on a connection that it had ended.
    RequestInVain,
    /// A reader was behind, and what happened was folded.
    Folded,
    /// What came and went while a reader was behind cancelled.
    Unseen,
    /// A message waited behind what was folded.
    SaidBehind,
    /// What was folded followed in parts.
    BacklogInParts,
    /// A connection ended with something folded behind.
    CutBacklog,
    /// The server was killed, and all that had happened was noted.
    Killed,
    /// The server was killed, and something was not noted.
    KilledTooEarly,
    /// The server noted everything and went.
    ShutDown,
}

impl Fault {
    pub const ALL: &'static [Self] = &[
        Self::SplitFrame,
        Self::JoinedFrames,
        Self::CutFrame,
        Self::CutList,
        Self::HalfClose,
        Self::NoRoom,
        Self::ListInParts,
        Self::ChangeWithinList,
        Self::LargeAnswer,
        Self::OldCookie,
        Self::BrokenStream,
        Self::HalfSent,
        Self::HalfRead,
        Self::LateRequest,
        Self::RequestInVain,
        Self::Folded,
        Self::Unseen,
        Self::SaidBehind,
        Self::BacklogInParts,
        Self::CutBacklog,
        Self::Killed,
        Self::KilledTooEarly,
        Self::ShutDown,
    ];
}

/// What happens to games, to those who wait for one, and to those whose connections
/// are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    /// The oldest member owns a game after its owner.
    Inherited,
    /// A game ended with its owner.
    Closed,
    /// A game stays without an owner.
    Unowned,
    /// Somebody took a game over that had no owner.
    Claimed,
    Kicked,
    Banned,
    /// Somebody who could not hear was told of all, from now on.
    CatchUp,
    /// A MATCH made a game.
    Created,
    /// A MATCH was repeated.
    Repeated,
    /// A MATCH found no game but such as it may not enter.
    PassedOver,
    /// A MATCH that waited got a seat.
    Seated,
    /// A MATCH that waited was taken back.
    Cancelled,
    /// A MATCH waited for too long.
    TimedOut,
    /// A MATCH waited, and its connection ended.
    Disconnected,
    /// Lists were told later of what had changed meanwhile.
    Folded,
    /// A peer's connection was lost, and its lease runs.
    WentAway,
    /// The same of one that owns a game.
    OwnerAway,
    /// One that was away is present again.
    CameBack,
    /// A lease ended.
    Expired,
    /// One that came back was told what had become of its peer meanwhile.
    ToldLater,
    /// A session went on after its connection was lost.
    Resumed,
    /// A session went on while its connection was thought to be open.
    ResumedFromOpen,
    /// A session went on at the very moment at which its lease was to end.
    BackInTheLastMoment,
    /// A present peer is elsewhere, because its session went on from there.
    Moved,
    /// A connection ended long after another had taken its session over.
    LateDeath,
    /// One token led to its session twice: its successor was lost on the way.
    TokenAgain,
    /// A token did not lead to its session any more.
    TokenUsedUp,
    /// A token was never given out.
    TokenUnknown,
    /// A session went on only when it had earned back what it had caused.
    Owed,
    /// A program took its peer over by REGISTER.
    TakenOver,
    /// A program took its seat over by MATCH.
    SeatTakenOver,
    /// The older session had lost its connection.
    TakenFromAway,
    /// The older session was thought to be connected.
    TakenFromOpen,
    /// Both sessions together have more than one may have.
    TakeoverTooLarge,
    /// What a session has where the other is banned was taken out, as the two became one.
    KickedOnPassing,
    /// An owner took over whom it had banned.
    BannedItself,
    /// A program had watched what became its own.
    Ceded,
    /// A REGISTER that was only to renew did.
    Renewed,
    /// A REGISTER that was only to renew found nothing.
    RenewRefused,
    /// A game went to a younger member, because an older one is away.
    PassedOverAway,
    /// A game went to one that is away, because all are.
    InheritedAway,
    /// Somebody was asked for a sign of life.
    Asked,
    /// Somebody gave a sign of life after having been asked for it.
    AnsweredLate,
    /// Somebody was silent for so long that the connection was examined.
    Examined,
    /// Something had come after all.
    HeardAtLast,
    /// Nothing had come, and somebody was gone.
    Silent,
    /// What somebody had seen was before a restart, and not the last that was noted.
    CursorBeforeRestart,
    /// Somebody was told what had changed since before a restart.
    CaughtUpOverRestart,
    /// A session went on over a restart.
    ResumedOverRestart,
    /// A program took over what it had had before a restart.
    TakenOverRestart,
    /// One that came back was told of a peer that had come meanwhile.
    CaughtUpCame,
    /// The same of a peer that had changed.
    CaughtUpChanged,
    /// The same of a peer that had left.
    CaughtUpLeft,
    /// The same, and nothing had happened.
    CaughtUpNothing,
    /// The same in several frames.
    CaughtUpInFrames,
    /// Somebody said what it had seen of a pattern, or without a number, and was told all.
    CursorOfMany,
    /// What somebody had seen was too long ago.
    CursorTooOld,
    /// What somebody had seen was before the namespace was born.
    CursorBeforeBirth,
    /// What somebody had seen was before a secret changed.
    CursorBeforeSecret,
    /// Somebody said that it had seen what is yet to come.
    CursorFromTheFuture,
    /// A message went to the peer that it named.
    SaidToPeer,
    /// A message went to a session by its name.
    SaidToSession,
    /// A message went to the owner.
    SaidToOwner,
    /// A message went to some of those in rendezvous.
    SaidToAll,
    /// The same, and there was nobody.
    SaidToNobody,
    /// A message went to the one whose turn it was.
    SaidToAny,
    /// The same, and some could not be reached.
    PassedOverInTurn,
    /// A message came from one who only watches.
    SaidByWatcher,
    /// Somebody told itself something.
    SaidToItself,
}

impl Deed {
    pub const ALL: &'static [Self] = &[
        Self::Inherited,
        Self::Closed,
        Self::Unowned,
        Self::Claimed,
        Self::Kicked,
        Self::Banned,
        Self::CatchUp,
        Self::Created,
        Self::Repeated,
        Self::PassedOver,
        Self::Seated,
        Self::Cancelled,
        Self::TimedOut,
        Self::Disconnected,
        Self::Folded,
        Self::WentAway,
        Self::OwnerAway,
        Self::CameBack,
        Self::Expired,
        Self::ToldLater,
        Self::Resumed,
        Self::ResumedFromOpen,
        Self::BackInTheLastMoment,
        Self::Moved,
        Self::LateDeath,
        Self::TokenAgain,
        Self::TokenUsedUp,
        Self::TokenUnknown,
        Self::Owed,
        Self::TakenOver,
        Self::SeatTakenOver,
        Self::TakenFromAway,
        Self::TakenFromOpen,
        Self::TakeoverTooLarge,
        Self::KickedOnPassing,
        Self::BannedItself,
        Self::Ceded,
        Self::Renewed,
        Self::RenewRefused,
        Self::PassedOverAway,
        Self::InheritedAway,
        Self::Asked,
        Self::AnsweredLate,
        Self::Examined,
        Self::HeardAtLast,
        Self::Silent,
        Self::CursorBeforeRestart,
        Self::CaughtUpOverRestart,
        Self::ResumedOverRestart,
        Self::TakenOverRestart,
        Self::CaughtUpCame,
        Self::CaughtUpChanged,
        Self::CaughtUpLeft,
        Self::CaughtUpNothing,
        Self::CaughtUpInFrames,
        Self::CursorOfMany,
        Self::CursorTooOld,
        Self::CursorBeforeBirth,
        Self::CursorBeforeSecret,
        Self::CursorFromTheFuture,
        Self::SaidToPeer,
        Self::SaidToSession,
        Self::SaidToOwner,
        Self::SaidToAll,
        Self::SaidToNobody,
        Self::SaidToAny,
        Self::PassedOverInTurn,
        Self::SaidByWatcher,
        Self::SaidToItself,
    ];
}

/// Every outcome that this server can produce without a network around it.
pub const CODES: &[Code] = &[
    Code::Ok,
    Code::InvalidNamespace,
    Code::InvalidPeer,
    Code::InvalidCookie,
    Code::InvalidMessage,
    Code::Unsupported,
    Code::TooLarge,
    Code::NotOwner,
    Code::NotMember,
    Code::WrongSecret,
    Code::Banned,
    Code::Unavailable,
    Code::RateLimited,
    Code::Cancelled,
    Code::ReceiverBusy,
    Code::GameFull,
    Code::GameLocked,
    Code::GameExists,
    Code::NotFound,
    Code::NoOpenGame,
    Code::PeerIdTaken,
    Code::VersionMismatch,
    Code::Superseded,
    Code::TooManyRegistrations,
    Code::TooManyWatches,
    Code::NamespaceLimit,
    Code::TooManyConnections,
    Code::ServerFull,
];

/// What was seen, and how often.
#[derive(Debug, Default)]
pub struct Coverage {
    pub codes: BTreeMap<Code, u64>,
    pub faults: BTreeMap<Fault, u64>,
    pub deeds: BTreeMap<Deed, u64>,
}

impl Coverage {
    pub fn code(&mut self, code: Code) {
        *self.codes.entry(code).or_default() += 1;
    }

    pub fn fault(&mut self, fault: Fault) {
        *self.faults.entry(fault).or_default() += 1;
    }

    pub fn deed(&mut self, deed: Deed) {
        *self.deeds.entry(deed).or_default() += 1;
    }

    pub fn add(&mut self, other: &Self) {
        for (&code, count) in &other.codes {
            *self.codes.entry(code).or_default() += count;
        }
        for (&fault, count) in &other.faults {
            *self.faults.entry(fault).or_default() += count;
        }
        for (&deed, count) in &other.deeds {
            *self.deeds.entry(deed).or_default() += count;
        }
    }

    /// What should have been seen and was not.
    pub fn missing(&self) -> Vec<String> {
        let codes = CODES.iter().filter(|code| !self.codes.contains_key(code)).map(|code| code.name().to_owned());
        let faults =
            Fault::ALL.iter().filter(|fault| !self.faults.contains_key(fault)).map(|fault| format!("{fault:?}"));
        let deeds = Deed::ALL.iter().filter(|deed| !self.deeds.contains_key(deed)).map(|deed| format!("{deed:?}"));
        codes.chain(faults).chain(deeds).collect()
    }
}
