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

    pub(super) fn uuid(&mut self) -> Uuid {
        let mut bytes = [0; 16];
        self.0.fill_bytes(&mut bytes);
        Builder::from_random_bytes(bytes).into_uuid()
    }

    pub(super) fn peer_id(&mut self) -> PeerId {
        PeerId::from_uuid(self.uuid())
    }
}
