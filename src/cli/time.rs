//! Spans of time as people type them, and the ends of them.

use std::{future::pending, time::Duration};
use tokio::time::{Instant, sleep_until};

/// The longest span: what is longer was hardly meant, and clocks can be added to it.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3_600);

/// Reads `500ms`, `5s`, `2m` or `1h`.
///
/// # Errors
/// What is accepted, for whoever typed something else.
pub fn parse(text: &str) -> Result<Duration, String> {
    let unit_at = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at(unit_at);
    let unit = match unit {
        "ms" => Some(Duration::from_millis(1)),
        "s" => Some(Duration::from_secs(1)),
        "m" => Some(Duration::from_secs(60)),
        "h" => Some(Duration::from_secs(3_600)),
        _ => None,
    };
    count
        .parse()
        .ok()
        .zip(unit)
        .and_then(|(count, unit): (u32, _)| unit.checked_mul(count))
        .filter(|&duration| duration <= LONGEST)
        .ok_or_else(|| "use a whole number and its unit: 500ms, 5s, 2m or 1h".into())
}

/// Waits for that moment, or for ever if there is none.
pub async fn until(end: Option<Instant>) {
    match end {
        Some(end) => sleep_until(end).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_number_and_its_unit() {
        for (text, millis) in [("500ms", 500), ("5s", 5_000), ("2m", 120_000), ("1h", 3_600_000), ("0s", 0)] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for bad in ["", "5", "s", "-1s", "1.5s", "5 s", "5d", "99999999999s", "4294967295h"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
