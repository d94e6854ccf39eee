//! What `update`, `rollback` and steering a rollout share: the flags that say how to roll, and waiting
//! for the outcome with each step shown.

use airssys_wasm_api::command::RolloutChoice;
use airssys_wasm_api::reply::{JointReport, Outcome, RolloutReport, StepState};
use airssys_wasm_api::{Client, Code, Command, Event, Failure, Reply};
use airssys_wasm_model::{Match, Name, RolloutSettings, Span, StickyBy, StrategyName, Success};

use super::watching::show_evidence;
use crate::exit::Exit;
use crate::files::read_text;
use crate::interrupt::Interrupt;
use crate::show;
use crate::ui::{Progress, Ui};

/// How to roll out.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Rolling out")]
pub(crate) struct RollFlags {
    /// all-at-once, blue-green, canary, ab or shadow.
    #[arg(long, value_name = "STRATEGY")]
    strategy: Option<StrategyName>,

    /// Canary: the shares to go through, in per cent.
    #[arg(long, value_name = "5,25,50", value_delimiter = ',')]
    steps: Option<Vec<f64>>,

    /// Canary: how long each share is watched.
    #[arg(long, value_name = "10s")]
    observe: Option<Span>,

    /// Blue-green: how long the replaced revision is kept warm.
    #[arg(long, value_name = "30s")]
    hold: Option<Span>,

    /// A file that says how, TOML or JSON, with the fields of a manifest's [rollout]. An update whose
    /// gates or metrics have addresses that the manifest alone names is refused: this names them.
    #[arg(long, value_name = "FILE", value_parser = rollout_file)]
    rollout: Option<RolloutSettings>,

    /// The most that the candidate's 99th percentile of latency may be.
    #[arg(long, value_name = "250ms")]
    max_latency_p99: Option<Span>,

    /// Canary and A/B: whether to compare the candidate with the active revision.
    #[arg(long, value_name = "true|false")]
    analysis: Option<bool>,

    /// A/B: which calls take part. Canary: which go to the candidate, whatever its share of the others.
    #[arg(long = "match", value_name = "header:x-beta=1 & path^=/v2/")]
    only: Option<Match>,

    /// A/B: what a caller keeps its variant by: header:NAME, cookie:NAME, address or key.
    #[arg(long, value_name = "cookie:session")]
    sticky: Option<StickyBy>,

    /// A/B: which calls are a success: status, header:NAME or event:NAME.
    #[arg(long, value_name = "WHICH")]
    success: Option<Success>,

    /// A/B: after which the experiment ends undecided.
    #[arg(long, value_name = "24h")]
    horizon: Option<Span>,

    /// Shadow: the share of the calls that is copied, in per cent.
    #[arg(long, value_name = "PERCENT")]
    mirror: Option<f64>,

    /// The share of the candidate's calls that may fail, in per cent.
    #[arg(long, value_name = "PERCENT")]
    max_error_rate: Option<f64>,

    /// Canary: calls that the candidate must have answered before it is promoted.
    #[arg(long, value_name = "COUNT")]
    min_calls: Option<u64>,
}

impl RollFlags {
    /// As the command says it.
    pub(crate) fn choice(self) -> RolloutChoice {
        RolloutChoice {
            strategy: self.strategy,
            steps: self.steps.map(|steps| steps.into_iter().map(Into::into).collect()),
            observe: self.observe,
            hold: self.hold,
            settings: self.rollout.map(Box::new),
            max_latency_p99: self.max_latency_p99,
            analysis: self.analysis,
            only: self.only,
            sticky: self.sticky,
            success: self.success,
            horizon: self.horizon,
            mirror: self.mirror,
            max_error_rate: self.max_error_rate,
            min_calls: self.min_calls,
        }
    }
}

fn rollout_file(path: &str) -> Result<RolloutSettings, String> {
    let text = read_text(path.as_ref()).map_err(|failure| failure.message)?;
    RolloutSettings::parse(&text)
}

/// Exit code of a process that was interrupted, as shells count it: 128 and the signal's number.
pub(crate) const INTERRUPTED: u8 = 130;

