use super::json::Format;
use crate::cli::{
    exit::{Exit, Failure},
    stdin,
};
use prost_reflect::DynamicMessage;
use std::ops::ControlFlow;
use tokio::sync::mpsc;

/// Messages that are read ahead of being sent.
const READ_AHEAD: usize = 16;

/// The messages to send, in order; the first that cannot be read is the last.
pub(super) type Input = mpsc::Receiver<Result<DynamicMessage, Failure>>;

/// The messages of the command line. They are all there, so one that cannot be
/// read stops everything before it begins.
///
/// # Errors
/// Of the first that cannot be read.
pub(super) fn arguments(format: &Format, texts: &[String]) -> Result<Input, Failure> {
    let mut messages = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        messages.push(format.parse(text.as_bytes()).map_err(|fault| bad("argument", index + 1, &fault))?);
    }
    let (sender, input) = mpsc::channel(messages.len().max(1));
    for message in messages {
        sender.try_send(Ok(message)).expect("the channel was made large enough");
    }
    Ok(input)
}

/// The messages of standard input, one a line, each as soon as it is there.
///
/// # Errors
/// If there is no thread to read them.
pub(super) fn lines(format: Format) -> Result<Input, Failure> {
    let (sender, input) = mpsc::channel(READ_AHEAD);
    let mut number = 0;
    stdin::each_line(move |line| {
        number += 1;
        let message = match line {
            Ok(line) if line.trim_ascii().is_empty() => return ControlFlow::Continue(()),
            Ok(line) => format.parse(&line).map_err(|fault| bad("line", number, &fault)),
            Err(error) => Err(Failure::new(Exit::BadInput, format!("standard input cannot be read: {error}"))),
        };
        let last = message.is_err();
        if sender.blocking_send(message).is_err() || last {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    Ok(input)
}

fn bad(what: &str, number: usize, fault: &str) -> Failure {
    let fault = crate::cli::output::printable(fault);
    Failure::new(Exit::BadInput, format!("{what} {number} is not a message in JSON and was not sent: {fault}"))
}
