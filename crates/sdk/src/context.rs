//! What a component may know of the call that it answers.

use std::time::{Duration, Instant};

/// A call's context. By default it is that of a test: no id, no deadline, no caller, first attempt.
#[derive(Debug, Clone)]
pub struct CallContext {
    request_id: String,
    trace_parent: Option<String>,
    deadline: Option<Instant>,
    caller: Option<String>,
    attempt: u32,
}

impl Default for CallContext {
    fn default() -> Self {
        Self {
            request_id: String::new(),
            trace_parent: None,
            deadline: None,
            caller: None,
            attempt: 1,
        }
    }
}

impl CallContext {
    /// The call's id: the same in the caller's answer, in the log and in the audit trail.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The caller's W3C `traceparent`.
    pub fn trace_parent(&self) -> Option<&str> {
        self.trace_parent.as_deref()
    }

    /// What is left of the call's time limit; none where the call has no limit. The host ends the call
    /// when nothing is left, whatever the component does.
    pub fn time_left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// When the call's time is up.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Who calls; none for a caller who has no name.
    pub fn caller(&self) -> Option<&str> {
        self.caller.as_deref()
    }

    /// 1 for the first try, 2 for its first repetition.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The same with this id.
    pub fn with_request_id(self, request_id: impl Into<String>) -> Self {
        Self { request_id: request_id.into(), ..self }
    }

    /// The same with this caller.
    pub fn with_caller(self, caller: impl Into<String>) -> Self {
        Self { caller: Some(caller.into()), ..self }
    }

    /// The same with so much time left from now.
    pub fn with_time_left(self, left: Duration) -> Self {
        Self { deadline: Instant::now().checked_add(left), ..self }
    }

    /// The same as this try.
    pub fn with_attempt(self, attempt: u32) -> Self {
        Self { attempt, ..self }
    }
}

impl From<crate::bindings::airssys::component::types::Context> for CallContext {
    fn from(context: crate::bindings::airssys::component::types::Context) -> Self {
        Self {
            request_id: context.request_id,
            trace_parent: context.trace_parent,
            deadline: context
                .deadline_ns
                .and_then(|left| Instant::now().checked_add(Duration::from_nanos(left))),
            caller: context.caller,
            attempt: context.attempt,
        }
    }
}
