//! Where the rules of a policy's text begin and how deep they nest, found before Cedar's parser reads it.
//!
//! Cedar turns what it read into a tree by recursion, and frees it by recursion, without a bound: a text of
//! some ten thousand operators or brackets in one policy would overflow the stack, which ends the process.

/// The most operators of one rule. A chain of them is a tree as deep as it is long, at up to ten KiB of a
/// thread's 2 MiB of stack for each in a build without optimization. A rule that a person reads has a dozen.
pub(crate) const MAX_OPERATORS: usize = 64;

/// The most brackets and `if`s within one another. Cedar's parser makes ten calls for each.
pub(crate) const MAX_DEPTH: usize = 8;

/// The byte at which a rule goes beyond [`MAX_OPERATORS`] or [`MAX_DEPTH`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooDeep(pub(crate) usize);

/// Where each rule begins, as a byte's offset: what stands between semicolons, comments apart.
pub(crate) fn rule_starts(text: &str) -> Result<Vec<usize>, TooDeep> {
    let mut scan = Scan { rest: text, at: 0 };
    let mut starts = Vec::new();
    let (mut operators, mut depth, mut is_within) = (0_usize, 0_usize, false);
    while let Some((at, token)) = scan.next_token() {
        match token {
            Token::Blank => continue,
            Token::Semicolon => {
                (operators, depth, is_within) = (0, 0, false);
                continue;
            }
            // An `if` ends where its `else` does, which only a parser knows: it counts until the rule's end.
            Token::Open | Token::If => (operators, depth) = (operators + 1, depth + 1),
            Token::Close => depth = depth.saturating_sub(1),
            Token::Operator => operators += 1,
            Token::Other => {}
        }
        if !is_within {
            is_within = true;
            starts.push(at);
        }
        if operators > MAX_OPERATORS || depth > MAX_DEPTH {
            return Err(TooDeep(at));
        }
    }
    Ok(starts)
}

enum Token {
    /// Ends a policy.
    Semicolon,
    /// An opening bracket.
    Open,
    /// A closing bracket.
    Close,
    If,
    /// May be a level of the tree.
    Operator,
    /// A name, a literal, a comma.
    Other,
    /// White space or a comment.
    Blank,
}

struct Scan<'a> {
    rest: &'a str,
    at: usize,
}

impl Scan<'_> {
    fn next_token(&mut self) -> Option<(usize, Token)> {
        let first = self.rest.chars().next()?;
        let (length, token) = match first {
            ';' => (1, Token::Semicolon),
            '"' => (string_length(self.rest), Token::Other),
            '/' if self.rest.starts_with("//") => {
                (self.rest.find('\n').unwrap_or(self.rest.len()), Token::Blank)
            }
            '(' | '[' | '{' => (1, Token::Open),
            ')' | ']' | '}' => (1, Token::Close),
            // Of `&&` each half counts, which only errs to the safe side.
            '.' | '!' | '-' | '+' | '*' | '<' | '>' | '=' | '&' | '|' | '/' | '%' => {
                (1, Token::Operator)
            }
            c if is_word(c) => {
                let length = self.rest.find(|c: char| !is_word(c)).unwrap_or(self.rest.len());
                let token = match &self.rest[..length] {
                    "if" => Token::If,
                    "in" | "has" | "like" | "is" => Token::Operator,
                    _ => Token::Other,
                };
                (length, token)
            }
            c if c.is_whitespace() => (c.len_utf8(), Token::Blank),
            c => (c.len_utf8(), Token::Other),
        };
        let at = self.at;
        self.rest = &self.rest[length..];
        self.at += length;
        Some((at, token))
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Bytes of the string literal that the text begins with, both quotes included.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_counted_outside_of_strings_and_comments() {
        let many = "(".repeat(MAX_DEPTH + 1);
        assert_eq!(rule_starts(&many), Err(TooDeep(MAX_DEPTH)));
        for harmless in [
            format!("// {many}\npermit (principal, action, resource);"),
            format!(r#"@reason("\"{many}") permit (principal, action, resource);"#),
            "()".repeat(MAX_DEPTH + 1),
        ] {
            assert_eq!(rule_starts(&harmless).map(|starts| starts.len()), Ok(1));
        }
    }

    #[test]
    fn operators_are_counted_rule_by_rule() {
        let rule = format!("permit{};", " && a".repeat(MAX_OPERATORS / 2));
        assert_eq!(rule_starts(&rule.repeat(9)).map(|starts| starts.len()), Ok(9));
        assert!(rule_starts(&format!("a has {rule}")).is_err());
    }

    #[test]
    fn words_that_nest_are_counted() {
        assert!(rule_starts(&"if a then b else ".repeat(MAX_DEPTH + 1)).is_err());
        assert!(rule_starts(&"iff ".repeat(MAX_OPERATORS + 1)).is_ok());
    }

    #[test]
    fn a_rule_begins_behind_its_comment() {
        assert_eq!(rule_starts("// a;\n permit; // b\nforbid;"), Ok(vec![7, 20]));
    }
}
