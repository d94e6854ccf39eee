//! Tokens: a name, roles and an end, and a secret of which the node keeps a hash alone.
//!
//! A token reads `awt_` + 8 characters that look its record up + 52 of secret + 6 of checksum, in lower case
//! without a separator, so that a double click selects it all. The prefix and the checksum let a scanner of
//! source code know one without asking a node, and tell a mistyped token from a revoked one.

mod base32;
mod format;
mod record;

pub use format::{
    Presented, PresentedError, SECRET_PREFIX, TokenDraw, TokenId, TokenIdError, TokenSecret,
};
pub use record::{TokenError, TokenHash, TokenHashError, TokenRecord, VerifyError};
