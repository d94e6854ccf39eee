//! The decision itself: what each access of a guest costs beside the access, and what a command costs an operator.

use std::hint::black_box;
use std::time::{Duration, Instant, UNIX_EPOCH};

use airssys_wasm_model::{
    Access, Asked, DataAccess, FileAccess, FilesAsk, Grant, Grants, Protocol, Rights,
};
use airssys_wasm_policy::{Act, Enforcement, Policy, Principal, Request, Service, Subject};
use anyhow::{Result, ensure};

use crate::report::{Bound, Report, spread};

/// Each has so many rounds.
pub(super) const ROUNDS: usize = 9;

/// A round is the median of so many turns.
pub(super) const TURNS: usize = 51;

/// Decisions of a turn.
pub(super) const TIMES: u32 = 1_000;

/// The same of a policy, which is a thousand times slower.
const POLICY_TIMES: u32 = 4;

/// The promises, in nanoseconds at the median.
const KEY_NS: f64 = 50.0;
const PATH_NS: f64 = 500.0;
const ADDRESS_NS: f64 = 1_300.0;

/// Grants of which each kind is decided by.
const GRANTS: usize = 64;

pub(super) fn measure(report: &mut Report) -> Result<()> {
    let keys = all(|at| format!("keyvalue:bucket-{at}:read"))?;
    row(report, "a key-value bucket among 64", KEY_NS, || {
        black_box(keys.keyvalue.check(black_box("bucket-63"), DataAccess::Read)).is_allowed()
    })?;

    let directories = all(|at| format!("files:/srv/{at}=/data/{at}:read"))?;
    row(report, "a path among 64 directories", PATH_NS, || {
        let path = black_box("/data/63/words/en/deep/list.txt");
        black_box(directories.directories.check(path, FileAccess::READ)).is_allowed()
    })?;

    let globs = globs()?;
    if let Some(directory) = globs.directories.iter().next() {
        row(report, "a path under 64 globs", PATH_NS, || {
            let path = black_box("words/kind-32/list.txt");
            black_box(directory.check(path, FileAccess::READ)).is_allowed()
        })?;
    }

    let blocks = all(|at| format!("net:10.{at}.0.0/16:5432"))?;
    let address = "10.63.1.2:5432".parse()?;
    row(report, "a network address among 64 blocks", ADDRESS_NS, || {
        black_box(blocks.net.check(Protocol::Tcp, black_box(address), None)).is_allowed()
    })?;

    let names = all(|at| format!("net:*.host-{at}.example.com:443"))?;
    let address = "93.184.216.34:443".parse()?;
    row(report, "a network address under 64 patterns of names", ADDRESS_NS, || {
        let name = black_box(Some("api.host-63.example.com"));
        black_box(names.net.check(Protocol::Tcp, address, name)).is_allowed()
    })?;
    policy(report)
}

fn all(grant: impl Fn(usize) -> String) -> Result<Rights> {
    let grants: Result<Vec<Grant>, _> = (0..GRANTS).map(|at| grant(at).parse()).collect();
    Ok(Rights::intersect(&Asked::unstated(), &Grants(grants?))?)
}

fn globs() -> Result<Rights> {
    let ask = |at: usize| FilesAsk {
        path: format!("/data/**/kind-{at}/*.txt"),
        access: vec![Access::Read],
        reason: String::new(),
    };
    let asked = Asked { files: (0..GRANTS).map(ask).collect(), ..Asked::default() };
    Ok(Rights::intersect(&asked, &Grants(vec!["files:/srv=/data:read".parse()?]))?)
}

/// A command's decision: the default policy and as many rules of one's own as make 64. Nobody waits for one on the path
/// of a call, so nothing is promised.
fn policy(report: &mut Report) -> Result<()> {
    let own = (0..60).map(|n| {
        format!(
            r#"@id("own-{n}")
            permit (principal in Role::"team-{n}", action in [Action::"grant", Action::"scale"], resource)
            when {{ resource.name like "team-{n}-*" && context.now > datetime("2026-01-01") }};"#
        )
    });
    let text: Vec<_> = [Policy::default_text().to_owned()].into_iter().chain(own).collect();
    let policy = Policy::parse(&text.join("\n"))?;
    ensure!(policy.rule_names().count() == 64, "the policy has not 64 rules");
    let shop = Service { name: "shop".parse()?, signers: Vec::new() };
    let principal = Principal::token("t".parse()?, ["admin".parse()?]);
    let now = UNIX_EPOCH + Duration::from_secs(1_769_860_800);
    let request = Request::new(principal, Act::Scale, Subject::Service(shop), now)?;
    let decided = || policy.decide(black_box(&request), Enforcement::Enforce);
    report.row(
        "a command's decision by 64 rules",
        "ns",
        rounds(POLICY_TIMES, || {
            black_box(decided());
        }),
    );
    Ok(())
}

fn row(report: &mut Report, what: &str, bound: f64, decide: impl Fn() -> bool) -> Result<()> {
    ensure!(decide(), "{what} is denied, and so measures something else");
    let took = rounds(TIMES, || {
        black_box(decide());
    });
    report.promise(format!("a decision: {what}"), "ns", took, Bound::AtMost(bound));
    Ok(())
}

/// Nanoseconds of one: of each round the median of [`TURNS`], each of so many.
fn rounds(times: u32, decide: impl Fn()) -> Vec<f64> {
    let turn = || {
        let start = Instant::now();
        (0..times).for_each(|_| decide());
        start.elapsed().as_secs_f64() * 1e9 / f64::from(times)
    };
    let round = || spread(&(0..TURNS).map(|_| turn()).collect::<Vec<_>>()).1;
    (0..ROUNDS).map(|_| round()).collect()
}
