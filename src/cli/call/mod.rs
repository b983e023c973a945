//! `foregather call`: messages in, messages out, in JSON.

mod conversation;
mod input;
mod json;

use super::{
    block_on,
    exit::{Exit, Failure},
    output::Output,
    remote::{Place, Remote},
    time,
};
use conversation::Conversation;
use json::Format;
use std::time::Duration;
use tokio::{net::TcpStream, time::timeout};

/// Send messages in JSON, and print every message that comes back
///
/// Each argument is one Message of proto/rendezvous.proto in protobuf's JSON mapping; without
/// arguments, each line of standard input is one, sent as soon as it is there. All go over one
/// connection. Enum values may be written short: REGISTER for MESSAGE_TYPE_REGISTER. Bytes, such as
/// addresses, are base64.
///
/// It ends when everything that was sent is answered; with --for, that long after it began.
#[derive(Debug, clap::Args)]
#[command(after_help = r#"Examples:
  foregather call '{"type":"DISCOVER","requestId":1,"discovery":[{"ns":"chess/*"}]}'
  foregather call '{"type":"HELLO","hello":{"protocol":1}}' \
      '{"type":"REGISTER","requestId":1,"register":[{"ns":"chess/K7QP","peer":{"id":"ada"}}]}'
  foregather call --for 1m '{"type":"RENDEZVOUS","requestId":1,"rendezvous":[{"ns":"chess/**"}]}'
  foregather call < messages.jsonl"#)]
pub struct Call {
    /// The messages to send; without any, those of standard input
    #[arg(value_name = "JSON")]
    messages: Vec<String>,
    #[command(flatten)]
    remote: Remote,
    /// Stay for so long, and print what comes: 500ms, 5s, 2m
    #[arg(long = "for", value_name = "TIME", value_parser = time::parse)]
    stay: Option<Duration>,
    /// Give up when an answer has not come so long after the last message was sent
    #[arg(long, value_name = "TIME", value_parser = time::parse, default_value = "10s")]
    timeout: Duration,
}

impl Call {
    pub fn run(self, output: Output) -> Result<(), Failure> {
        let place = self.remote.prepare()?;
        let format = Format::new();
        let given = match self.messages.as_slice() {
            [] => None,
            texts => Some(input::arguments(&format, texts)?),
        };
        block_on(async {
            let stream = connect(&place, self.timeout).await?;
            // Nobody need type anything before there is somebody to send it to.
            let input = given.map_or_else(|| input::lines(format.clone()), Ok)?;
            Conversation::new(stream, place, format, output, self.stay, self.timeout).run(input).await
        })
    }
}

async fn connect(place: &Place, within: Duration) -> Result<TcpStream, Failure> {
    let unreachable = |why: String| {
        let what = format!("cannot connect to {place}: {why}; is a server running there? --server takes another place");
        Failure::new(Exit::Unreachable, what)
    };
    let stream = timeout(within, TcpStream::connect((place.host.as_str(), place.port)))
        .await
        .map_err(|_| unreachable(format!("no answer within {within:?}")))?
        .map_err(|error| unreachable(error.to_string()))?;
    // Messages are short and should arrive at once. If that cannot be had, they
    // arrive a little later.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}
