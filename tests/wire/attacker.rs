//! Makes frames that mean harm: random ones, and golden ones with mistakes.

use crate::golden;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};

/// Draws everything from one seed.
pub struct Attacker {
    random: ChaCha8Rng,
    bodies: Vec<Vec<u8>>,
    streams: Vec<Vec<u8>>,
}

impl Attacker {
    pub fn new(seed: u64) -> Self {
        Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            bodies: golden::messages().into_iter().map(|vector| vector.body).collect(),
            streams: golden::streams().1.into_iter().map(|vector| vector.bytes).collect(),
        }
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.random.next_u32() as usize % bound.max(1)
    }

    fn noise(&mut self, longest: usize) -> Vec<u8> {
        let mut noise = vec![0; self.below(longest + 1)];
        self.random.fill_bytes(&mut noise);
        noise
    }

    fn golden(&mut self) -> Vec<u8> {
        let index = self.below(self.bodies.len());
        self.bodies[index].clone()
    }

    /// A message, as a rule with mistakes.
    pub fn body(&mut self) -> Vec<u8> {
        let mut body = match self.below(10) {
            0 => return self.noise(64),
            // Whole and unharmed: what is there to be broken has to come about.
            1 | 2 => return self.golden(),
            // Entries of several messages in one; the last type counts.
            3 | 4 => (0..=self.below(6)).flat_map(|_| self.golden()).collect(),
            // More entries than a frame may have, or nearly.
            5 => {
                let (tag, type_) = [(0x12, 0), (0x1a, 1), (0x22, 2), (0x2a, 3), (0x62, 10)][self.below(5)];
                let entries = [tag, 3, 0x0a, 1, b'a' + self.below(26) as u8].repeat(self.below(80));
                [&[8, type_], &entries[..]].concat()
            }
            _ => self.golden(),
        };
        for _ in 0..self.below(3) {
            self.spoil(&mut body);
        }
        body
    }

    /// One mistake.
    fn spoil(&mut self, body: &mut Vec<u8>) {
        let at = self.below(body.len());
        match self.below(6) {
            _ if body.is_empty() => body.push(self.below(256) as u8),
            0 => body[at] ^= 1 << self.below(8),
            1 => body[at] = self.below(256) as u8,
            2 => body.truncate(at),
            3 => {
                let other = self.golden();
                let from = self.below(other.len());
                body.splice(at.., other[from.min(other.len())..].iter().copied());
            }
            4 => {
                let noise = self.noise(8);
                body.splice(at..at, noise);
            }
            _ => {
                let until = at + self.below(body.len() - at);
                body.drain(at..until);
            }
        }
    }

    /// The body with its length before it, which now and then is a lie.
    pub fn frame(&mut self) -> Vec<u8> {
        if self.below(50) == 0 {
            let index = self.below(self.streams.len());
            return self.streams[index].clone();
        }
        let body = self.body();
        let length = match self.below(40) {
            0 => self.below(body.len() * 2 + 2),
            1 => self.below(1 << 20),
            _ => body.len(),
        };
        let mut frame = Vec::new();
        prost::encode_length_delimiter(length, &mut frame).expect("a Vec grows");
        frame.extend(body);
        frame
    }
}
