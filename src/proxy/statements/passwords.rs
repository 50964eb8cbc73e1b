//! Statements are kept and written to files; the passwords in them are not.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What stands in a password's place.
const MASK: &str = "***";

/// White space and comments.
const GAP: &str = r"(?:\s|/\*.*?\*/|--[^\n]*\n|\#[^\n]*\n)*";

/// A text in quotes of any kind, to the end if its end was cut off. One that ends in a backslash may be taken for
/// longer than it is: too much is masked then, never too little.
const QUOTED: &str = r#"(?:[a-z]?'(?:[^'\\]|''|\\.)*(?:'|\\?$)|"(?:[^"\\]|""|\\.)*(?:"|\\?$)|\$(?:[a-z_]\w*)?\$.*?(?:\$(?:[a-z_]\w*)?\$|$))"#;

/// `PASSWORD 'x'` (also as an option), `PASSWORD = 'x'`, `MASTER_PASSWORD='x'`, `PASSWORD('x')`,
/// `SET PASSWORD FOR 'user'@'host' = 'x'`, and in the same way with the function.
static PASSWORD: LazyLock<Regex> = LazyLock::new(|| {
    let account = r"for\b[^=;]{0,512}?=";
    expression(&format!(
        r"(?P<before>password{GAP}(?:{account}|:?=|\(|to\b)?{GAP}(?:password{GAP}\({GAP})?){QUOTED}"
    ))
});

/// `IDENTIFIED BY 'x'`, `BY PASSWORD 'x'`, `WITH plugin AS 'x'`, `VIA plugin USING PASSWORD('x') OR …`, `REPLACE 'x'`.
static IDENTIFIED: LazyLock<Regex> = LazyLock::new(|| {
    expression(&format!(
        r"(?P<before>\b(?:by|as|using|replace)\b{GAP}(?:password{GAP}\(?{GAP})?){QUOTED}"
    ))
});

/// `password=x` in a connection string.
static CONNECTION_STRING: LazyLock<Regex> = LazyLock::new(|| {
    expression(r"(?P<before>password\s*=\s*)[^\s'\x22,;()&*$]+(?P<after>[\s'\x22,;)&]|$)")
});

/// `scheme://user:x@host`.
static ADDRESS: LazyLock<Regex> =
    LazyLock::new(|| expression(r"(?P<before>://[^\s:/@']*:)[^\s@']*(?P<after>@|$)"));

fn expression(pattern: &str) -> Regex {
    // They are constants, and the tests use each.
    Regex::new(&format!("(?is){pattern}")).expect("a regular expression")
}

/// The statement with `***` in the place of each password that it gives away.
pub(super) fn without_passwords(statement: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(statement);
    if has_word(statement, "identified") {
        text = masked(&IDENTIFIED, text, "'");
    }
    if has_word(statement, "password") {
        text = masked(&PASSWORD, text, "'");
        text = masked(&CONNECTION_STRING, text, "");
    }
    if statement.contains("://") {
        text = masked(&ADDRESS, text, "");
    }
    text
}

fn masked<'a>(expression: &Regex, text: Cow<'a, str>, quote: &str) -> Cow<'a, str> {
    if !expression.is_match(&text) {
        return text;
    }
    let mask = |found: &Captures<'_>| {
        let part = |name| found.name(name).map_or("", |part| part.as_str());
        format!("{}{quote}{MASK}{quote}{}", part("before"), part("after"))
    };
    Cow::Owned(expression.replace_all(&text, mask).into_owned())
}

fn has_word(text: &str, word: &str) -> bool {
    let mut windows = text.as_bytes().windows(word.len());
    windows.any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn passwords_are_masked() {
        let statements = [
            (
                "alter user a password 'secret'",
                "alter user a password '***'",
            ),
            (
                "CREATE ROLE a ENCRYPTED PASSWORD E'sec\\'ret' LOGIN",
                "CREATE ROLE a ENCRYPTED PASSWORD '***' LOGIN",
            ),
            (
                "CREATE ROLE a PASSWORD/* not */$x$secret$x$ LOGIN",
                "CREATE ROLE a PASSWORD/* not */'***' LOGIN",
            ),
            (
                "create user a identified by 'sec''ret'",
                "create user a identified by '***'",
            ),
            (
                "CREATE USER a@'%' IDENTIFIED VIA ed25519 USING PASSWORD('secret') OR unix_socket",
                "CREATE USER a@'%' IDENTIFIED VIA ed25519 USING PASSWORD('***') OR unix_socket",
            ),
            (
                "GRANT ALL ON *.* TO a IDENTIFIED BY PASSWORD \"secret\", b IDENTIFIED BY 'secret'",
                "GRANT ALL ON *.* TO a IDENTIFIED BY PASSWORD '***', b IDENTIFIED BY '***'",
            ),
            (
                "SET PASSWORD FOR 'a'@'localhost' = PASSWORD('secret')",
                "SET PASSWORD FOR 'a'@'localhost' = PASSWORD('***')",
            ),
            ("SET PASSWORD = 'secret'", "SET PASSWORD = '***'"),
            (
                "SET PASSWORD = PASSWORD('secret')",
                "SET PASSWORD = PASSWORD('***')",
            ),
            (
                "CHANGE MASTER TO MASTER_USER='a', MASTER_PASSWORD='secret', MASTER_PORT=1",
                "CHANGE MASTER TO MASTER_USER='a', MASTER_PASSWORD='***', MASTER_PORT=1",
            ),
            (
                "CREATE USER MAPPING FOR a SERVER s OPTIONS (user 'a', password 'secret')",
                "CREATE USER MAPPING FOR a SERVER s OPTIONS (user 'a', password '***')",
            ),
            (
                "select dblink('host=h password=secret user=a', 'select 1')",
                "select dblink('host=h password=*** user=a', 'select 1')",
            ),
            (
                "select dblink('postgresql://a:secret@h/d', 'select 1')",
                "select dblink('postgresql://a:***@h/d', 'select 1')",
            ),
            ("alter user a password 'secr", "alter user a password '***'"),
        ];
        for (statement, masked) in statements {
            assert_eq!(without_passwords(statement), masked);
        }
    }

    #[test]
    fn others_stay_as_they_are() {
        let statements = [
            "select password from users where id = 'a'",
            "select 'a' as b, replace(c, 'x', 'y') from t",
            "update users set password = $1 where id = 5",
        ];
        for statement in statements {
            assert_eq!(without_passwords(statement), statement);
        }
    }

    proptest! {
        /// However a statement is cut, nothing is left of the password that is in quotes.
        #[test]
        fn no_part_of_a_password_is_left(
            start in prop::sample::select(vec![
                "ALTER USER a PASSWORD ",
                "ALTER USER a IDENTIFIED BY ",
                "SET PASSWORD FOR a@b = PASSWORD(",
                "CHANGE MASTER TO MASTER_PASSWORD=",
            ]),
            gap in "( |\n|/\\*x\\*/){0,3}",
            password in "Z[a-z '\"$\\\\;=-]{0,20}",
            cut in 0..80_usize,
        ) {
            let quoted = format!("'{}'", password.replace('\\', "\\\\").replace('\'', "''"));
            let statement: String = format!("{start}{gap}{quoted}").chars().take(cut).collect();
            prop_assert!(!without_passwords(&statement).contains('Z'));
        }
    }
}
