use crate::domain::{Code, Refusal};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use std::{fmt, io};
use tokio_util::codec::{Decoder, Encoder};

/// The longest length prefix that any `u64` takes.
const MAX_PREFIX_BYTES: usize = 10;

/// Splits a stream of bytes into frames: a length as an unsigned LEB128 varint,
/// then that many bytes. The length is checked before anything is allocated.
#[derive(Debug, Clone, Copy)]
pub struct FrameCodec {
    max_bytes: usize,
}

impl FrameCodec {
    /// Frames of at most this many bytes, the prefix not counted; a frame of
    /// exactly so many is accepted.
    pub fn new(max_bytes: usize) -> Self {
        Self { max_bytes }
    }
}

/// Why a stream of bytes is not one of frames. The stream cannot be read on.
#[derive(Debug)]
pub enum FrameError {
    /// A frame over the limit.
    TooLarge {
        /// What its prefix says.
        bytes: u64,
        /// What is accepted.
        limit: usize,
    },
    /// A length that is not written in its shortest form, or over 64 bits.
    OverlongLength,
    /// The stream itself failed.
    Io(io::Error),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { bytes, limit } => write!(
                f,
                "a frame of {bytes} bytes; the limit is {limit}. Is the length of each message written before it, \
                 as a varint?"
            ),
            Self::OverlongLength => f.write_str(
                "the length before the message is not a varint in its shortest form; write it as WriteDelimitedTo does",
            ),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for FrameError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for FrameError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl FrameError {
    /// What the one who sent such bytes is told.
    pub fn refusal(&self) -> Refusal {
        let code = if matches!(self, Self::TooLarge { .. }) { Code::TooLarge } else { Code::InvalidMessage };
        Refusal::new(code, self.to_string())
    }
}

/// The value of a varint at the front of `bytes`, and its length; `None` if it
/// goes on beyond them.
fn varint(bytes: &[u8]) -> Result<Option<(u64, usize)>, FrameError> {
    let mut value = 0u64;
    for (index, &byte) in bytes.iter().take(MAX_PREFIX_BYTES).enumerate() {
        let last_possible = index + 1 == MAX_PREFIX_BYTES;
        if last_possible && byte > 1 {
            return Err(FrameError::OverlongLength);
        }
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let shortest = byte != 0 || index == 0;
            return if shortest { Ok(Some((value, index + 1))) } else { Err(FrameError::OverlongLength) };
        }
    }
    Ok(None)
}

impl Decoder for FrameCodec {
    type Item = Bytes;
    type Error = FrameError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
        let Some((length, prefix)) = varint(buffer)? else { return Ok(None) };
        let length = match usize::try_from(length) {
            Ok(length) if length <= self.max_bytes => length,
            _ => return Err(FrameError::TooLarge { bytes: length, limit: self.max_bytes }),
        };
        if buffer.len() < prefix + length {
            // Nothing is reserved for what was only announced: memory grows with
            // the bytes that have come.
            return Ok(None);
        }
        buffer.advance(prefix);
        Ok(Some(buffer.split_to(length).freeze()))
    }
}

impl<M: prost::Message> Encoder<&M> for FrameCodec {
    type Error = FrameError;

    fn encode(&mut self, message: &M, buffer: &mut BytesMut) -> Result<(), FrameError> {
        let length = message.encoded_len();
        if length > self.max_bytes {
            return Err(FrameError::TooLarge { bytes: length as u64, limit: self.max_bytes });
        }
        buffer.reserve(prost::length_delimiter_len(length) + length);
        message.encode_length_delimited(buffer).expect("the buffer was made large enough");
        Ok(())
    }
}

/// Frames that are encoded already.
impl Encoder<Bytes> for FrameCodec {
    type Error = FrameError;

    fn encode(&mut self, frame: Bytes, buffer: &mut BytesMut) -> Result<(), FrameError> {
        buffer.put(frame);
        Ok(())
    }
}
