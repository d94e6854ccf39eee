//! Random numbers of the distributions that calls have, from uniform ones that come in as an argument.

/// Above this mean, a binomial number is drawn as a normal one: each draw would otherwise take as many steps.
const NORMAL_FROM: f64 = 50.0;

/// A source of random numbers.
pub struct Chance<'a>(&'a mut dyn FnMut() -> f64);

impl<'a> Chance<'a> {
    /// From a source of numbers that are uniform in [0, 1).
    pub fn new(uniform: &'a mut dyn FnMut() -> f64) -> Self {
        Self(uniform)
    }

    /// Whether something of this probability happens.
    pub fn happens(&mut self, probability: f64) -> bool {
        (self.0)() < probability
    }

    /// Normal, with mean 0 and deviation 1: Box and Muller's.
    pub fn normal(&mut self) -> f64 {
        let (radius, angle) = (1.0 - (self.0)(), (self.0)());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }

    /// How many of `count` happen.
    pub fn binomial(&mut self, count: u64, probability: f64) -> u64 {
        if probability > 0.5 {
            return count - self.binomial(count, 1.0 - probability);
        }
        let mean = count as f64 * probability;
        if probability <= 0.0 {
            return 0;
        }
        if mean > NORMAL_FROM {
            let drawn = mean + self.normal() * (mean * (1.0 - probability)).sqrt();
            return drawn.round().clamp(0.0, count as f64) as u64;
        }
        // From one that happens to the next.
        let (mut happened, mut at) = (0, 0.0);
        let ln_not = (-probability).ln_1p();
        loop {
            at += 1.0 + ((1.0 - (self.0)()).ln() / ln_not).floor();
            if at > count as f64 {
                return happened;
            }
            happened += 1;
        }
    }

    /// How many happen of what happens so often on average, each independent of the others.
    pub fn poisson(&mut self, mean: f64) -> u64 {
        if mean > NORMAL_FROM {
            return (mean + self.normal() * mean.sqrt()).round().max(0.0) as u64;
        }
        let (end, mut product, mut happened) = ((-mean).exp(), 1.0, 0);
        loop {
            product *= (self.0)();
            if product <= end {
                return happened;
            }
            happened += 1;
        }
    }
}
