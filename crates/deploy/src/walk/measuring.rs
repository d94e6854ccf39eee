//! Metrics that somebody else keeps, asked for while a candidate is watched.

use std::time::Duration;

use airssys_wasm_model::MetricSettings;
use tokio::time::Instant;

use crate::evidence::Reading;
use crate::fleet::Fleet;

/// How long a metric may take to answer. A window ends later by that much at most.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Asks for each metric at its pace until the window is over, and once more then. Returns early with the
/// reason when one is out of its bounds. `readings` has a place for each.
pub(super) async fn measure<F: Fleet>(
    fleet: &F,
    metrics: &[MetricSettings],
    deadline: Instant,
    readings: &std::sync::Mutex<Vec<Reading>>,
) -> Option<String> {
    let mut due = vec![Instant::now(); metrics.len()];
    loop {
        let last = Instant::now() >= deadline;
        for (at, metric) in metrics.iter().enumerate() {
            if !last && due[at] > Instant::now() {
                continue;
            }
            due[at] = Instant::now() + metric.every.0;
            let reading = read(fleet, metric).await;
            let refused = reading.value.and_then(|value| metric.refuses(value));
            // Nothing panics while it is held.
            if let Ok(mut readings) = readings.lock() {
                readings[at] = reading;
            }
            if refused.is_some() {
                return refused;
            }
        }
        if last {
            return None;
        }
        let next = due.iter().copied().min().unwrap_or(deadline);
        tokio::time::sleep_until(next.min(deadline)).await;
    }
}

/// Why the last readings say nothing, if one of them has no value.
pub(super) fn missing(readings: &[Reading]) -> Option<String> {
    let missing = readings.iter().find(|reading| reading.value.is_none())?;
    let why = missing.fault.as_deref().unwrap_or("it was not asked for");
    Some(format!("the metric `{}` is missing: {why}", missing.name))
}

pub(super) fn unread(metrics: &[MetricSettings]) -> Vec<Reading> {
    let unread =
        |metric: &MetricSettings| Reading { name: metric.name.clone(), value: None, fault: None };
    metrics.iter().map(unread).collect()
}

async fn read<F: Fleet>(fleet: &F, metric: &MetricSettings) -> Reading {
    let name = metric.name.clone();
    let (value, fault) = match tokio::time::timeout(ANSWER_WITHIN, fleet.measure(metric)).await {
        // Not a number is no measure, and no bound would ever refuse it.
        Ok(Ok(value)) if value.is_nan() => (None, Some("its value is no number".to_owned())),
        Ok(Ok(value)) => (Some(value), None),
        Ok(Err(fault)) => (None, Some(fault.as_str().to_owned())),
        Err(_) => (None, Some("it did not answer in time".to_owned())),
    };
    Reading { name, value, fault }
}
