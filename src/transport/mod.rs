//! Where a stream of bytes comes from. What the bytes mean is none of its
//! business: another door (TLS, WebSocket) is another file here.

pub mod tcp;
