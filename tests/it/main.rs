//! Black box: a server over real sockets, spoken to in protobuf.

mod basics;
mod client;
