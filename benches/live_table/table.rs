//! Markdown tables, aligned.

/// The columns of every section.
const HEAD: [&str; 6] = [
    "question",
    "sessions",
    "ours",
    "yardstick",
    "ratio",
    "target",
];

/// The columns that hold text; the others are numbers, to the right.
const TEXT: [bool; 6] = [true, false, false, false, false, true];

/// One section's figures.
#[derive(Default)]
pub struct Table {
    rows: Vec<[String; 6]>,
    notes: Vec<String>,
}

impl Table {
    /// A row with a yardstick. With 0 sessions their number plays no part.
    pub fn row(
        &mut self,
        question: impl Into<String>,
        sessions: usize,
        ours: String,
        yardstick: String,
        ratio: f64,
        target: &str,
    ) {
        let ratio = match ratio {
            ratio if !ratio.is_finite() => "–".to_owned(),
            ratio if ratio >= 10.0 => format!("{ratio:.1}×"),
            ratio => format!("{ratio:.2}×"),
        };
        let target = target.to_owned();
        let sessions = match sessions {
            0 => "–".to_owned(),
            sessions => grouped(sessions),
        };
        self.rows
            .push([question.into(), sessions, ours, yardstick, ratio, target]);
    }

    /// A row that stands alone.
    pub fn alone(
        &mut self,
        question: impl Into<String>,
        sessions: usize,
        ours: String,
        yardstick: &str,
        target: &str,
    ) {
        self.row(
            question,
            sessions,
            ours,
            yardstick.to_owned(),
            f64::NAN,
            target,
        );
    }

    /// A line below the table. Said once, however often it is noted.
    pub fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Prints it, if there is anything in it.
    pub fn print(&self) {
        if !self.rows.is_empty() {
            self.print_rows();
        }
        if !self.rows.is_empty() && !self.notes.is_empty() {
            println!();
        }
        for note in &self.notes {
            println!("- {note}");
        }
    }

    fn print_rows(&self) {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.chain([HEAD[column].len()]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
        let line = |cells: [&str; 6]| {
            let cells: Vec<String> = (0..HEAD.len())
                .map(|at| match TEXT[at] {
                    true => format!("{:<1$}", cells[at], widths[at]),
                    false => format!("{:>1$}", cells[at], widths[at]),
                })
                .collect();
            println!("| {} |", cells.join(" | "));
        };
        line(HEAD);
        let rules: Vec<String> = (0..HEAD.len())
            .map(|at| match TEXT[at] {
                true => "-".repeat(widths[at]),
                false => format!("{}:", "-".repeat(widths[at].saturating_sub(1))),
            })
            .collect();
        println!("| {} |", rules.join(" | "));
        for row in &self.rows {
            line(std::array::from_fn(|at| row[at].as_str()));
        }
    }
}

/// A duration of so many nanoseconds.
pub fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        n if !n.is_finite() => "–".to_owned(),
        n if n < 1e3 => format!("{n:.0} ns"),
        n if n < 1e5 => format!("{:.2} µs", n / 1e3),
        n if n < 1e6 => format!("{:.0} µs", n / 1e3),
        n if n < 1e8 => format!("{:.2} ms", n / 1e6),
        n if n < 1e9 => format!("{:.0} ms", n / 1e6),
        n => format!("{:.2} s", n / 1e9),
    }
}

/// So many of something in a second.
pub fn rate(per_second: f64, unit: &str) -> String {
    match per_second {
        n if !n.is_finite() => "–".to_owned(),
        n if n < 1e3 => format!("{n:.0} {unit}/s"),
        n if n < 1e6 => format!("{:.1} k {unit}/s", n / 1e3),
        n if n < 1e9 => format!("{:.2} M {unit}/s", n / 1e6),
        n => format!("{:.2} G {unit}/s", n / 1e9),
    }
}

/// So many bytes in a second.
pub fn bandwidth(bytes_per_second: f64) -> String {
    format!("{:.0} MB/s", bytes_per_second / 1e6)
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
