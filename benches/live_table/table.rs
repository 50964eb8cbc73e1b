//! A section's figures as a table.

use super::markdown::{self, Column, grouped};

/// The columns of every section.
const COLUMNS: [Column; 6] = [
    Column::Text("question"),
    Column::Number("sessions"),
    Column::Number("ours"),
    Column::Number("yardstick"),
    Column::Number("ratio"),
    Column::Text("target"),
];

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
            markdown::print(&COLUMNS, &self.rows);
        }
        if !self.rows.is_empty() && !self.notes.is_empty() {
            println!();
        }
        for note in &self.notes {
            println!("- {note}");
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
