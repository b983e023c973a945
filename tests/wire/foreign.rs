//! Whoever typed the wrong port is told so, and nobody who typed the right one.

use crate::golden;
use bytes::BytesMut;
use foregather::{
    limits::Limits,
    wire::{self, FrameCodec, foreign_protocol},
};
use tokio_util::codec::Decoder as _;

#[test]
fn what_is_recognised_could_not_have_been_ours() {
    let limits = Limits::default();
    for beginning in ["GET ", "PUT ", "HEAD ", "POST ", "PRI * HTTP/2", "OPTIONS ", "CONNECT ", "SSH-", "<?xml"] {
        let mut stream = BytesMut::from(beginning.as_bytes());
        assert!(foreign_protocol(&stream).is_some(), "{beginning}");
        // Whatever follows, the frame that these bytes would begin is refused.
        stream.resize(200, b' ');
        let frame = FrameCodec::new(limits.frame_bytes)
            .decode(&mut stream)
            .expect("a letter is a length")
            .expect("200 bytes are enough");
        assert!(wire::inbound(&frame, &limits).is_err(), "{beginning}");
    }
    assert_eq!(foreign_protocol(&[0x16, 0x03, 0x01]), Some("TLS"));
    assert_eq!(foreign_protocol(b"<stream:stream"), Some("XMPP"));
    assert_eq!(foreign_protocol(&[0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f]), Some("ZeroMQ"));
    assert_eq!(foreign_protocol(b"GE"), None);
}

#[test]
fn nothing_of_ours_is_taken_for_another_protocol() {
    for vector in golden::messages() {
        let mut stream = BytesMut::new();
        prost::encode_length_delimiter(vector.body.len(), &mut stream).expect("a BytesMut grows");
        stream.extend_from_slice(&vector.body);
        assert_eq!(foreign_protocol(&stream), None, "{}", vector.name);
    }
}
