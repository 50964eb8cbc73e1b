//! The figures of several rounds.

use super::markdown::grouped;

/// The figures of one thing, a round each.
#[derive(Clone, Debug, Default)]
pub struct Rounds(Vec<f64>);

impl Rounds {
    pub fn add(&mut self, figure: f64) {
        self.0.push(figure);
    }

    /// Round by round, these by those.
    pub fn by(&self, those: &Self) -> Self {
        let pairs = self.0.iter().zip(&those.0);
        Self(pairs.map(|(this, that)| this / that).collect())
    }

    /// Not a number when there are none.
    pub fn median(&self) -> f64 {
        let sorted = self.sorted();
        match sorted.len() {
            0 => f64::NAN,
            len if len % 2 == 1 => sorted[len / 2],
            len => f64::midpoint(sorted[len / 2 - 1], sorted[len / 2]),
        }
    }

    pub fn min(&self) -> f64 {
        self.sorted().first().copied().unwrap_or(f64::NAN)
    }

    pub fn max(&self) -> f64 {
        self.sorted().last().copied().unwrap_or(f64::NAN)
    }

    /// The median, with the least and the most, so many digits after the point.
    pub fn show(&self, digits: usize) -> String {
        if self.0.is_empty() {
            return "–".to_owned();
        }
        let number = |figure: f64| match digits {
            0 => grouped(figure.round() as usize),
            digits => format!("{figure:.digits$}"),
        };
        let (min, max) = (number(self.min()), number(self.max()));
        format!("{} ({min}–{max})", number(self.median()))
    }

    fn sorted(&self) -> Vec<f64> {
        let mut figures = self.0.clone();
        figures.sort_by(f64::total_cmp);
        figures
    }
}

/// The value below which this part of all lies; not a number when there are none.
pub fn quantile(mut figures: Vec<f64>, part: f64) -> f64 {
    figures.sort_by(f64::total_cmp);
    let place = (part * figures.len() as f64).ceil() as usize;
    let figure = figures.get(place.saturating_sub(1));
    figure.copied().unwrap_or(f64::NAN)
}

/// Whether a target is met.
pub fn verdict(met: bool) -> String {
    match met {
        true => "met".to_owned(),
        false => "missed".to_owned(),
    }
}
