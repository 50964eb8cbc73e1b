//! Markdown tables, aligned.

/// A column.
#[derive(Clone, Copy)]
pub enum Column {
    /// To the left.
    Text(&'static str),
    /// To the right.
    Number(&'static str),
}

impl Column {
    fn head(self) -> &'static str {
        match self {
            Self::Text(head) | Self::Number(head) => head,
        }
    }

    fn cell(self, text: &str, width: usize) -> String {
        match self {
            Self::Text(_) => format!("{text:<width$}"),
            Self::Number(_) => format!("{text:>width$}"),
        }
    }

    fn rule(self, width: usize) -> String {
        match self {
            Self::Text(_) => "-".repeat(width),
            Self::Number(_) => format!("{}:", "-".repeat(width.saturating_sub(1))),
        }
    }
}

/// Prints a table.
pub fn print<const N: usize>(columns: &[Column; N], rows: &[[String; N]]) {
    let widths: [usize; N] = std::array::from_fn(|at| {
        let cells = rows.iter().map(|row| row[at].chars().count());
        cells.chain([columns[at].head().len()]).max().unwrap_or(0)
    });
    let line = |cell: &dyn Fn(usize) -> String| {
        let cells: Vec<String> = (0..N).map(cell).collect();
        println!("| {} |", cells.join(" | "));
    };
    line(&|at| columns[at].cell(columns[at].head(), widths[at]));
    line(&|at| columns[at].rule(widths[at]));
    for row in rows {
        line(&|at| columns[at].cell(&row[at], widths[at]));
    }
}

/// A number with its thousands marked.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
