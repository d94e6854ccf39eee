//! What is read, and what is refused in which words.

use super::*;
use crate::RoutingSettings;

fn refused(text: &str) -> String {
    RolloutSettings::parse(text).expect_err(text)
}

#[test]
fn every_field_is_read_from_toml_and_comes_back_from_json() {
    let text = r#"
strategy = "canary"
steps = [
    { scale = 3 },
    { match = [{ header = "x-beta", present = true }] },
    { observe = "10s" },
    5,
    { weight = 20.5 },
    { pause = "5m" },
    { pause = "until-promoted" },
    { mirror = 10 },
    { gate = { url = "http://gate/check", timeout = "5s", on_timeout = "continue" } },
    { hold = "30s" },
]
max_latency_p99 = "250ms"
max_cpu_p99 = "50ms"
max_memory_p99 = "32MiB"
on_inconclusive = "abort"

[[metrics]]
name = "sales"
url = "http://prometheus:9090"
query = "sum(rate(sales[1m]))"
min = 3

[[gates]]
at = "promotion"
manual = true

[experiment]
name = "checkout"
share = 20
match = [{ cookie = "beta", is = "1" }]
sticky = "cookie:session"
success = "header:X-Converted"
horizon = "2h"
on_decision = "keep"

[shadow]
mirror = 5
compare = "exact"
ignore = ["$.time"]
observe = "20s"
max_difference = 0.5
then = "promote"
"#;
    let settings = RolloutSettings::parse(text).unwrap();
    assert_eq!(settings.steps.len(), 10);
    assert_eq!(settings.steps[3], StepSettings::Share(5.0));
    assert_eq!(settings.steps[6], StepAct::Pause(PauseFor::UntilPromoted).into());
    assert_eq!(settings.experiment.success, Success::Header("x-converted".into()));
    let [placed] = settings.gates.as_slice() else { panic!("{:?}", settings.gates) };
    assert_eq!((placed.at, &placed.gate.by), (GateAt::Promotion, &GateBy::Operator));
    assert_eq!(placed.gate.on_timeout, OnTimeout::Abort);
    let json = serde_json::to_string(&settings).unwrap();
    assert_eq!(RolloutSettings::parse(&json).unwrap(), settings, "{json}");
    let nested = text.replace("[[", "[[rollout.").replace("\n[e", "\n[rollout.e");
    let nested = format!("[rollout]{}", nested.replace("\n[s", "\n[rollout.s"));
    assert_eq!(RolloutSettings::parse(&nested).unwrap(), settings);
}

#[test]
fn a_webhook_that_is_given_no_time_has_a_minute() {
    let settings = RolloutSettings::parse("gates = [{ url = \"https://gate\" }]").unwrap();
    assert_eq!(settings.gates[0].gate.timeout, Some(Gate::ANSWER_WITHIN));
    assert_eq!(settings.gates[0].at, GateAt::Promotion);
}

#[test]
fn mistakes_are_told_in_words() {
    for (text, told) in [
        ("steps = [5, 105]", "105 is not a share in per cent"),
        ("steps = [0]", "0 is not a share"),
        ("steps = [5, { weight = 5 }]", "must rise, and 5% follows 5%"),
        ("steps = [50, 5]", "must rise"),
        ("strategy = \"canary\"\nsteps = []", "at least one step"),
        ("steps = [{ observe = \"1s\" }]", "nothing to observe"),
        ("steps = [5, { wieght = 10 }]", "unknown variant `wieght`, expected one of `weight`"),
        ("steps = [{ weight = 5, observe = \"1s\" }]", "give each a table of its own"),
        ("steps = [\"5\"]", "a share in per cent, or a table"),
        ("steps = [{ pause = \"until\" }]", "nor \"until-promoted\""),
        ("steps = [{ hold = \"1s\" }, 5]", "`hold` is the last step"),
        ("steps = [100, { pause = \"1s\" }]", "only `hold` can follow"),
        ("steps = [{ scale = 0 }]", "from 1 to 100000 instances"),
        ("steps = [{ pause = \"31days\" }]", "too long"),
        ("steps = [{ match = [] }]", "a rule needs a condition"),
        ("observe = \"31days\"", "`observe`: "),
        ("max_error_rate = 101", "`max_error_rate`: 101 is not a bound"),
        ("max_latency_p99 = \"0s\"", "`max_latency_p99` must be above 0s"),
        ("max_latency = \"1s\"", "unknown field `max_latency`"),
        ("strategy = \"rainbow\"", "unknown variant `rainbow`"),
        ("gates = [{ url = \"gate/check\" }]", "`gate/check` is no address"),
        ("gates = [{ url = \"http://g\", manual = true }]", "either a `url` or an operator"),
        ("gates = [{ manual = true, timeout = \"0s\" }]", "`timeout` must be above 0s"),
        ("gates = [{ manual = true, at = \"end\" }]", "waits for no operator"),
        ("gates = [{ manual = true, after = \"x\" }]", "unknown field `after`"),
        ("metrics = [{ name = \"a\", url = \"http://p\", query = \"q\" }]", "needs a bound"),
        ("[experiment]\nsuccess = \"sales\"", "`sales` is no success"),
        ("[experiment]\nshare = 0", "`share`: 0 is not a share"),
        ("[shadow]\nignore = [\"time\"]", "`time` is no path"),
        ("[shadow]\nmirror = 100.5", "`mirror`: 100.5 is not a share"),
    ] {
        let error = refused(text);
        assert!(error.contains(told), "{text}: {error}");
    }
    assert!(refused(r#"{"steps": [5, {"weight": 5}]}"#).contains("must rise"));
    let many = format!("steps = {:?}", (1..=101).map(|at| at as f64 / 2.0).collect::<Vec<_>>());
    assert!(refused(&many).contains("at most 100 steps"));
}

#[test]
fn what_the_guide_shows_can_be_written() {
    let guide = include_str!("../../../../docs/guide/rollouts.md");
    let blocks = guide.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let (routing, rollouts): (Vec<_>, Vec<_>) =
        blocks.partition(|block| block.starts_with("[routing]"));
    for block in &rollouts {
        RolloutSettings::parse(block).unwrap_or_else(|error| panic!("{error} in:\n{block}"));
    }
    let routing: toml::Table = toml::from_str(routing[0]).unwrap();
    let routing: RoutingSettings = routing["routing"].clone().try_into().unwrap();
    assert_eq!((routing.sticky.is_some(), rollouts.len()), (true, 4));
}
