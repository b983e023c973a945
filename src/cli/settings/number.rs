/// Reads a whole number; `_` may stand between its digits.
///
/// # Errors
/// What is accepted.
pub(super) fn parse(text: &str, min: usize, max: usize) -> Result<usize, String> {
    let starts_and_ends_in_digits = |text: &str| !text.starts_with(['_', '+']) && !text.ends_with('_');
    Some(text)
        .filter(|text| starts_and_ends_in_digits(text))
        .and_then(|text| text.replace('_', "").parse().ok())
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| format!("{text:?} is not accepted; use a whole number from {min} to {max}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_numbers_in_range_are_accepted() {
        assert_eq!(parse("65_536", 1, 100_000), Ok(65_536));
        assert_eq!(parse("1", 1, 2), Ok(1));
        assert_eq!(parse("2", 1, 2), Ok(2));
        for bad in ["", "0", "3", "-1", "+1", "_1", "1_", "1k", "1.0", " 1", "99999999999999999999999"] {
            assert!(parse(bad, 1, 2).is_err(), "{bad:?}");
        }
    }
}
