use bytes::Bytes;
use std::collections::VecDeque;

/// Frames in order. A single one, as most are, takes no memory elsewhere.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// There is one if there are any.
    first: Option<Bytes>,
    others: VecDeque<Bytes>,
}

impl Frames {
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(super) fn len(&self) -> usize {
        self.first.iter().len() + self.others.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Bytes> {
        self.first.iter().chain(&self.others)
    }

    pub(super) fn push(&mut self, frame: Bytes) {
        match self.first {
            None => self.first = Some(frame),
            Some(_) => self.others.push_back(frame),
        }
    }

    pub(super) fn first_mut(&mut self) -> Option<&mut Bytes> {
        self.first.as_mut()
    }

    /// The first one is done with.
    pub(super) fn pop(&mut self) {
        self.first = self.others.pop_front();
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.others.truncate(len.saturating_sub(1));
        if len == 0 {
            self.first = None;
        }
    }
}

impl FromIterator<Bytes> for Frames {
    fn from_iter<I: IntoIterator<Item = Bytes>>(frames: I) -> Self {
        let mut frames = frames.into_iter();
        Self { first: frames.next(), others: frames.collect() }
    }
}

impl IntoIterator for Frames {
    type Item = Bytes;
    type IntoIter = std::iter::Chain<std::option::IntoIter<Bytes>, std::collections::vec_deque::IntoIter<Bytes>>;

    fn into_iter(self) -> Self::IntoIter {
        self.first.into_iter().chain(self.others)
    }
}

impl Extend<Bytes> for Frames {
    fn extend<I: IntoIterator<Item = Bytes>>(&mut self, frames: I) {
        frames.into_iter().for_each(|frame| self.push(frame));
    }
}
