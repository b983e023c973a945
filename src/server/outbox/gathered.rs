use crate::{domain::SessionId, registry::News};
use bytes::{BufMut as _, Bytes, BytesMut};

/// Bytes that are gathered at most, unless they are of one frame: what a reader that
/// keeps up may have waiting.
const GATHERED_BYTES: usize = 16 * 1_024;

/// Something that several sessions are told.
#[derive(Debug)]
pub(super) enum Told {
    /// What has happened, in frames that hold that.
    News { frames: Vec<Bytes>, news: Vec<News> },
    /// A frame that holds a message.
    Message(Bytes),
}

impl Told {
    fn frames(&self) -> &[Bytes] {
        match self {
            Self::News { frames, .. } => frames,
            Self::Message(frame) => std::slice::from_ref(frame),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames().is_empty()
    }

    fn bytes(&self) -> usize {
        self.frames().iter().map(Bytes::len).sum()
    }
}

/// What one session causes the same others to be told, one after the other. Who tells a
/// thousand of five hundred things does so in a few thousand steps, not in half a million.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) cause: Option<SessionId>,
    /// In order.
    pub(super) to: Vec<SessionId>,
    pub(super) told: Vec<Told>,
    bytes: usize,
}

impl Gathered {
    pub(super) fn new(cause: Option<SessionId>, to: Vec<SessionId>, told: Told) -> Self {
        debug_assert!(to.is_sorted(), "the registry says who hears in order");
        Self { cause, to, bytes: told.bytes(), told: vec![told] }
    }

    /// Whether that is told to the same by the same, and not too much.
    pub(super) fn takes(&self, cause: Option<SessionId>, to: &[SessionId], told: &Told) -> bool {
        self.cause == cause && self.bytes + told.bytes() <= GATHERED_BYTES && self.to == to
    }

    pub(super) fn add(&mut self, told: Told) {
        self.bytes += told.bytes();
        self.told.push(told);
    }

    pub(super) fn is_for(&self, session: SessionId) -> bool {
        self.to.binary_search(&session).is_ok()
    }

    /// All of it as one piece, which all share.
    pub(super) fn whole(&self) -> Bytes {
        let mut frames = self.told.iter().flat_map(Told::frames);
        if let (Some(only), None) = (frames.next(), frames.next()) {
            return only.clone();
        }
        let mut whole = BytesMut::with_capacity(self.bytes);
        self.told.iter().flat_map(Told::frames).for_each(|frame| whole.put_slice(frame));
        whole.freeze()
    }
}
