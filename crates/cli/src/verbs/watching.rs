//! What a rollout has come to, while a command waits for its outcome in front of a person.

use std::convert::Infallible;

use airssys_wasm_api::Client;
use airssys_wasm_api::reply::ServiceEvent;
use airssys_wasm_model::Name;

use crate::show;
use crate::ui::Progress;

/// Shows the evidence on the progress line as it grows, until it is dropped: in the words of `status --follow`.
///
/// Nothing is asked where the line is not drawn, and a node without a place for another follower is no reason to
/// fail: the outcome says what it was decided on.
pub(super) async fn show_evidence(
    client: &Client,
    service: Option<Name>,
    progress: &Progress,
) -> Infallible {
    if progress.is_drawn()
        && let Some(service) = service
        && let Ok(mut events) = client.events(&service).await
    {
        while let Ok(Some(event)) = events.next().await {
            draw(&event, progress);
        }
    }
    std::future::pending().await
}

fn draw(event: &ServiceEvent, progress: &Progress) {
    if let ServiceEvent::Evidence { .. } = event {
        progress.doing(show::event(event).trim());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn evidence_is_shown_on_one_line_and_nothing_else_is() {
        let progress = Progress::hidden();
        let show_all = |events: &[serde_json::Value]| {
            for event in events {
                draw(&serde_json::from_value(event.clone()).unwrap(), &progress);
            }
            progress.message()
        };
        let evidence = |calls: u64| {
            json!({
                "event": "evidence", "rollout": 2, "number": 4,
                "calls": calls, "errors": 1, "elapsed": 2000, "pending": "2s of 10s watched",
            })
        };
        let shown = show_all(&[evidence(3), evidence(40), json!({ "event": "removed" })]);
        insta::assert_snapshot!(shown, @"4. 40 calls, 1 failed; decision pending: 2s of 10s watched");
    }
}
