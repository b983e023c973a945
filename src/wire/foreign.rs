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
