//! The logarithm of the gamma function, which both the test and the intervals stand on.

/// Above this, three terms of Stirling's series are exact to the last digit of an `f64`.
const STIRLING_FROM: f64 = 16.0;

/// ln Γ(z) for z > 0: shifted up by Γ(z+1) = zΓ(z), then Stirling's series (Abramowitz & Stegun 6.1.40).
pub(super) fn ln_gamma(mut z: f64) -> f64 {
    let mut shift = 1.0;
    while z < STIRLING_FROM {
        shift *= z;
        z += 1.0;
    }
    let square = z * z;
    let series = (1.0 / 12.0
        - (1.0 / 360.0 - (1.0 / 1260.0 - 1.0 / (1680.0 * square)) / square) / square)
        / z;
    (z - 0.5) * z.ln() - z + 0.5 * std::f64::consts::TAU.ln() + series - shift.ln()
}

/// The logarithm of the number of ways to choose `some` of `all`.
pub(super) fn ln_choose(all: u64, some: u64) -> f64 {
    let ln_factorial = |n: u64| ln_gamma(n as f64 + 1.0);
    ln_factorial(all) - ln_factorial(some) - ln_factorial(all - some)
}

/// ln(eᵃ + eᵇ) without overflow.
pub(super) fn ln_add(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ln_gamma_is_that_of_the_factorials_and_of_a_half() {
        let mut factorial = 1.0_f64;
        for n in 1..=25_u32 {
            factorial *= f64::from(n);
            let error = ln_gamma(f64::from(n) + 1.0) - factorial.ln();
            assert!(error.abs() < 1e-12, "{n}: off by {error}");
        }
        assert!((ln_gamma(0.5) - std::f64::consts::PI.sqrt().ln()).abs() < 1e-13);
        assert!((ln_choose(1_000, 3) - 166_167_000_f64.ln()).abs() < 1e-9);
    }

    #[test]
    fn sums_of_very_different_sizes_neither_overflow_nor_vanish() {
        assert_eq!(ln_add(f64::NEG_INFINITY, 3.0), 3.0);
        assert_eq!(ln_add(1e5, -1e5), 1e5);
        assert!((ln_add(-2e4, -2e4) - (2f64.ln() - 2e4)).abs() < 1e-9);
    }
}
