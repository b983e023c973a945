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
    Code::RateLimited,
    Code::NotFound,
    Code::PeerIdTaken,
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
}

impl Coverage {
    pub fn code(&mut self, code: Code) {
        *self.codes.entry(code).or_default() += 1;
    }

    pub fn fault(&mut self, fault: Fault) {
        *self.faults.entry(fault).or_default() += 1;
    }

    pub fn add(&mut self, other: &Self) {
        for (&code, count) in &other.codes {
            *self.codes.entry(code).or_default() += count;
        }
        for (&fault, count) in &other.faults {
            *self.faults.entry(fault).or_default() += count;
        }
    }

    /// What should have been seen and was not.
    pub fn missing(&self) -> Vec<String> {
        let codes = CODES.iter().filter(|code| !self.codes.contains_key(code)).map(|code| code.name().to_owned());
        let faults =
            Fault::ALL.iter().filter(|fault| !self.faults.contains_key(fault)).map(|fault| format!("{fault:?}"));
        codes.chain(faults).collect()
    }
}