/// Carries a long command out with what happens shown, until Ctrl-C.
pub(crate) async fn act_shown(client: &Client, command: Command, ui: &Ui) -> anyhow::Result<Reply> {
    let interrupt = Interrupt::listen();
    let name = command.service().map_or("NAME".to_owned(), ToString::to_string);
    tokio::select! {
        reply = act_followed(client, command, ui) => Ok(reply?),
        () = interrupt.pressed() => {
            ui.say(&format!(
                "the node goes on without you: see `airssys-wasm status {name}`, end a rollout with abort"
            ));
            Err(Exit(INTERRUPTED).into())
        }
    }
}

/// The same for who listens for Ctrl-C already.
pub(crate) async fn act_followed(
    client: &Client,
    command: Command,
    ui: &Ui,
) -> Result<Reply, Failure> {
    let progress = ui.progress(command.name());
    let service = command.service().cloned();
    tokio::select! {
        reply = client.act_watched(command, |event| show_event(&progress, event)) => reply,
        never = show_evidence(client, service, &progress) => match never {},
    }
}

fn show_event(progress: &Progress, event: Event) {
    match event {
        Event::Phase { phase } => progress.phase(&phase),
        Event::Plan { service, plan } => {
            progress.line(&format!("{}plan: {}", whose(service.as_ref()), plan.join(", ")));
        }
        Event::Step { service, step } => match step.state {
            StepState::Pending => {}
            StepState::Running => {
                progress.doing(&format!("{}{}", whose(service.as_ref()), step.step));
            }
            state => {
                progress.line(&format!("  {}{state:<8} {}", whose(service.as_ref()), step.step))
            }
        },
    }
}

/// Which of several services something is about.
fn whose(service: Option<&Name>) -> String {
    service.map_or(String::new(), |service| format!("{service}: "))
}

/// Prints the plans of several services, or how their update stands; exits as for one.
pub(crate) fn answer_joint(reply: Reply, ui: &Ui) -> anyhow::Result<()> {
    let report: JointReport = match reply {
        Reply::JointPlan(plan) => return ui.answer(&plan, show::joint_plan),
        reply => reply.try_into()?,
    };
    ui.answer(&report, show::joint)?;
    let first = report.services.first().map_or("NAME", |report| report.service.as_str());
    match report.outcome {
        None => {
            ui.say(&format!("it goes on: follow it with `airssys-wasm status {first}`"));
            Ok(())
        }
        Some(Outcome::Promoted | Outcome::Concluded) => Ok(()),
        Some(Outcome::Aborted) => Err(Exit(Code::RolledBack.exit_code()).into()),
        Some(Outcome::Paused | Outcome::Inconclusive) => {
            let rests = |it: &&RolloutReport| it.outcome.is_some_and(|it| it != Outcome::Promoted);
            let service =
                report.services.iter().find(rests).map_or(first, |it| it.service.as_str());
            ui.say(&format!(
                "`{service}` rests, and the others wait for it: go on with `airssys-wasm resume {service}`, or end all with abort"
            ));
            Err(Exit(Code::Failed.exit_code()).into())
        }
    }
}

/// Prints a plan, or a rollout and how it ended.
///
/// Exits with 6 where the candidate was taken back, and with 1 where the rollout rests undecided: a
/// script that asked for an update must not go on as if it had one.
pub(crate) fn answer_rollout(reply: Reply, ui: &Ui) -> anyhow::Result<()> {
    let report: RolloutReport = match reply {
        Reply::Planned(planned) => return ui.answer(&planned, show::planned),
        reply => reply.try_into()?,
    };
    ui.answer(&report, show::rollout)?;
    match report.outcome {
        None => {
            ui.say(&format!("it goes on: follow it with `airssys-wasm status {}`", report.service));
            Ok(())
        }
        Some(Outcome::Promoted | Outcome::Concluded) => Ok(()),
        Some(Outcome::Aborted) => Err(Exit(Code::RolledBack.exit_code()).into()),
        Some(Outcome::Paused | Outcome::Inconclusive) => {
            let service = &report.service;
            ui.say(&format!(
                "the rollout rests: go on with `airssys-wasm resume {service}`, or end it with promote or abort"
            ));
            Err(Exit(Code::Failed.exit_code()).into())
        }
    }
}
