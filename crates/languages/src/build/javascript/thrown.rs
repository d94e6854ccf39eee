//! What the project's module threw while it was run by the build: what the SDK misses in it, or an error of its own, told
//! with the lines of its source.

use std::process::Stdio;

use tokio::process::Command;

use super::{BUNDLE, MAP};
use crate::build::{BuildError, Job};
use crate::toolchain::Needed;

/// An error and where it came from.
pub(super) struct Thrown<'a> {
    message: &'a str,
    /// A line a function, as the engine says it, in lines of the bundle.
    stack: &'a str,
}

/// What the tool says before it.
const BEFORE: &str = "Failed to finish JavaScript module evaluation: ";

/// The SDK's functions that look at what the project has.
const LOOKS: [&str; 4] = ["component", "handlerExports", "httpExports", "cliExports"];

/// Puts the source's places into a stack: a line as `    at name (/bundle.js:12:3)` becomes `    at name
/// (src/main.js:4:1)`. The engine counts from 1, the map from 0, and the map's paths are those from its own folder.
const PLACE: &str = r#"
const { SourceMap } = require("node:module");
const [map, stack] = process.argv.slice(1);
const sources = new SourceMap(JSON.parse(require("node:fs").readFileSync(map, "utf8")));
process.stdout.write(stack.replace(/\/bundle\.js:(\d+):(\d+)/g, (place, line, column) => {
  const found = sources.findEntry(line - 1, column - 1);
  if (found.originalSource === undefined) return place;
  const path = found.originalSource.replace(/^(\.\.\/)+/, "");
  return `${path}:${found.originalLine + 1}:${found.originalColumn + 1}`;
}));
"#;

impl<'a> Thrown<'a> {
    /// Finds it in what the tool said.
    pub(super) fn found(said: &'a str) -> Option<Self> {
        let (_, said) = said.split_once(BEFORE)?;
        let (message, stack) = said.split_once("\n    at ").unwrap_or((said, ""));
        // Without the word that is the same for all that is thrown.
        let message = message.trim().strip_prefix("Error: ").unwrap_or(message.trim());
        Some(Self { message, stack: stack.trim_end() })
    }

    /// What the SDK misses, if it was the SDK that threw: what is wrong, and after a colon what to write.
    pub(super) fn missed(&self) -> Option<BuildError> {
        let (thrower, _) = self.stack.split_once(" (")?;
        let (what, how) = self.message.split_once(": ")?;
        LOOKS
            .contains(&thrower)
            .then(|| BuildError::Undefined { what: what.into(), how: how.into() })
    }

    /// The error with its stack, by the source's own lines where they can be found.
    pub(super) async fn told(&self, job: &Job<'_>) -> String {
        if self.stack.is_empty() {
            return format!("{}\n", self.message);
        }
        let stack = format!("    at {}", self.stack);
        let mut node = Command::new(Needed::Node.program());
        node.args(["-e", PLACE]).arg(job.made().join(MAP)).arg(&stack);
        let placed = match node.stdin(Stdio::null()).kill_on_drop(true).output().await {
            Ok(output) if output.status.success() => {
                String::from_utf8_lossy(&output.stdout).into_owned()
            }
            // The bundle's own lines are better than none.
            _ => stack.replace("/bundle.js", &format!("build/airssys/{BUNDLE}")),
        };
        format!("{}\n{placed}\n", self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "Error: : Failed to evaluate user JavaScript module: Failed to finish JavaScript module \
        evaluation: Error: cannot read property 'x' of null\n    at <anonymous> (/bundle.js:1578:1)\n\n";

    #[test]
    fn an_error_of_the_projects_own_is_told_without_the_tools_words() {
        let thrown = Thrown::found(OWN).unwrap();
        assert_eq!(thrown.message, "cannot read property 'x' of null");
        assert_eq!(thrown.stack, "<anonymous> (/bundle.js:1578:1)");
        assert!(thrown.missed().is_none());
    }

    #[test]
    fn what_the_sdk_misses_is_what_is_wrong_and_what_to_write() {
        let said = format!(
            "Error: : {BEFORE}Error: the source has no component: write `export default component({{ … }})`\n    \
             at handlerExports (/bundle.js:1547:15)\n    at <anonymous> (/bundle.js:1595:74)\n"
        );
        let missed = Thrown::found(&said).unwrap().missed().unwrap();
        assert_eq!(missed.to_string(), "the source has no component");
        assert_eq!(missed.help().unwrap(), "write `export default component({ … })`");
    }

    #[test]
    fn what_is_no_error_of_the_module_is_none() {
        assert!(Thrown::found("Error: no such world: handler").is_none());
    }
}
