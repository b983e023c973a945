//! Bytes <-> domain. The generated protobuf types stop here: what comes in is
//! checked once and becomes a type that cannot be illegal, what goes out is
//! encoded once however many hear it.

mod decode;
mod encode;
mod foreign;
mod frame;
mod outbound;
mod outline;
mod request;

pub use decode::inbound;
pub use encode::{announced_bytes, announcements, answer, delivery, message, question, refusal};
pub use foreign::foreign_protocol;
pub use frame::{FrameCodec, FrameError};
pub use outbound::outbound;
pub use request::{hello, request};

/// The generated messages, as `proto/rendezvous.proto` has them.
#[allow(missing_docs, clippy::doc_markdown, clippy::doc_lazy_continuation)]
pub mod proto {
    include!(concat!(env!("OUT_DIR"), "/foregather.v1.rs"));

    /// The format's description (a serialised `FileDescriptorSet`), for reflection.
    pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/rendezvous.binpb"));
}
