//! Who is asked outside of the node while a rollout is under way: gates, and a Prometheus server for metrics.
//!
//! Every address is its operator's: what a manifest alone names is refused before a rollout begins
//! (`deploying`). An answer is bounded in time and size, and what is said in it is nothing but words and a number.

mod exchange;

use std::time::Duration;

use airssys_wasm_deploy::{Answer, Fault, Rollout, ServiceRecord};
use airssys_wasm_host::Authorities;
use airssys_wasm_model::{Endpoint, MetricSettings, RevisionNumber};
use bytes::Bytes;
use http::{Method, StatusCode, Uri};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, json};

use self::exchange::{Client, Question, Said};
use crate::reports;

/// What a node asks outside. One for the whole node.
pub(crate) struct Outside {
    client: Client,
}

/// How long a gate may take for one answer. One that runs a test for longer answers 503 meanwhile and is asked
/// again. The gate's own `timeout` is shorter in most cases and ends the question sooner.
const GATE_WITHIN: Duration = Duration::from_secs(300);

/// How long a metric may take: a query over a day of samples takes a second.
const METRIC_WITHIN: Duration = Duration::from_secs(10);

/// What is read of a gate's answer. It is a reason for people, of which [`REASON_BYTES_MAX`] are kept.
const GATE_ANSWER_BYTES_MAX: usize = 4 << 10;

/// What of a gate's reason is kept: it is in the record of its rollout and in its history.
const REASON_BYTES_MAX: usize = 512;

/// The largest answer to a query. One number has a few hundred bytes, its labels included.
const METRIC_ANSWER_BYTES_MAX: usize = 256 << 10;

impl Outside {
    /// One that believes servers over HTTPS by these.
    pub(crate) fn trusting(authorities: Authorities) -> Self {
        Self { client: Client::trusting(authorities) }
    }

    /// Asks a gate once about the rollout that a record has. A question may come twice, with the same rollout
    /// and step.
    pub(crate) async fn ask(
        &self,
        gate: &Endpoint,
        record: &ServiceRecord,
    ) -> Result<Answer, Fault> {
        let rollout = rollout_of(record)?;
        let body = about(record, rollout).to_string().into();
        let question = Question {
            method: Method::POST,
            uri: uri(gate.as_str())?,
            body,
            within: GATE_WITHIN,
            most: GATE_ANSWER_BYTES_MAX,
        };
        let Said { status, body, .. } = self.client.ask(question).await?;
        if status.is_success() {
            Ok(Answer::Passed)
        } else if status.is_client_error() {
            Ok(Answer::Refused { reason: reason(status, &body) })
        } else if status.is_redirection() {
            Err(Fault::new(format!("it answered {status}, and it is not followed elsewhere")))
        } else {
            Err(Fault::new(format!("it answered {}", reason(status, &body))))
        }
    }

    /// Asks for a metric once, of the rollout that a record has.
    pub(crate) async fn measure(
        &self,
        metric: &MetricSettings,
        record: &ServiceRecord,
    ) -> Result<f64, Fault> {
        let rollout = rollout_of(record)?;
        let question = Question {
            method: Method::GET,
            uri: query_uri(&metric.url, &filled(&metric.query, record, rollout))?,
            body: Bytes::new(),
            within: METRIC_WITHIN,
            most: METRIC_ANSWER_BYTES_MAX,
        };
        value(&self.client.ask(question).await?)
    }
}

fn rollout_of(record: &ServiceRecord) -> Result<&Rollout, Fault> {
    record.rollout.as_ref().ok_or_else(|| Fault::new("no rollout is under way"))
}

fn uri(text: &str) -> Result<Uri, Fault> {
    text.parse().map_err(|error| Fault::new(format!("{text} is no address: {error}")))
}

/// What a gate is told: which rollout of which service, and what happens next if it passes.
fn about(record: &ServiceRecord, rollout: &Rollout) -> Value {
    let point = |number: RevisionNumber| reports::point(record, number);
    let at = rollout.running_step();
    let next = at.and_then(|at| rollout.steps.get(at + 1)).map(|step| step.step.to_string());
    json!({
        "service": record.name,
        "rollout": rollout.number,
        "strategy": rollout.strategy.to_string(),
        "from": rollout.from.and_then(point),
        "to": point(rollout.to),
        "step": { "number": at.map(|at| at + 1), "of": rollout.steps.len(), "next": next },
    })
}

/// What the gate says, or else its status.
fn reason(status: StatusCode, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    match text.trim() {
        "" => status.to_string(),
        text => text[..text.floor_char_boundary(REASON_BYTES_MAX)].to_owned(),
    }
}

fn filled(query: &str, record: &ServiceRecord, rollout: &Rollout) -> String {
    let number = |number: RevisionNumber| number.0.to_string();
    query
        .replace("{service}", record.name.as_str())
        .replace("{revision}", &number(rollout.to))
        .replace("{active}", &rollout.from.map_or_else(String::new, number))
}

