//! Runs the program that the first line of its input names, with the rest as its standard input, and says what became
//! of it. `zeroes N` in the second line is so many bytes of zero as input.

use airssys_wasm_sdk::prelude::*;
use airssys_wasm_sdk::process;

#[component]
pub struct Runner {
    state: ComponentState,
}

#[component_impl]
impl Runner {
    #[component_init]
    pub fn new(config: ComponentConfig) -> Result<Self, ComponentError> {
        Ok(Self { state: ComponentState::new(config)? })
    }

    #[component_execute]
    pub fn run(&self, input: ComponentInput) -> ComponentResult {
        let (name, stdin) = input.text()?.split_once('\n').unwrap_or((input.text()?, ""));
        let zeroes = stdin.strip_prefix("zeroes ").and_then(|count| count.parse().ok());
        let stdin = zeroes.map_or_else(|| stdin.as_bytes().to_vec(), |count| vec![0; count]);
        let said = match process::run(name, &stdin) {
            Ok(finished) => {
                let (out, err) = (text(&finished.stdout), text(&finished.stderr));
                format!("{} out[{out}] err[{err}]", finished.exit_code)
            }
            Err(error) => error.to_string(),
        };
        Ok(ComponentOutput::text(said))
    }
}

/// What is short as it is, and of anything else its length.
fn text(bytes: &[u8]) -> String {
    match bytes.len() {
        0..200 => String::from_utf8_lossy(bytes).trim_end().to_owned(),
        length => format!("{length} bytes"),
    }
}
