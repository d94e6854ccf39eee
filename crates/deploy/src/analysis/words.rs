//! The evidence in sentences.

use super::judge::Evidence;
use super::settings::AnalysisSettings;
use super::tally::{Metric, Tally};

/// Rarer than this is not told apart.
const RAREST: f64 = 1e9;

pub(super) fn worse(evidence: &Evidence, settings: &AnalysisSettings) -> String {
    let Evidence { metric, candidate, active, log10_e, .. } = evidence;
    let (ours, theirs) = (share(*candidate), share(*active));
    let (calls, did) = (number(candidate.calls), did(*metric));
    let of_theirs = format!("of the active revision's {}, {theirs}", number(active.calls));
    let equal = match settings.tolerance(*metric).odds {
        1.0 => "a candidate that is no worse".to_owned(),
        odds => format!("a candidate with up to {odds} times the odds of it"),
    };
    let one_in = number(one_in(*log10_e));
    format!(
        "{ours} of its {calls} calls {did}; {of_theirs}; chance of that from {equal} below 1 in {one_in}"
    )
}

pub(super) fn suspicious(evidence: &Evidence, settings: &AnalysisSettings) -> String {
    format!("not enough to take it back, too much to go on: {}", worse(evidence, settings))
}

pub(super) fn too_few(calls: u64, asked: u64) -> String {
    let (answered, asked) = (number(calls), number(asked));
    let noun = if calls == 1 { "call" } else { "calls" };
    format!("it answered {answered} {noun}; {asked} are asked for")
}

pub(super) fn missing(metric: Metric) -> String {
    format!("{metric} is asked for and was not measured on both sides; see that both get calls")
}

fn did(metric: Metric) -> &'static str {
    match metric {
        Metric::Failures => "failed",
        Metric::Latency => "were slower than the active revision's p99 was before",
        Metric::Cpu => "used more processor time than the active revision's p99 was before",
        Metric::Memory => "used more memory than the active revision's p99 was before",
    }
}

/// `12 (9.2%)`, or `none`.
fn share(tally: Tally) -> String {
    match tally.bad {
        0 => "none".to_owned(),
        bad => format!("{} ({})", number(bad), percent(tally.share())),
    }
}

/// Two significant digits below one per cent, where one place after the point would say nothing.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent >= 1.0 || percent <= 0.0 {
        return format!("{percent:.1}%");
    }
    let places = (1.0 - percent.log10().floor()).clamp(1.0, 9.0) as usize;
    format!("{percent:.places$}%")
}

/// What an e-value is a chance of one in, rounded down to two digits so that it is no overstatement.
fn one_in(log10_e: f64) -> u64 {
    let most = 10_f64.powf(log10_e).clamp(1.0, RAREST);
    let digit = 10_f64.powf((most.log10().floor() - 1.0).max(0.0));
    ((most / digit).floor() * digit) as u64
}

/// With a comma between thousands.
fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::interval::Interval;
    use super::*;

    fn evidence(metric: Metric, active: Tally) -> Evidence {
        let candidate = Tally { calls: 130, bad: 12 };
        let interval = Interval { low: 0.0, high: 0.1 };
        Evidence { metric, candidate, active, difference: 0.09, interval, log10_e: 4.018 }
    }

    #[test]
    fn a_reason_says_what_was_seen_on_both_sides_and_how_sure_it_is() {
        let settings = AnalysisSettings::default();
        let none = evidence(Metric::Failures, Tally { calls: 1_170, bad: 0 });
        insta::assert_snapshot!(worse(&none, &settings), @"12 (9.2%) of its 130 calls failed; of the active revision's 1,170, none; chance of that from a candidate that is no worse below 1 in 10,000");
        let some = evidence(Metric::Latency, Tally { calls: 1_234_567, bad: 3_210 });
        insta::assert_snapshot!(worse(&some, &settings), @"");
    }

    #[test]
    fn a_chance_is_never_overstated() {
        let cases = [(-5.0, 1), (0.0, 1), (2.3021, 200), (4.018, 10_000), (300.0, 1_000_000_000)];
        for (log10_e, expected) in cases {
            assert_eq!(one_in(log10_e), expected);
        }
    }

    #[test]
    fn small_shares_keep_their_digits() {
        assert_eq!(percent(0.0923), "9.2%");
        assert_eq!(percent(0.000_123), "0.012%");
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(number(130), "130");
    }
}
