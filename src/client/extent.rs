/// How much of what there is is known: how far the list of it has come, and up to which
/// change nothing was missed.
#[derive(Debug, Default)]
pub(super) struct Extent {
    /// Which list it is; 0 before the first.
    list: u64,
    /// Parts of it are still to come.
    running: bool,
    /// It has come to its end.
    complete: bool,
    /// It has, on this connection: what is announced from then on is all that happens.
    live: bool,
    /// The highest version heard of. Comparable only where it is of one namespace.
    version: u64,
    /// Nothing up to this change was missed.
    cursor: Option<u64>,
}

impl Extent {
    /// Which list is coming, or came last; 0 before the first.
    pub(super) fn list(&self) -> u64 {
        self.list
    }

    /// All that was there has been listed.
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    /// The change up to which nothing was missed.
    pub(super) fn cursor(&self) -> Option<u64> {
        self.cursor
    }

    /// A part of a list has come, which is another list if the last one has come to its
    /// end or was interrupted.
    pub(super) fn list_on(&mut self, version: u64) {
        if !self.running {
            self.list += 1;
            (self.running, self.complete, self.live) = (true, false, false);
        }
        self.hear(version);
    }

    /// All that there is up to that version is known; whatever was heard of before
    /// belongs to it.
    pub(super) fn complete(&mut self, version: u64) {
        (self.running, self.complete, self.live) = (false, true, true);
        self.hear(version);
    }

    /// A change was heard of.
    pub(super) fn hear(&mut self, version: u64) {
        self.version = self.version.max(version);
        // Before all is known, there may be others before it.
        if self.live {
            self.cursor = Some(self.version);
        }
    }

    /// The connection is lost.
    pub(super) fn interrupt(&mut self) {
        (self.running, self.live) = (false, false);
    }

    /// Something may be missed from now on that no version tells of.
    pub(super) fn lose_track(&mut self) {
        (self.live, self.cursor) = (false, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_is_what_was_heard_last_where_nothing_is_missing() {
        let mut extent = Extent::default();
        extent.hear(7);
        assert_eq!(extent.cursor(), None, "what there is is not known");
        extent.list_on(8);
        extent.hear(9);
        assert_eq!(extent.cursor(), None, "the rest of the list is missing");
        extent.complete(8);
        assert_eq!(extent.cursor(), Some(9));
        extent.hear(12);
        extent.hear(10);
        assert_eq!(extent.cursor(), Some(12), "it never goes back");

        // On the next connection it hears, by another watch, of what comes behind a gap.
        extent.interrupt();
        extent.hear(20);
        assert_eq!(extent.cursor(), Some(12));
        extent.list_on(21);
        extent.interrupt();
        assert_eq!((extent.cursor(), extent.list()), (Some(12), 2), "the rest of the list is missing");
        extent.complete(22);
        assert_eq!(extent.cursor(), Some(22));

        extent.lose_track();
        extent.hear(23);
        assert_eq!(extent.cursor(), None, "what came between is not known");
        extent.list_on(24);
        extent.complete(24);
        assert_eq!(extent.cursor(), Some(24));
    }
}
