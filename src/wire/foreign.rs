/// Recognises the first bytes of a connection that speaks another protocol, so
/// that whoever typed the wrong port is told at once. None of these can begin a
/// frame: read as one, each holds a field number or wire type that no message of
/// ours has there.
pub fn foreign_protocol(first_bytes: &[u8]) -> Option<&'static str> {
    const BEGINNINGS: &[(&[u8], &str)] = &[
        (b"GET ", "HTTP"),
        (b"PUT ", "HTTP"),
        (b"HEAD ", "HTTP"),
        (b"POST ", "HTTP"),
        (b"PRI * HTTP/2", "HTTP/2"),
        (b"OPTIONS ", "HTTP"),
        (b"CONNECT ", "HTTP"),
        (b"SSH-", "SSH"),
        // A TLS record that holds a handshake, of any version since SSL 3.
        (&[0x16, 0x03], "TLS"),
        // The greeting of ZMTP 2 and 3.
        (&[0xff, 0, 0, 0, 0, 0, 0, 0], "ZeroMQ"),
        (b"<?xml", "XMPP"),
        (b"<stream:", "XMPP"),
    ];
    BEGINNINGS.iter().find(|(beginning, _)| first_bytes.starts_with(beginning)).map(|&(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{limits::Limits, wire};
    use bytes::BytesMut;
    use tokio_util::codec::Decoder as _;

    #[test]
    fn what_is_recognised_could_not_have_been_ours() {
        for beginning in ["GET ", "PUT ", "HEAD ", "POST ", "PRI * HTTP/2", "OPTIONS ", "CONNECT ", "SSH-", "<?xml"] {
            let mut stream = BytesMut::from(beginning.as_bytes());
            assert!(foreign_protocol(&stream).is_some(), "{beginning}");
            // Whatever follows, the frame that these bytes would begin is refused.
            stream.resize(200, b' ');
            let limits = Limits::default();
            let frame = wire::FrameCodec::new(limits.frame_bytes)
                .decode(&mut stream)
                .expect("a letter is a length")
                .expect("200 bytes are enough");
            assert!(wire::inbound(&frame, &limits).is_err(), "{beginning}");
        }
        assert_eq!(foreign_protocol(&[0x16, 0x03, 0x01]), Some("TLS"));
        assert_eq!(foreign_protocol(b"GE"), None);
    }
}
