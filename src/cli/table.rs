//! Tables for a person.

/// Lines with columns that are as wide as what stands in them.
pub fn lines<const N: usize>(heading: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> Vec<String> {
    let rows: Vec<[String; N]> = std::iter::once(heading.map(String::from)).chain(rows).collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// The line, or so much of it as has room, ending in `…` then.
pub fn fit(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    let mut cut: String = line.chars().take(width.saturating_sub(1)).collect();
    if width > 0 {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["é".into(), "22".into(), String::new()], ["long".into(), "1".into(), "x".into()]];
        assert_eq!(lines(["A", "B", "C"], rows), ["A     B   C", "é     22", "long  1   x"]);
        assert_eq!(lines(["A", "B"], []), ["A  B"]);
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_visibly() {
        for (width, cut) in [(5, "äbcde"), (4, "äbc…"), (1, "…"), (0, "")] {
            assert_eq!(fit("äbcde", width), cut);
        }
    }
}
