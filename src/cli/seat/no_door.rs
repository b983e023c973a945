//! Where there are no Unix sockets, `foregather kick` has no way to the process
//! that holds the owner's seat.

use super::orders::Asked;
use crate::cli::{
    exit::{Exit, Failure},
    output::printable,
    remote::Place,
};
use foregather::client::Namespace;
use std::io;
use tokio::sync::mpsc;

/// There is none.
#[derive(Debug)]
pub(super) enum Door {}

impl Door {
    pub(super) fn open(_: &Place, _: &Namespace, _: mpsc::Sender<Asked>) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

pub async fn kick(_: &Place, _: &Namespace, id: &str, _: bool) -> Result<(), Failure> {
    let id = printable(id);
    Err(Failure::new(
        Exit::System,
        format!("on this system the owner kicks: type `kick {id}` where `foregather host` runs"),
    ))
}