/// Prometheus' instant query, below the path that the server's address has.
fn query_uri(server: &Endpoint, query: &str) -> Result<Uri, Fault> {
    let (base, also) = match server.as_str().split_once('?') {
        Some((base, also)) => (base, format!("{also}&")),
        None => (server.as_str(), String::new()),
    };
    let query = utf8_percent_encode(query, NON_ALPHANUMERIC);
    uri(&format!("{}/api/v1/query?{also}query={query}", base.trim_end_matches('/')))
}

/// An answer of Prometheus' HTTP API, which says what is wrong in the same form.
#[derive(Deserialize)]
struct Response {
    #[serde(default)]
    data: Option<Data>,
    #[serde(default)]
    error: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: Value,
}

#[derive(Deserialize)]
struct Series {
    value: Point,
}

/// A time and a value. The value is text, because JSON has no infinity.
#[derive(Deserialize)]
struct Point(#[expect(dead_code, reason = "when is of no interest")] f64, String);

fn value(said: &Said) -> Result<f64, Fault> {
    if said.cut {
        return Err(Fault::new(format!(
            "its answer has more than {METRIC_ANSWER_BYTES_MAX} bytes"
        )));
    }
    let foreign =
        |_| Fault::new(format!("it answered {}, and not as Prometheus does", said.status));
    let Response { data, error } = serde_json::from_slice(&said.body).map_err(foreign)?;
    if let Some(error) = error {
        return Err(Fault::new(format!("the server says: {error}")));
    }
    let Some(Data { result_type, result }) = data else {
        return Err(Fault::new(format!("it answered {} without data", said.status)));
    };
    let Point(_, value) = match result_type.as_str() {
        "vector" => only(serde_json::from_value(result).map_err(foreign)?)?,
        "scalar" => serde_json::from_value(result).map_err(foreign)?,
        other => {
            return Err(Fault::new(format!(
                "the query found a {other}, and one number is asked for"
            )));
        }
    };
    value.parse().map_err(|_| Fault::new(format!("`{value}` is no number")))
}

fn only(mut series: Vec<Series>) -> Result<Point, Fault> {
    match (series.pop(), series.len() + 1) {
        (Some(only), 1) => Ok(only.value),
        (Some(_), count) => {
            Err(Fault::new(format!("the query found {count} series, and one is asked for")))
        }
        (None, _) => Err(Fault::new("the query found nothing")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<f64, String> {
        let said = Said { status: StatusCode::OK, body: body.to_owned().into(), cut: false };
        value(&said).map_err(|fault| fault.as_str().to_owned())
    }

    fn found(kind: &str, result: &str) -> Result<f64, String> {
        read(&format!(
            r#"{{"status":"success","data":{{"resultType":"{kind}","result":{result}}}}}"#
        ))
    }

    #[test]
    fn one_number_is_a_value_and_all_else_is_a_fault() {
        let series = r#"{"metric":{"a":"b"},"value":[1435781451.781,"0.25"]}"#;
        assert_eq!(found("vector", &format!("[{series}]")), Ok(0.25));
        assert_eq!(found("scalar", r#"[1435781451,"3"]"#), Ok(3.0));
        assert_eq!(found("scalar", r#"[1,"+Inf"]"#), Ok(f64::INFINITY));
        assert!(found("scalar", r#"[1,"NaN"]"#).unwrap().is_nan());
        for (kind, result, words) in [
            ("vector", "[]", "found nothing"),
            ("vector", &format!("[{series},{series}]"), "found 2 series"),
            ("matrix", "[]", "a matrix"),
            ("string", r#"[1,"x"]"#, "a string"),
            ("scalar", r#"[1,"x"]"#, "no number"),
            ("scalar", "[]", "not as Prometheus does"),
        ] {
            let fault = found(kind, result).unwrap_err();
            assert!(fault.contains(words), "{kind} {result}: {fault}");
        }
        let wrong = read(r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#);
        assert_eq!(wrong, Err("the server says: parse error".to_owned()));
        assert!(read("<html>").unwrap_err().contains("200 OK"));
    }

    #[test]
    fn a_query_goes_below_the_servers_own_path() {
        let uri =
            |server: &str| query_uri(&server.parse().unwrap(), "a{b=\"1\"}").unwrap().to_string();
        let query = "query=a%7Bb%3D%221%22%7D";
        assert_eq!(uri("http://p:9090"), format!("http://p:9090/api/v1/query?{query}"));
        assert_eq!(uri("http://p/prom/"), format!("http://p/prom/api/v1/query?{query}"));
        assert_eq!(uri("http://p?tenant=x"), format!("http://p/api/v1/query?tenant=x&{query}"));
    }

    #[test]
    fn a_reason_is_the_answers_text_cut_or_its_status() {
        let forbidden = StatusCode::FORBIDDEN;
        assert_eq!(reason(forbidden, b" \n"), "403 Forbidden");
        assert_eq!(reason(forbidden, b"not on a Friday\n"), "not on a Friday");
        assert!(reason(forbidden, "€".repeat(1000).as_bytes()).len() <= REASON_BYTES_MAX);
    }
}
