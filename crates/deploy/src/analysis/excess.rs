//! The evidence that more calls are bad than may be: against a bound, whatever other revisions' calls come to.

use super::special::ln_add;
use super::tally::Tally;

/// The alternatives: how many times the allowed share the true one is. The stake is spread evenly over them.
const ALTERNATIVES: [f64; 4] = [2.0, 5.0, 20.0, 50.0];

/// The logarithm of the e-value against a true share of bad calls of at most `allowed`.
///
/// For each alternative the likelihood ratio of all calls, by which one call after the other multiplies it: in
/// expectation at most 1 each, while the chance of a bad call is at most `allowed` whatever came before. The mean
/// over the alternatives is as good, and depends on the two counts alone. So it may be asked for at any time, with
/// any number of calls in between, and *ever* is 1/α with a chance of at most α (Ville's inequality).
///
/// Where nothing is allowed a single bad call is certainty, and where everything is there is no evidence.
pub(crate) fn ln_excess(tally: Tally, allowed: f64) -> f64 {
    let Tally { calls, bad } = tally.sane();
    if allowed <= 0.0 {
        return if bad > 0 { f64::INFINITY } else { 0.0 };
    }
    if allowed >= 1.0 {
        return 0.0;
    }
    let (bad, good) = (bad as f64, (calls - bad) as f64);
    // An alternative that is certain would be refuted by one good call.
    let most = f64::midpoint(1.0, allowed);
    let ratio = |times: f64| {
        let share = (times * allowed).min(most);
        bad * (share / allowed).ln() + good * ((1.0 - share) / (1.0 - allowed)).ln()
    };
    let sum = ALTERNATIVES.into_iter().map(ratio).fold(f64::NEG_INFINITY, ln_add);
    sum - (ALTERNATIVES.len() as f64).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: [f64; 6] = [0.0001, 0.001, 0.01, 0.1, 0.5, 0.99];

    fn excess(calls: u64, bad: u64, allowed: f64) -> f64 {
        ln_excess(Tally { calls, bad }, allowed)
    }

    #[test]
    fn no_call_gains_in_expectation_at_the_bound_nor_below_it() {
        for allowed in ALLOWED {
            for (calls, bad) in [(0, 0), (1, 1), (9, 3), (300, 2), (10_000, 150)] {
                let now = excess(calls, bad, allowed);
                let gain = |more: u64| (excess(calls + 1, bad + more, allowed) - now).exp();
                for share in [allowed, allowed / 2.0, 0.0] {
                    let expected = share * gain(1) + (1.0 - share) * gain(0);
                    assert!(expected <= 1.0 + 1e-9, "{bad} of {calls}, {allowed}: {expected}");
                }
            }
        }
    }

    #[test]
    fn two_bad_calls_of_two_are_worth_seven_hundred_where_one_in_a_hundred_may_be_bad() {
        assert!((excess(2, 2, 0.01).exp() - 732.25).abs() < 0.01);
        assert!((excess(1, 1, 0.01).exp() - 19.25).abs() < 0.01);
    }

    #[test]
    fn where_nothing_may_be_bad_one_bad_call_is_certainty() {
        assert_eq!(excess(1_000, 1, 0.0), f64::INFINITY);
        assert_eq!((excess(1_000, 0, 0.0), excess(9, 9, 1.0)), (0.0, 0.0));
    }

    #[test]
    fn evidence_is_a_number_whatever_is_counted() {
        for allowed in ALLOWED {
            for (calls, bad) in [(0, 0), (u64::MAX, u64::MAX), (u64::MAX, 0), (3, 9)] {
                assert!(excess(calls, bad, allowed).is_finite(), "{bad} of {calls}, {allowed}");
            }
        }
    }
}
