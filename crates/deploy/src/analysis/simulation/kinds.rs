//! The rollouts that the promises are held against, by name.

use super::latency::Drift;
use super::rollout::Traffic;

const CALM: Traffic = Traffic::CALM;

/// Both sides rise and fall together by a third, within seconds.
const TOGETHER: Drift = Drift { deviation: 0.3, seconds: 2.0 };

/// Each side alone drifts by this much, within seconds.
const fn alone(deviation: f64, seconds: f64) -> Drift {
    Drift { deviation, seconds }
}

const DRIFTING: Traffic = Traffic { shared: TOGETHER, own: alone(0.1, 1.0), ..CALM };

/// As many fail of both sides, and of the candidate's may.
const fn failing(percent: f64, may: f64) -> Traffic {
    Traffic { failing: [percent / 100.0; 2], max_error_rate: may, ..CALM }
}

/// Equal candidates, of which at most one in a hundred may be taken back.
pub const EQUAL: [(&str, Traffic); 17] = [
    ("no call fails, 1 % may", failing(0.0, 1.0)),
    ("0.1 % of the calls fail, 1 % may", failing(0.1, 1.0)),
    ("0.5 % of the calls fail, 1 % may", failing(0.5, 1.0)),
    ("1 % of the calls fail, 3 % may", failing(1.0, 3.0)),
    ("10 % of the calls fail, 20 % may", failing(10.0, 20.0)),
    ("half of the calls fail, all may", failing(50.0, 100.0)),
    (
        "10 % fail, 30 % may, 1 % of the calls are the candidate's",
        Traffic { shares: &[0.01], seconds: 30.0, ..failing(10.0, 30.0) },
    ),
    (
        "10 % fail, 30 % may, 20 calls a second",
        Traffic { calls_per_second: 20.0, ..failing(10.0, 30.0) },
    ),
    (
        "0.1 % fail, 1 % may, 20 calls a second",
        Traffic { calls_per_second: 20.0, ..failing(0.1, 1.0) },
    ),
    (
        "0.5 % fail, 1 % may, 100 calls a second",
        Traffic { calls_per_second: 100.0, ..failing(0.5, 1.0) },
    ),
    (
        "1 % fail, 3 % may, 10,000 calls a second",
        Traffic { calls_per_second: 10_000.0, ..failing(1.0, 3.0) },
    ),
    ("1 % fail, 3 % may, steps of a second", Traffic { seconds: 1.0, ..failing(1.0, 3.0) }),
    (
        "latency drifts for both together by half",
        Traffic { shared: Drift { deviation: 0.5, seconds: 2.0 }, ..CALM },
    ),
    ("latency drifts for both, and for each alone by a tenth", DRIFTING),
    (
        "latency drifts for both, and for each alone by a fifth",
        Traffic { own: alone(0.2, 2.0), ..DRIFTING },
    ),
    (
        "a candidate that is cold, 3 times as slow, warm within seconds",
        Traffic { cold: (3.0, 2.0), ..CALM },
    ),
    (
        "all of it: 1 % fail, 3 % may, a tenth alone, cold",
        Traffic { failing: [0.01; 2], max_error_rate: 3.0, cold: (2.0, 2.0), ..DRIFTING },
    ),
];

/// Equal candidates past what the latency test stands: one side alone is slower for as long as half a step.
pub const PAST_IT: [(&str, Traffic); 2] = [
    (
        "latency drifts for each alone by a fifth, for 5 s",
        Traffic { own: alone(0.2, 5.0), ..DRIFTING },
    ),
    (
        "latency drifts for each alone by a third, for 2 s",
        Traffic { own: alone(0.3, 2.0), ..DRIFTING },
    ),
];

/// The promise: 5 % fail at 10 % of a thousand calls a second, against none.
pub const FIVE_PERCENT: Traffic = Traffic { failing: [0.0, 0.05], shares: &[0.1], ..CALM };

/// The same, watched for one second.
pub const FIVE_PERCENT_BRIEFLY: Traffic = Traffic { seconds: 1.0, ..FIVE_PERCENT };

/// Other candidates that are worse, to say after how many calls they are found.
pub const WORSE: [(&str, Traffic); 8] = [
    ("all calls fail, at 10 %", Traffic { failing: [0.0, 1.0], ..FIVE_PERCENT }),
    ("5 % fail, at 1 %, 30 s", Traffic { shares: &[0.01], seconds: 30.0, ..FIVE_PERCENT }),
    ("5 % fail, at 50 %", Traffic { shares: &[0.5], ..FIVE_PERCENT }),
    ("5 % fail against 1 %, at 10 %", Traffic { failing: [0.01, 0.05], ..FIVE_PERCENT }),
    (TWICE_AS_SLOW.0, TWICE_AS_SLOW.1),
    (
        "twice as slow while latency drifts, at 10 %",
        Traffic { slower: 2.0, shares: &[0.1], ..DRIFTING },
    ),
    ("half as slow again, 5, 25, 50 %", Traffic { slower: 1.5, ..CALM }),
    (BARELY_WORSE.0, BARELY_WORSE.1),
];

/// Twice as slow and costly.
pub const TWICE_AS_SLOW: (&str, Traffic) =
    ("twice as slow, at 10 %", Traffic { slower: 2.0, shares: &[0.1], ..CALM });

/// Half as many failures again.
pub const BARELY_WORSE: (&str, Traffic) = (
    "1.5 % fail against 1 %, steps of a minute",
    Traffic { failing: [0.01, 0.015], seconds: 60.0, ..CALM },
);
