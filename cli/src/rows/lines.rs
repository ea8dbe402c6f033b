//! The lines of a file's rows.

/// The line of each row. Rows that follow each other line by line take no memory.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// Rows, by their numbers, that do not begin on the line after the row before, and their lines.
    breaks: Vec<(u64, u64)>,
}

impl Lines {
    /// Adds a row. Rows come in their order.
    pub(super) fn push(&mut self, row: u64, line: u64) {
        if self.of(row) != line {
            self.breaks.push((row, line));
        }
    }

    /// The line where a row begins. Rows and lines are numbered from 1.
    pub(crate) fn of(&self, row: u64) -> u64 {
        let after = self.breaks.partition_point(|(start, _)| *start <= row);
        let (start, line) = after.checked_sub(1).and_then(|last| self.breaks.get(last)).copied().unwrap_or((1, 1));
        line + (row - start)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_row_keeps_its_line(steps in proptest::collection::vec(0_u64..4, 1..50)) {
            let mut line = 1;
            let all: Vec<u64> = steps.iter().map(|step| { line += step; line }).collect();
            let mut lines = Lines::default();
            for (row, line) in (1..).zip(&all) {
                lines.push(row, *line);
            }
            let read: Vec<u64> = (1..).take(all.len()).map(|row| lines.of(row)).collect();
            prop_assert_eq!(read, all);
        }
    }
}
