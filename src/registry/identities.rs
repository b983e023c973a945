use crate::domain::PeerId;
use rand_chacha::{
    ChaCha12Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use uuid::{Builder, Uuid};

/// Makes ids that nobody can guess, from a seed that the caller has from the
/// operating system, or, in a simulation, from the number that it repeats.
#[derive(Debug)]
pub(super) struct Identities(ChaCha12Rng);

impl Identities {
    pub(super) fn new(seed: [u8; 32]) -> Self {
        Self(ChaCha12Rng::from_seed(seed))
    }

    pub(super) fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    pub(super) fn uuid(&mut self) -> Uuid {
        let mut bytes = [0; 16];
        self.0.fill_bytes(&mut bytes);
        Builder::from_random_bytes(bytes).into_uuid()
    }

    /// So many of these letters, each as likely as any other.
    pub(super) fn letters(&mut self, of: &[u8], count: usize) -> String {
        // What is left over of a byte's values would favour the first letters.
        let fair = 256 - 256 % of.len();
        let mut text = String::with_capacity(count);
        while text.len() < count {
            let mut bytes = [0; 16];
            self.0.fill_bytes(&mut bytes);
            let drawn = bytes.into_iter().map(usize::from).filter(|&value| value < fair);
            text.extend(drawn.map(|value| char::from(of[value % of.len()])).take(count - text.len()));
        }
        text
    }

    pub(super) fn peer_id(&mut self) -> PeerId {
        PeerId::from_uuid(self.uuid())
    }
}
