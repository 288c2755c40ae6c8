//! What is measured in runs, beside what the checker judges, with the bounds that are promised.

use std::{collections::BTreeMap, fmt, time::Duration};

/// Something that takes time after trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Figure {
    /// From when Redis can be reached again until what one server commits is told by the others as fast as ever.
    DeliveryAfterRedis,
    /// From when a standby has taken the place of the database until each server has acknowledged something that was
    /// written after that.
    WritesAfterPromotion,
}

impl Figure {
    /// Every one.
    pub const ALL: &'static [Self] = &[Self::DeliveryAfterRedis, Self::WritesAfterPromotion];

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::DeliveryAfterRedis => "delivery after Redis",
            Self::WritesAfterPromotion => "writes after a promotion",
        }
    }

    /// What is promised: it takes less.
    pub fn bound(self) -> Duration {
        match self {
            Self::DeliveryAfterRedis => Duration::from_secs(5),
            Self::WritesAfterPromotion => Duration::from_secs(15),
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How often something was measured, and the longest it took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Longest {
    /// How often.
    pub count: u64,
    /// The longest.
    pub most: Duration,
}

/// All that was measured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures(BTreeMap<Figure, Longest>);

impl Figures {
    /// Once more.
    pub fn measured(&mut self, figure: Figure, took: Duration) {
        self.add(
            figure,
            Longest {
                count: 1,
                most: took,
            },
        );
    }

    /// With those of another run.
    pub fn merge(&mut self, others: &Self) {
        for (figure, longest) in &others.0 {
            self.add(*figure, *longest);
        }
    }

    /// What there is of one.
    pub fn get(&self, figure: Figure) -> Longest {
        self.0.get(&figure).copied().unwrap_or_default()
    }

    /// In words: what was beyond so many times its bound.
    pub fn excess(&self, times: u32) -> Vec<String> {
        let beyond = self
            .0
            .iter()
            .filter(|(figure, longest)| longest.most >= figure.bound() * times);
        let told = beyond.map(|(figure, longest)| {
            let (most, bound) = (
                longest.most.as_secs_f64(),
                (figure.bound() * times).as_secs(),
            );
            format!("{figure} took {most:.2} s, which is to be less than {bound} s")
        });
        told.collect()
    }

    /// What was measured.
    pub fn iter(&self) -> impl Iterator<Item = (Figure, Longest)> {
        self.0.iter().map(|(figure, longest)| (*figure, *longest))
    }

    fn add(&mut self, figure: Figure, longest: Longest) {
        let sum = self.0.entry(figure).or_default();
        sum.count += longest.count;
        sum.most = sum.most.max(longest.most);
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (figure, Longest { count, most })) in self.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(
                f,
                "{comma}{figure} {:.2} s ({count} times)",
                most.as_secs_f64()
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_counts_and_what_reaches_its_bound_is_told() {
        let figure = Figure::DeliveryAfterRedis;
        let mut figures = Figures::default();
        figures.measured(figure, Duration::from_millis(4_999));
        figures.measured(figure, Duration::from_secs(1));
        assert_eq!(figures.to_string(), "delivery after Redis 5.00 s (2 times)");
        assert_eq!(figures.excess(1), Vec::<String>::new());
        let mut others = Figures::default();
        others.measured(figure, Duration::from_secs(5));
        figures.merge(&others);
        assert_eq!(figures.get(figure).count, 3);
        assert_eq!(figures.excess(1).len(), 1);
        assert_eq!(figures.excess(2), Vec::<String>::new());
    }
}
