//! The frame reader gives the same whatever pieces a stream arrives in, and
//! judges a length before anything of its body is there.

use crate::golden::{self, StreamVector};
use bytes::{Bytes, BytesMut};
use foregather::{
    domain::Code,
    limits::Limits,
    wire::{self, FrameCodec, FrameError, proto},
};
use prost::Message as _;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use tokio_util::codec::{Decoder as _, Encoder as _};

/// What comes out of a stream that arrives in these pieces: the bodies, and what
/// ended it, by its name in `frames.json`.
fn read<'a>(limit: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Bytes>, Option<&'static str>) {
    let limits = Limits { frame_bytes: limit, ..Limits::default() };
    let mut codec = FrameCodec::new(limit);
    let mut buffer = BytesMut::new();
    let mut bodies = Vec::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match codec.decode(&mut buffer) {
                Ok(None) => break,
                Ok(Some(body)) if wire::inbound(&body, &limits).is_err() => return (bodies, Some("malformed")),
                Ok(Some(body)) => bodies.push(body),
                Err(FrameError::TooLarge { .. }) => return (bodies, Some("too_large")),
                Err(FrameError::OverlongLength) => return (bodies, Some("overlong_length")),
                Err(FrameError::Io(error)) => panic!("no stream was read that could fail: {error}"),
            }
        }
    }
    let left = !buffer.is_empty();
    // The end of the stream is told by the codec too.
    match codec.decode_eof(&mut buffer) {
        Ok(None) => assert!(!left, "bytes that are left are no end"),
        Err(FrameError::Io(_)) => assert!(left, "an end between two frames is no error"),
        other => panic!("the end of a stream makes no frame: {other:?}"),
    }
    (bodies, left.then_some("incomplete"))
}

fn check<'a>(limit: usize, vector: &StreamVector, how: &str, pieces: impl IntoIterator<Item = &'a [u8]>) {
    let (bodies, error) = read(limit, pieces);
    assert!(bodies == vector.messages, "{}, {how}: {} bodies came out, or not these", vector.name, bodies.len());
    assert_eq!(error, vector.error.as_deref(), "{}, {how}", vector.name);
}

#[test]
fn every_stream_reads_the_same_in_one_piece_and_byte_by_byte() {
    let (limit, streams) = golden::streams();
    for vector in &streams {
        check(limit, vector, "whole", [&*vector.bytes]);
        check(limit, vector, "byte by byte", vector.bytes.chunks(1));
    }
}

#[test]
fn every_stream_reads_the_same_wherever_it_is_cut() {
    const SEED: u64 = 1;
    const EVERY_OFFSET_UP_TO: usize = 1_024;
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let (limit, streams) = golden::streams();
    for vector in &streams {
        let length = vector.bytes.len();
        let offsets: Vec<usize> = if length <= EVERY_OFFSET_UP_TO {
            (0..=length).collect()
        } else {
            // Around the prefix and the end, and here and there between.
            let between = (0..64).map(|_| random.next_u32() as usize % length);
            (0..=16).chain(length - 16..=length).chain(between).collect()
        };
        for offset in offsets {
            let (first, second) = vector.bytes.split_at(offset);
            check(limit, vector, &format!("cut at {offset}, seed {SEED}"), [first, second]);
        }
    }
}

/// Every kind of end is met: a vector file without errors proves little.
#[test]
fn the_streams_end_in_every_way() {
    let (_, streams) = golden::streams();
    for end in [None, Some("overlong_length"), Some("too_large"), Some("incomplete"), Some("malformed")] {
        let count = streams.iter().filter(|vector| vector.error.as_deref() == end).count();
        assert!(count >= 5, "{count} streams end with {end:?}");
    }
}

/// The prefix of a body of so many bytes.
fn prefix(bytes: u64) -> Vec<u8> {
    let mut prefix = Vec::new();
    let bytes = usize::try_from(bytes).expect("this test needs a machine of 64 bits");
    prost::encode_length_delimiter(bytes, &mut prefix).expect("a Vec grows");
    prefix
}

/// Limits around which the length of the prefix changes, and those of the table.
const LIMITS: [usize; 9] = [0, 1, 126, 127, 128, 16_383, 16_384, 65_536, 16 * 1_024 * 1_024];

#[test]
fn a_length_over_the_limit_is_refused_before_its_body_and_takes_no_memory() {
    for limit in LIMITS {
        for length in [limit as u64 + 1, limit as u64 * 2 + 1, 1 << 32, u64::MAX] {
            let mut buffer = BytesMut::with_capacity(64);
            buffer.extend_from_slice(&prefix(length));
            let capacity = buffer.capacity();
            match FrameCodec::new(limit).decode(&mut buffer) {
                Err(FrameError::TooLarge { bytes, limit: told }) => assert_eq!((bytes, told), (length, limit)),
                other => panic!("{length} bytes at a limit of {limit}: {other:?}"),
            }
            assert_eq!(buffer.capacity(), capacity, "nothing is reserved for what is refused");
        }
    }
}

#[test]
fn a_length_at_the_limit_is_accepted_and_takes_no_memory_until_it_comes() {
    for limit in LIMITS {
        let mut codec = FrameCodec::new(limit);
        let mut buffer = BytesMut::with_capacity(64);
        buffer.extend_from_slice(&prefix(limit as u64));
        let capacity = buffer.capacity();
        if limit > 0 {
            assert!(matches!(codec.decode(&mut buffer), Ok(None)), "the body has not come yet");
            assert_eq!(buffer.capacity(), capacity, "nothing is reserved for what was only announced");
        }
        buffer.resize(buffer.len() + limit, 0x08);
        let body = codec.decode(&mut buffer).expect("the limit is inclusive").expect("the body is whole");
        assert_eq!(body.len(), limit);
        assert!(buffer.is_empty());
    }
}

#[test]
fn what_is_written_is_held_to_the_same_limit() {
    for limit in LIMITS.into_iter().filter(|&limit| limit >= 16) {
        let message = |bytes: usize| {
            let around = |text: usize| proto::Message {
                status: Some(proto::Status { text: Some("x".repeat(text)), ..Default::default() }),
                ..Default::default()
            };
            // Where a length gets longer there is no message of just that size.
            (bytes - 12..bytes).map(around).find(|message| message.encoded_len() == bytes)
        };
        let mut codec = FrameCodec::new(limit);
        if let Some(largest) = message(limit) {
            let mut buffer = BytesMut::new();
            codec.encode(&largest, &mut buffer).expect("the limit is inclusive");
            assert_eq!(&buffer[..], largest.encode_length_delimited_to_vec());
            assert_eq!(codec.decode(&mut buffer).expect("it may be read again").map(|body| body.len()), Some(limit));
        }
        let over = message(limit + 1).or_else(|| message(limit + 2)).expect("one of two sizes can be had");
        let mut buffer = BytesMut::new();
        assert!(matches!(codec.encode(&over, &mut buffer), Err(FrameError::TooLarge { .. })));
        assert!(buffer.is_empty(), "nothing is written of what is refused");
    }
}

#[test]
fn the_sender_is_told_what_is_wrong_with_its_frames() {
    let refusal = FrameError::TooLarge { bytes: 70_000, limit: 65_536 }.refusal();
    assert_eq!(refusal.code, Code::TooLarge);
    assert!(refusal.text.contains("70000") && refusal.text.contains("65536"), "{refusal}");
    assert_eq!(FrameError::OverlongLength.refusal().code, Code::InvalidMessage);
}
