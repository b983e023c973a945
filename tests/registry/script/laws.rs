//! What is true of every step, whatever its script is about.

use foregather::{
    domain::{Answer, Code, RequestId, SessionId},
    registry::Output,
};

/// A request has exactly one answer, and whoever asked has it before others are
/// told or seated. Only a MATCH may have to wait for its own.
pub fn the_request_is_answered(outputs: &[Output], session: SessionId, request: RequestId, may_wait: bool) {
    let answers = outputs.iter().filter(|output| is_answer(output, session, request)).count();
    assert!(answers == 1 || (answers == 0 && may_wait), "answered {answers} times: {outputs:#?}");
    let first = outputs.iter().find(|output| !is_cancelled(output, session));
    assert!(answers == 0 || first.is_some_and(|first| is_answer(first, session, request)), "not first: {outputs:#?}");
}

/// A request that was refused changed nothing, so there is nothing to tell.
pub fn a_refusal_changes_nothing(outputs: &[Output], request: RequestId, changes: u64) {
    let refused = outputs.iter().any(|output| match output {
        Output::Answer { request_id, answer, .. } => *request_id == Some(request) && is_refusal(answer),
        Output::Announce { .. } | Output::Proceed { .. } | Output::Ended { .. } => false,
    });
    assert!(!refused || (outputs.len() == 1 && changes == 0), "{changes} changes, and told: {outputs:#?}");
}

/// Nobody is told the same twice, and what is told is either of peers or of games.
pub fn listeners_are_told_once(outputs: &[Output]) {
    for output in outputs {
        let Output::Announce { to, announcements, .. } = output else { continue };
        assert!(!to.is_empty() && to.is_sorted_by(|one, next| one < next), "each once, in order: {to:?}");
        let games = announcements.iter().filter(|announcement| announcement.is_about_games()).count();
        assert!(games == 0 || games == announcements.len(), "{announcements:#?}");
    }
}

fn is_answer(output: &Output, session: SessionId, request: RequestId) -> bool {
    matches!(output, Output::Answer { to, request_id, .. } if *to == session && *request_id == Some(request))
}

fn is_refusal(answer: &Answer) -> bool {
    matches!(answer, Answer::Refused(_))
}

/// A CANCEL's match is answered before the CANCEL itself.
fn is_cancelled(output: &Output, session: SessionId) -> bool {
    let Output::Answer { to, answer: Answer::Refused(refusal), .. } = output else { return false };
    *to == session && refusal.code == Code::Cancelled
}
