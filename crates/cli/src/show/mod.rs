//! Answers as text for people. Programs read the JSON, so the text may change freely.

mod asked;
mod audit;
mod authority;
mod event;
mod evidence;
mod grants;
mod inspection;
mod joint;
mod rollout;
mod service;
mod table;
mod traffic;

pub(crate) use audit::{audit_entry, audit_report, audit_standing};
pub(crate) use authority::{policy, policy_checked, tokens};
pub(crate) use event::event;
pub(crate) use evidence::evidence;
pub(crate) use grants::{grant_suggestion, grants};
pub(crate) use inspection::inspection;
pub(crate) use joint::{joined, joint, joint_plan};
pub(crate) use rollout::{deployed, planned, rollout};
pub(crate) use service::{history, log_line, releases, services, status};
pub(crate) use table::table;
pub(crate) use traffic::{bytes, instances, milliseconds, percent, quantile, traffic};

#[cfg(test)]
pub(crate) mod tests;
