use super::{input::Input, json::Format};
use crate::cli::{
    exit::{Exit, Failure},
    output::{Output, printable},
    remote::Place,
    time::until,
};
use bytes::Bytes;
use foregather::wire::{
    self, FrameCodec, FrameError,
    proto::{self, MessageType, StatusCode},
};
use futures::StreamExt as _;
use prost::Message as _;
use prost_reflect::DynamicMessage;
use std::{collections::HashMap, future::pending, time::Duration};
use tokio::{
    io::AsyncWriteExt as _,
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    time::Instant,
};
use tokio_util::codec::FramedRead;

/// The largest frame that is taken from a server: the largest that one can be
/// set to send.
const FRAME_MAX_BYTES: usize = 16 << 20;

/// Frames that wait to be written. While the server reads none, none are taken
/// from the input, but what it sends is still read.
const OUTGOING: usize = 16;

/// Messages on one connection, and what is still to be answered.
#[derive(Debug)]
pub(super) struct Conversation {
    place: Place,
    format: Format,
    output: Output,
    /// Until when to stay; `None`: until everything is answered.
    stay: Option<Instant>,
    /// How long after the last message its answer is waited for.
    patience: Duration,
    phase: Phase,
    frames: FramedRead<OwnedReadHalf, FrameCodec>,
    /// Frames for the task that writes them, apart from this one so that neither
    /// side waits for the other to read first.
    outgoing: mpsc::Sender<Bytes>,
    /// How many answers are to come under each number.
    awaited: HashMap<u64, usize>,
    /// The server refused something.
    refused: bool,
}

#[derive(Debug)]
enum Phase {
    /// There may be more to send.
    Sending,
    /// All is sent, the rest of the time is for listening.
    Staying,
    /// All is sent, and then a question for a sign of life under that nonce.
    /// Requests are handled in order: its answer means that everything is
    /// answered but for a MATCH that waits.
    Settling { nonce: u64, give_up: Instant },
    /// It was answered.
    Settled { give_up: Instant },
}

impl Conversation {
    pub(super) fn new(
        stream: TcpStream,
        place: Place,
        format: Format,
        output: Output,
        stay: Option<Duration>,
        patience: Duration,
    ) -> Self {
        let (reader, writer) = stream.into_split();
        let (outgoing, queue) = mpsc::channel(OUTGOING);
        tokio::spawn(write(writer, queue));
        Self {
            place,
            format,
            output,
            stay: stay.map(|stay| Instant::now() + stay),
            patience,
            phase: Phase::Sending,
            frames: FramedRead::new(reader, FrameCodec::new(FRAME_MAX_BYTES)),
            outgoing,
            awaited: HashMap::new(),
            refused: false,
        }
    }

    /// Sends what comes in and prints what comes back, until the end.
    pub(super) async fn run(mut self, mut input: Input) -> Result<(), Failure> {
        let mut bad_input = None;
        while !self.is_over() {
            let outgoing = self.outgoing.clone();
            let next_message = async {
                // Without a writer there is no room ever; the reader finds out why.
                let Ok(room) = outgoing.reserve().await else { return pending().await };
                (room, input.recv().await)
            };
            tokio::select! {
                () = until(self.deadline()) => match self.stay {
                    Some(_) => break,
                    None => return Err(self.unanswered()),
                },
                frame = self.frames.next() => match frame {
                    Some(Ok(frame)) => self.hear(&frame)?,
                    Some(Err(error)) => return Err(self.broken(&error)),
                    None => return Err(self.lost("the server closed it")),
                },
                (room, message) = next_message, if matches!(self.phase, Phase::Sending) => match message {
                    Some(Ok(message)) => room.send(self.note(&message)),
                    end => {
                        if let Some(Err(failure)) = end {
                            // What was sent before it is still answered, but
                            // nothing is stayed for.
                            bad_input = Some(failure);
                            self.stay = None;
                        }
                        if let Some(question) = self.finish_sending()? {
                            room.send(question);
                        }
                    }
                },
            }
        }
        match bad_input {
            Some(failure) => Err(failure),
            None if self.refused => Err(Failure::silent(Exit::Refused)),
            None => Ok(()),
        }
    }

    fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Settled { .. }) && self.awaited.is_empty()
    }

    fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Sending | Phase::Staying => self.stay,
            Phase::Settling { give_up, .. } | Phase::Settled { give_up } => Some(give_up),
        }
    }

    /// Remembers that the message is to be answered, and makes a frame of it.
    fn note(&mut self, message: &DynamicMessage) -> Bytes {
        let body = message.encode_to_vec();
        let request_id = proto::Message::decode(body.as_slice()).ok().and_then(|message| message.request_id);
        if let Some(request_id) = request_id {
            *self.awaited.entry(request_id).or_default() += 1;
        }
        message.encode_length_delimited_to_vec().into()
    }

    /// There is nothing more to send, but for what is returned.
    fn finish_sending(&mut self) -> Result<Option<Bytes>, Failure> {
        if self.stay.is_some() {
            self.phase = Phase::Staying;
            return Ok(None);
        }
        // A number that nobody sends by accident.
        let nonce = getrandom::u64()
            .map_err(|error| Failure::new(Exit::System, format!("cannot get random numbers: {error}")))?;
        self.phase = Phase::Settling { nonce, give_up: Instant::now() + self.patience };
        Ok(Some(wire::message(&proto::Message {
            r#type: Some(MessageType::Heartbeat.into()),
            heartbeat: Some(proto::Heartbeat { nonce: Some(nonce), reply: None }),
            ..Default::default()
        })))
    }

    /// Prints what the server sent, and remembers what it answers.
    fn hear(&mut self, frame: &[u8]) -> Result<(), Failure> {
        let (Ok(message), Some(shown)) = (proto::Message::decode(frame), self.format.show(frame)) else {
            return Err(self.nonsense("it sent a frame that holds no message"));
        };
        if let Phase::Settling { nonce, give_up } = self.phase
            && message.heartbeat.as_ref().is_some_and(|heartbeat| heartbeat.nonce == Some(nonce))
        {
            self.phase = Phase::Settled { give_up };
            return Ok(());
        }
        self.refused |= message.status.as_ref().is_some_and(|status| status.code() != StatusCode::Ok);
        if let Some(request_id) = message.request_id.filter(|_| !message.more())
            && let Some(count) = self.awaited.get_mut(&request_id)
        {
            *count -= 1;
            if *count == 0 {
                self.awaited.remove(&request_id);
            }
        }
        self.output.json(shown)
    }

    fn unanswered(&self) -> Failure {
        let mut numbers: Vec<String> = self.awaited.keys().map(ToString::to_string).collect();
        numbers.sort_unstable();
        let what = match numbers.as_slice() {
            [] => "the server gave no sign of life".into(),
            numbers => format!("no answer to requestId {}", numbers.join(", ")),
        };
        let Self { place, patience, .. } = self;
        Failure::new(Exit::NoAnswer, format!("{place}: {what} within {patience:?}; --timeout waits longer"))
    }

    fn broken(&self, error: &FrameError) -> Failure {
        match error {
            FrameError::Io(error) => self.lost(&error.to_string()),
            FrameError::TooLarge { .. } | FrameError::OverlongLength => self.nonsense("it sent no frame"),
        }
    }

    /// The connection is lost; if the server has said why, that is printed already.
    fn lost(&self, why: &str) -> Failure {
        if self.refused {
            return Failure::silent(Exit::Refused);
        }
        Failure::new(Exit::Unreachable, format!("the connection to {} is lost: {}", self.place, printable(why)))
    }

    fn nonsense(&self, what: &str) -> Failure {
        let place = &self.place;
        Failure::new(
            Exit::Nonsense,
            format!("{place} does not speak Foregather's protocol: {what}; is the port right?"),
        )
    }
}

/// Writes frames until nobody has more, or nobody takes them.
async fn write(mut writer: OwnedWriteHalf, mut queue: mpsc::Receiver<Bytes>) {
    while let Some(frame) = queue.recv().await {
        if writer.write_all(&frame).await.is_err() {
            return;
        }
    }
}
