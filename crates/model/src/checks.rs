//! What a manifest's tables may say: bounds on what each asks for, beyond its types.
//!
//! A manifest comes from the component's author, and what it asks for is spent by the operator: whatever
//! passes here, a node can keep without counting itself to death.

use std::fmt::Display;
use std::ops::RangeInclusive;

use crate::instances::{InstanceModel, Instances};
use crate::limits::Limits;
use crate::manifest::{Fault, HttpSettings};
use crate::rollout::RolloutSettings;
use crate::routing::RoutingSettings;
use crate::unit::{ByteSize, Span};

pub(crate) fn limits(limits: &Limits) -> Result<(), Fault> {
    for (key, size, allowed) in [
        ("memory", limits.memory, Limits::MEMORY_MIN..=Limits::MEMORY_MAX),
        ("output", limits.output, Limits::OUTPUT_MIN..=Limits::BYTES_MAX),
        ("log_rate", limits.log_rate, Limits::LOG_RATE_MIN..=Limits::LOG_RATE_MAX),
        ("transfer", limits.transfer, ByteSize(0)..=Limits::BYTES_MAX),
        ("keyvalue", limits.keyvalue, ByteSize(0)..=Limits::KEYVALUE_MAX),
    ] {
        in_range(key, size, allowed)?;
    }
    for (key, span) in [("time", limits.time), ("cpu", limits.cpu)] {
        if span.0.is_zero() || span.0 > Limits::TIME_MAX {
            let longest = Span(Limits::TIME_MAX);
            let message = format!("`{key}` must be above 0s and at most {longest}");
            return Err(("limits", key.to_owned(), message));
        }
    }
    for (key, count, allowed) in [
        ("concurrency", limits.concurrency, 1..=Limits::CONCURRENCY_MAX),
        ("queue", limits.queue, 0..=Limits::QUEUE_MAX),
        ("files", limits.files, 0..=Limits::FILES_MAX),
        ("sockets", limits.sockets, 0..=Limits::SOCKETS_MAX),
        ("handles", limits.handles, Limits::HANDLES_MIN..=Limits::HANDLES_MAX),
        ("parts", limits.parts, 1..=Limits::PARTS_MAX),
        ("log_lines", limits.log_lines, 0..=Limits::LOG_LINES_MAX),
        ("requests", limits.requests, 0..=Limits::REQUESTS_MAX),
        ("request_rate", limits.request_rate, 0..=Limits::RATE_MAX),
        ("keyvalue_rate", limits.keyvalue_rate, 0..=Limits::RATE_MAX),
        ("actors", limits.actors, 1..=Limits::ACTORS_MAX),
    ] {
        in_range(key, count, allowed)?;
    }
    Ok(())
}

fn in_range<T: PartialOrd + Display>(
    key: &str,
    asked: T,
    allowed: RangeInclusive<T>,
) -> Result<(), Fault> {
    if allowed.contains(&asked) {
        return Ok(());
    }
    let message = format!("`{key}` must be from {} to {}", allowed.start(), allowed.end());
    Err(("limits", key.to_owned(), message))
}

pub(crate) fn instances(instances: &Instances) -> Result<(), Fault> {
    let fault = |key: &str, message: String| Err(("instances", key.to_owned(), message));
    if instances.max == 0 {
        return fault("max", "`max` must be at least 1".into());
    }
    if instances.max > Instances::MAX {
        return fault("max", format!("`max` must be at most {}", Instances::MAX));
    }
    if instances.min > instances.max {
        let message = format!("`min` ({}) is above `max` ({})", instances.min, instances.max);
        return fault("min", message);
    }
    if !(1..=100).contains(&instances.recycle_percent) {
        return fault("recycle_percent", "`recycle_percent` must be from 1 to 100".into());
    }
    if instances.in_flight == 0 {
        return fault("in_flight", "`in_flight` must be at least 1".into());
    }
    if let Some(key) = &instances.key
        && instances.model != InstanceModel::Actor
    {
        let message = format!("`key = \"{key}\"` is for `model = \"actor\"` alone");
        return fault("key", message);
    }
    Ok(())
}

