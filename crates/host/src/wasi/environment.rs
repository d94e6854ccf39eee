//! `wasi:cli/environment`, 0.2 and 0.3: a guest gets the variables that are granted and its arguments. It takes
//! all variables at once, so that is what whoever watches is told.

use airssys_wasm_model::Kind;
use wasmtime::component::{HasData, Linker};
use wasmtime_wasi::cli::WasiCliView;
use wasmtime_wasi::p2::bindings::cli::environment as bindings_p2;
use wasmtime_wasi::p3::bindings::cli::environment as bindings_p3;

use crate::guest::Guest;
use crate::watch::Use;

/// The environment of a guest, as the linker names it.
struct Environment;

impl HasData for Environment {
    type Data<'a> = &'a mut Guest;
}

pub(super) fn add_p2_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    bindings_p2::add_to_linker::<Guest, Environment>(linker, |guest| guest)
}

pub(super) fn add_p3_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    bindings_p3::add_to_linker::<Guest, Environment>(linker, |guest| guest)
}

impl Guest {
    /// The variables that are granted now.
    fn variables(&self) -> Vec<(String, String)> {
        let granted = self.revision().rights.now().granted.env().to_vec();
        if !granted.is_empty() && self.sees_uses(Kind::Env) {
            let names: Vec<_> = granted.iter().map(|(name, _)| name.as_str()).collect();
            self.used(Use { kind: Kind::Env, access: "read", target: &names.join(",") });
        }
        granted
    }
}

impl bindings_p2::Host for Guest {
    fn get_environment(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        Ok(self.variables())
    }

    fn get_arguments(&mut self) -> wasmtime::Result<Vec<String>> {
        bindings_p2::Host::get_arguments(&mut self.cli())
    }

    fn initial_cwd(&mut self) -> wasmtime::Result<Option<String>> {
        bindings_p2::Host::initial_cwd(&mut self.cli())
    }
}

impl bindings_p3::Host for Guest {
    fn get_environment(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        Ok(self.variables())
    }

    fn get_arguments(&mut self) -> wasmtime::Result<Vec<String>> {
        bindings_p3::Host::get_arguments(&mut self.cli())
    }

    fn get_initial_cwd(&mut self) -> wasmtime::Result<Option<String>> {
        bindings_p3::Host::get_initial_cwd(&mut self.cli())
    }
}
