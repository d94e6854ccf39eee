//! The token that lets one in.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use subtle::ConstantTimeEq as _;

/// A secret that the node's data directory and its clients share. Never printed.
pub(crate) struct Token(String);

/// 256 bits: guessing it is no way in.
const TOKEN_BYTES: usize = 32;

impl Token {
    /// The token of a data directory: the one in `token`, or a new one that is written there for its
    /// owner alone.
    pub(crate) fn of_dir(dir: &Path) -> io::Result<Self> {
        let path = dir.join("token");
        match fs::read_to_string(&path) {
            Ok(text) if text.trim().len() >= TOKEN_BYTES => {
                return Ok(Self(text.trim().to_owned()));
            }
            // Too short to be a secret: half a write, or somebody's mistake.
            Ok(_) => fs::remove_file(&path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let token = Self::draw();
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path)?;
        writeln!(file, "{}", token.0)?;
        file.sync_all()?;
        Ok(token)
    }

    /// A token that nobody can guess.
    fn draw() -> Self {
        let bytes: [u8; TOKEN_BYTES] = rand::random();
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Whether this is it. Takes as long for a near miss as for a far one.
    pub(crate) fn is(&self, presented: &str) -> bool {
        self.0.as_bytes().ct_eq(presented.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_stays_the_same_and_is_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let first = Token::of_dir(dir.path()).unwrap();
        let again = Token::of_dir(dir.path()).unwrap();
        assert!(again.is(&first.0) && !again.is("") && !again.is(&first.0[1..]));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(dir.path().join("token")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn an_empty_token_file_lets_nobody_in() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("token"), "\n").unwrap();
        assert!(!Token::of_dir(dir.path()).unwrap().is(""));
    }
}