/// One key of an actor lives on one revision, whatever its callers ask for.
pub(crate) fn keyed_routing(instances: &Instances, routing: &RoutingSettings) -> Result<(), Fault> {
    let Some(key) = &instances.key else { return Ok(()) };
    let fault = |key: &str, message: String| Err(("routing", key.to_owned(), message));
    for (asked, name) in [(routing.named, "named"), (routing.preview, "preview")] {
        if asked {
            let message = format!(
                "`{name}` is not for an actor with a key: a call that chooses its revision would leave one \
                 key with two states"
            );
            return fault(name, message);
        }
    }
    match &routing.sticky {
        Some(by) if by != key => {
            let message = format!(
                "the calls of an actor stick to its key, `{key}`, and not to `{by}`: leave `sticky` out"
            );
            fault("sticky", message)
        }
        _ => Ok(()),
    }
}

/// A route is a path prefix of plain segments, so that two routes can be compared and a request's path
/// can be cut at a slash.
pub(crate) fn route(http: &HttpSettings) -> Result<(), Fault> {
    let Some(route) = &http.route else { return Ok(()) };
    if route.len() > HttpSettings::ROUTE_MAX_BYTES {
        let message = format!("`route` has at most {} bytes", HttpSettings::ROUTE_MAX_BYTES);
        return Err(("http", "route".into(), message));
    }
    let segment_is_plain = |segment: &str| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
        !matches!(segment, "" | "." | "..") && segment.bytes().all(plain)
    };
    let plain = route == "/"
        || route.strip_prefix('/').is_some_and(|rest| rest.split('/').all(segment_is_plain));
    if plain {
        return Ok(());
    }
    let message =
        format!("`{route}` is not a route such as /greeter: use `/` and letters, digits, - _ . ~");
    Err(("http", "route".into(), message))
}

