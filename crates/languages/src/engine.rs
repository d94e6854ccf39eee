//! The engines that a language may have more than one of, by name.

use std::fmt;

use crate::Language;

/// What runs a component's code, where that is not the code itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    /// Small, and quick to compile and to call. What JavaScript is built with unless its project says otherwise.
    QuickJs,
    /// Firefox's: several times as large, with streams and `crypto.subtle`.
    StarlingMonkey,
}

/// A language has no such engine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The language has others.
    #[error("there is no engine `{word}` for {language}: {there} are there", there = list(*language))]
    Unknown {
        /// What was asked for.
        word: String,
        /// For this language.
        language: Language,
    },
    /// The language has none to choose from.
    #[error("{language} has no engines to choose from: js and ts have")]
    NoneToChoose {
        /// The language.
        language: Language,
    },
}

impl Engine {
    /// The word by which it is chosen.
    pub fn word(self) -> &'static str {
        match self {
            Self::QuickJs => "quickjs",
            Self::StarlingMonkey => "starlingmonkey",
        }
    }

    /// Those of a language, the one that it is built with unless another is named first; none where there is no choice.
    pub fn of(language: Language) -> &'static [Self] {
        match language {
            Language::Js | Language::Ts => &[Self::QuickJs, Self::StarlingMonkey],
            Language::Rust
            | Language::C
            | Language::Cpp
            | Language::Go
            | Language::Python
            | Language::Zig => &[],
        }
    }

    /// The engine of a language that a word names, or the language's first where no word is said.
    pub fn chosen(language: Language, word: Option<&str>) -> Result<Option<Self>, EngineError> {
        let there = Self::of(language);
        let Some(word) = word else { return Ok(there.first().copied()) };
        if there.is_empty() {
            return Err(EngineError::NoneToChoose { language });
        }
        let named = there.iter().copied().find(|engine| engine.word() == word);
        named.map(Some).ok_or_else(|| EngineError::Unknown { word: word.to_owned(), language })
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::QuickJs => "QuickJS",
            Self::StarlingMonkey => "StarlingMonkey",
        })
    }
}

fn list(language: Language) -> String {
    Engine::of(language).iter().map(|engine| engine.word()).collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn javascript_is_built_with_quickjs_unless_its_project_says_otherwise() {
        for language in [Language::Js, Language::Ts] {
            assert_eq!(Engine::chosen(language, None), Ok(Some(Engine::QuickJs)));
            for engine in Engine::of(language) {
                assert_eq!(Engine::chosen(language, Some(engine.word())), Ok(Some(*engine)));
            }
        }
    }

    #[test]
    fn another_word_is_told_what_there_is() {
        let error = Engine::chosen(Language::Js, Some("v8")).unwrap_err().to_string();
        assert!(error.contains("`v8`") && error.contains("quickjs and starlingmonkey"), "{error}");
    }

    #[test]
    fn a_language_without_engines_takes_none() {
        assert_eq!(Engine::chosen(Language::Zig, None), Ok(None));
        let error = Engine::chosen(Language::Zig, Some("quickjs"));
        assert_eq!(error, Err(EngineError::NoneToChoose { language: Language::Zig }));
    }
}