pub(crate) fn rollout(rollout: &RolloutSettings) -> Result<(), Fault> {
    rollout.check().map_err(|error| ("rollout", error.key().to_owned(), error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_limit_is_taken_up_to_its_ceiling_and_not_beyond() {
        let day = Duration::from_secs(24 * 60 * 60);
        let ms = Duration::from_millis(1);
        let memory = |bytes| Limits { memory: ByteSize(bytes), ..Limits::DEFAULT };
        let time = |time| Limits { time: Span(time), ..Limits::DEFAULT };
        let cpu = |cpu| Limits { cpu: Span(cpu), ..Limits::DEFAULT };
        let concurrency = |concurrency| Limits { concurrency, ..Limits::DEFAULT };
        let queue = |queue| Limits { queue, ..Limits::DEFAULT };
        let files = |files| Limits { files, ..Limits::DEFAULT };
        let handles = |handles| Limits { handles, ..Limits::DEFAULT };
        let parts = |parts| Limits { parts, ..Limits::DEFAULT };
        let output = |bytes| Limits { output: ByteSize(bytes), ..Limits::DEFAULT };
        let log_lines = |log_lines| Limits { log_lines, ..Limits::DEFAULT };
        let log_rate = |bytes| Limits { log_rate: ByteSize(bytes), ..Limits::DEFAULT };
        let requests = |requests| Limits { requests, ..Limits::DEFAULT };
        let request_rate = |request_rate| Limits { request_rate, ..Limits::DEFAULT };
        let transfer = |bytes| Limits { transfer: ByteSize(bytes), ..Limits::DEFAULT };
        let keyvalue = |bytes| Limits { keyvalue: ByteSize(bytes), ..Limits::DEFAULT };
        let keyvalue_rate = |keyvalue_rate| Limits { keyvalue_rate, ..Limits::DEFAULT };
        let actors = |actors| Limits { actors, ..Limits::DEFAULT };
        let cases = [
            (memory(65_536), memory(65_535)),
            (memory(4 << 30), memory((4 << 30) + 1)),
            (time(ms), time(Duration::ZERO)),
            (time(day), time(day + ms)),
            (cpu(ms), cpu(Duration::ZERO)),
            (cpu(day), cpu(Duration::MAX)),
            (concurrency(1), concurrency(0)),
            (concurrency(100_000), concurrency(100_001)),
            (queue(0), queue(u32::MAX)),
            (queue(1_000_000), queue(1_000_001)),
            (files(1000), files(1001)),
            (handles(16), handles(15)),
            (handles(10_000), handles(10_001)),
            (parts(1), parts(0)),
            (parts(1000), parts(1001)),
            (output(1 << 10), output(1023)),
            (output(1 << 40), output((1 << 40) + 1)),
            (log_lines(0), log_lines(1_000_001)),
            (log_rate(16 << 10), log_rate((16 << 10) - 1)),
            (log_rate(1 << 30), log_rate((1 << 30) + 1)),
            (requests(256), requests(257)),
            (request_rate(1_000_000), request_rate(1_000_001)),
            (transfer(0), transfer((1 << 40) + 1)),
            (keyvalue(16 << 30), keyvalue((16 << 30) + 1)),
            (keyvalue_rate(0), keyvalue_rate(1_000_001)),
            (actors(1), actors(0)),
            (actors(10_000_000), actors(10_000_001)),
        ];
        for (sound, beyond) in cases {
            assert_eq!(limits(&sound), Ok(()), "{sound:?}");
            assert!(limits(&beyond).is_err(), "{beyond:?}");
        }
    }

    #[test]
    fn a_record_from_before_a_limit_has_its_default() {
        let before = r#"{"memory":1048576,"time":5000,"cpu":1000,"concurrency":7,"queue":9}"#;
        let read: Limits = serde_json::from_str(before).unwrap();
        assert_eq!((read.memory, read.concurrency), (ByteSize::mib(1), 7));
        assert_eq!(limits(&read), Ok(()));
        let rest = Limits { memory: read.memory, concurrency: 7, queue: 9, ..Limits::DEFAULT };
        assert_eq!(read, rest);
    }

    #[test]
    fn an_instance_is_recycled_somewhere_up_to_its_limit() {
        let at = |recycle_percent| Instances { recycle_percent, ..Instances::default() };
        assert_eq!(instances(&at(1)), Ok(()));
        assert_eq!(instances(&at(100)), Ok(()));
        for beyond in [0, 101] {
            assert_eq!(instances(&at(beyond)).unwrap_err().1, "recycle_percent");
        }
        let before = r#"{"model":"pooled","min":0,"max":3,"max_calls":0,"in_flight":16}"#;
        let read: Instances = serde_json::from_str(before).unwrap();
        assert_eq!(read.recycle_percent, 75);
    }

    #[test]
    fn a_revision_has_a_bounded_number_of_instances() {
        let max = |max| Instances { max, ..Instances::default() };
        assert_eq!(instances(&max(100_000)), Ok(()));
        assert!(instances(&max(100_001)).is_err());
        assert!(instances(&max(0)).is_err());
    }

    #[test]
    fn a_key_is_for_actors_and_nothing_else_decides_where_their_calls_go() {
        let key: Option<crate::StickyBy> = Some("header:x-user".parse().unwrap());
        let keyed = |model| Instances { model, key: key.clone(), ..Instances::default() };
        let actor = keyed(InstanceModel::Actor);
        assert_eq!(instances(&actor), Ok(()));
        assert_eq!(instances(&keyed(InstanceModel::Pooled)).unwrap_err().1, "key");
        let none = RoutingSettings::default();
        let same = RoutingSettings { sticky: key.clone(), ..none.clone() };
        for sound in [&none, &same] {
            assert_eq!(keyed_routing(&actor, sound), Ok(()));
        }
        let other = Some("cookie:session".parse().unwrap());
        for (routing, at) in [
            (RoutingSettings { named: true, ..none.clone() }, "named"),
            (RoutingSettings { preview: true, ..none.clone() }, "preview"),
            (RoutingSettings { sticky: other, ..none.clone() }, "sticky"),
        ] {
            assert_eq!(keyed_routing(&actor, &routing).unwrap_err().1, at);
            assert_eq!(keyed_routing(&Instances::default(), &routing), Ok(()));
        }
    }

    #[test]
    fn a_route_has_a_bounded_length() {
        let at = |route: String| HttpSettings { route: Some(route), ..HttpSettings::default() };
        assert_eq!(route(&at(format!("/{}", "a".repeat(1_023)))), Ok(()));
        assert!(route(&at(format!("/{}", "a".repeat(1_024)))).is_err());
    }
}
