//! SCRAM-SHA-256 verifiers in PostgreSQL's own format.
//!
//! `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`, the last three in base64, is what PostgreSQL
//! keeps in `pg_authid.rolpassword`, so a verifier can be carried from there to here and back. The names are
//! those of RFC 5802.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const SCHEME: &str = "SCRAM-SHA-256";

/// Iterations of a generated verifier: the default of PostgreSQL's `scram_iterations` and the minimum of RFC 7677.
pub(super) const ITERATIONS_DEFAULT: u32 = 4096;

/// More would hold a thread for a second or so at each HTTP Basic login.
const ITERATIONS_MAX: u32 = 1_000_000;

/// Bytes of salt in a generated verifier, as in PostgreSQL.
const SALT_BYTES: usize = 16;

/// The longest salt that is taken from outside, in bytes.
const SALT_BYTES_MAX: usize = 256;

/// A key of SCRAM-SHA-256: one SHA-256 output.
type Key = [u8; 32];

/// What is stored in a password's place: enough to check it, not enough to log in with.
///
/// `Display` prints the whole verifier, `Debug` only what the SCRAM exchange shows to any client.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    iterations: u32,
    salt: Vec<u8>,
    stored_key: Key,
    server_key: Key,
}

/// Why a text is not a verifier. The text itself is never quoted: whoever has it can try passwords against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifierError {
    /// It does not start with the scheme's name: most likely a plain password, or MD5.
    #[error("not a SCRAM-SHA-256 verifier; make one with `rollcall hash-password`")]
    Scheme,
    /// The fields are not there or not separated as they should be.
    #[error("not of the form SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY")]
    Form,
    /// The iteration count is not a number, or out of bounds.
    #[error("the iteration count must be between 1 and {ITERATIONS_MAX}")]
    Iterations,
    /// The salt is not base64, empty, or too long.
    #[error("the salt must be 1 to {SALT_BYTES_MAX} bytes in base64")]
    Salt,
    /// The StoredKey is not base64 of 32 bytes.
    #[error("the StoredKey must be 32 bytes in base64")]
    StoredKey,
    /// The ServerKey is not base64 of 32 bytes.
    #[error("the ServerKey must be 32 bytes in base64")]
    ServerKey,
}

impl Verifier {
    /// Makes the verifier of a password, with a fresh random salt.
    pub fn generate(password: &str) -> Self {
        let salt: [u8; SALT_BYTES] = rand::random();
        let salted = salted_password(password, &salt, ITERATIONS_DEFAULT);
        Self {
            iterations: ITERATIONS_DEFAULT,
            salt: salt.to_vec(),
            stored_key: stored_key(&salted),
            server_key: hmac_sha256(&*salted, &[b"Server Key"]),
        }
    }

    /// A verifier that no password fits, for a name that is not a user: the same one for the same name and
    /// secret, so that an unknown name cannot be told from a known one by asking twice.
    pub(super) fn mock(secret: &Key, name: &str, iterations: u32) -> Self {
        let derive = |purpose: &[u8]| hmac_sha256(secret, &[purpose, name.as_bytes()]);
        let mut salt = derive(b"salt:").to_vec();
        salt.truncate(SALT_BYTES);
        Self {
            iterations,
            salt,
            stored_key: derive(b"stored:"),
            server_key: derive(b"server:"),
        }
    }

    /// Whether this is the password. Takes the same time for every wrong password; milliseconds of one core,
    /// so not for an async thread.
    pub fn check(&self, password: &str) -> bool {
        let salted = salted_password(password, &self.salt, self.iterations);
        stored_key(&salted).ct_eq(&self.stored_key).into()
    }

    /// Iterations of PBKDF2.
    pub fn iterations(&self) -> u32 {
        self.iterations
    }

    /// The salt, raw.
    pub fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// `H(ClientKey)`, raw: checks a client's proof.
    pub fn stored_key(&self) -> &[u8] {
        &self.stored_key
    }

    /// `HMAC(SaltedPassword, "Server Key")`, raw: proves the server to the client.
    pub fn server_key(&self) -> &[u8] {
        &self.server_key
    }
}

impl FromStr for Verifier {
    type Err = VerifierError;

    fn from_str(text: &str) -> Result<Self, VerifierError> {
        let rest = text
            .strip_prefix(SCHEME)
            .and_then(|rest| rest.strip_prefix('$'))
            .ok_or(VerifierError::Scheme)?;
        let (parameters, keys) = rest.split_once('$').ok_or(VerifierError::Form)?;
        let (iterations, salt) = parameters.split_once(':').ok_or(VerifierError::Form)?;
        let (stored_key, server_key) = keys.split_once(':').ok_or(VerifierError::Form)?;

        // `u32::from_str` takes a leading plus sign, which the format has not.
        if !iterations.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(VerifierError::Iterations);
        }
        let iterations = iterations
            .parse()
            .ok()
            .filter(|count| (1..=ITERATIONS_MAX).contains(count))
            .ok_or(VerifierError::Iterations)?;
        let salt = STANDARD
            .decode(salt)
            .ok()
            .filter(|salt| (1..=SALT_BYTES_MAX).contains(&salt.len()))
            .ok_or(VerifierError::Salt)?;
        Ok(Self {
            iterations,
            salt,
            stored_key: decode_key(stored_key).ok_or(VerifierError::StoredKey)?,
            server_key: decode_key(server_key).ok_or(VerifierError::ServerKey)?,
        })
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{SCHEME}${}:{}${}:{}",
            self.iterations,
            STANDARD.encode(&self.salt),
            STANDARD.encode(self.stored_key),
            STANDARD.encode(self.server_key),
        )
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("iterations", &self.iterations)
            .finish_non_exhaustive()
    }
}

fn decode_key(text: &str) -> Option<Key> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// `Hi(Normalize(password), salt, iterations)`. A password that SASLprep refuses is taken as it is, which is
/// what PostgreSQL's server and libpq do.
fn salted_password(password: &str, salt: &[u8], iterations: u32) -> Zeroizing<Key> {
    let prepared = stringprep::saslprep(password);
    let bytes = match &prepared {
        Ok(prepared) => prepared.as_bytes(),
        Err(_) => password.as_bytes(),
    };
    let mut salted = Zeroizing::new(Key::default());
    pbkdf2::pbkdf2_hmac::<Sha256>(bytes, salt, iterations, &mut *salted);
    salted
}

fn stored_key(salted_password: &Key) -> Key {
    let client_key = Zeroizing::new(hmac_sha256(salted_password, &[b"Client Key"]));
    Sha256::digest(client_key.as_slice()).into()
}

/// HMAC-SHA-256 of the parts one after the other.
pub(super) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> Key {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Computed with Python's hashlib and hmac from the definitions in RFC 5802; salt: bytes 0 to 15.
    const PENCIL: &str = "SCRAM-SHA-256$4096:AAECAwQFBgcICQoLDA0ODw==$zHCdol2044/ZyWzPLi7oxApCkamKw9Z+E4U/QApd/5Y=:dd5peBOitVnLNFu7VmwP+HiDaaw4OUCv396eVCWhYiE=";
    /// The same for the password "IX" with a soft hyphen between the letters, which SASLprep removes.
    const SOFT_HYPHEN: &str = "SCRAM-SHA-256$4096:AAECAwQFBgcICQoLDA0ODw==$Hvybl93RfCHqfqLiTzsBHz9FA2JH0lY8NzX3ES+JAB0=:36RFvraaEsq6EdU8f0zs6/hpb0vgxhjNZecZXSUZKgs=";

    #[test]
    fn a_generated_verifier_fits_its_password_only() {
        let verifier = Verifier::generate("pencil");
        assert!(verifier.check("pencil"));
        assert!(!verifier.check("Pencil"));
        assert!(!verifier.check(""));
        assert_eq!(verifier.iterations(), 4096);
        assert_eq!(verifier.salt().len(), 16);
        assert_ne!(verifier.salt(), Verifier::generate("pencil").salt());
    }

    #[test]
    fn a_printed_verifier_reads_back() {
        let verifier = Verifier::generate("pencil");
        assert_eq!(verifier.to_string().parse(), Ok(verifier));
    }

    #[test]
    fn a_foreign_verifier_fits_and_prints_unchanged() {
        let verifier: Verifier = PENCIL.parse().expect("well formed");
        assert!(verifier.check("pencil"));
        assert!(!verifier.check("pencils"));
        assert_eq!(verifier.salt(), (0..16).collect::<Vec<u8>>());
        assert_eq!(verifier.to_string(), PENCIL);
    }

    #[test]
    fn a_password_is_normalised_as_saslprep_says() {
        let verifier: Verifier = SOFT_HYPHEN.parse().expect("well formed");
        assert!(verifier.check("I\u{ad}X"));
        assert!(verifier.check("IX"));
    }

    #[test]
    fn a_password_that_saslprep_refuses_is_taken_as_it_is() {
        let verifier = Verifier::generate("bell\u{7}");
        assert!(verifier.check("bell\u{7}"));
        assert!(!verifier.check("bell"));
    }

    #[test]
    fn what_is_not_a_verifier_is_refused_by_part() {
        let key = STANDARD.encode([7; 32]);
        let short = STANDARD.encode([7; 31]);
        for (text, error) in [
            (String::new(), VerifierError::Scheme),
            ("pencil".into(), VerifierError::Scheme),
            (
                "md5d6d884b9d1b2f3fa4a7d6ae5e8b45b52".into(),
                VerifierError::Scheme,
            ),
            ("SCRAM-SHA-256".into(), VerifierError::Scheme),
            ("SCRAM-SHA-256$".into(), VerifierError::Form),
            ("SCRAM-SHA-256$4096:AAAA".into(), VerifierError::Form),
            (
                format!("SCRAM-SHA-256$4096$AAAA:{key}"),
                VerifierError::Form,
            ),
            (
                format!("SCRAM-SHA-256$4096:AAAA${key}"),
                VerifierError::Form,
            ),
            (
                format!("SCRAM-SHA-256$0:AAAA${key}:{key}"),
                VerifierError::Iterations,
            ),
            (
                format!("SCRAM-SHA-256$+1:AAAA${key}:{key}"),
                VerifierError::Iterations,
            ),
            (
                format!("SCRAM-SHA-256$:AAAA${key}:{key}"),
                VerifierError::Iterations,
            ),
            (
                format!("SCRAM-SHA-256$4294967295:AAAA${key}:{key}"),
                VerifierError::Iterations,
            ),
            (
                format!("SCRAM-SHA-256$4096:${key}:{key}"),
                VerifierError::Salt,
            ),
            (
                format!("SCRAM-SHA-256$4096:A${key}:{key}"),
                VerifierError::Salt,
            ),
            (
                format!("SCRAM-SHA-256$4096:AAAA${short}:{key}"),
                VerifierError::StoredKey,
            ),
            (
                format!("SCRAM-SHA-256$4096:AAAA${key}:{short}"),
                VerifierError::ServerKey,
            ),
            (
                format!("SCRAM-SHA-256$4096:AAAA${key}:{key} "),
                VerifierError::ServerKey,
            ),
        ] {
            assert_eq!(text.parse::<Verifier>(), Err(error), "{text:?}");
        }
    }

    #[test]
    fn debug_output_has_no_key_material() {
        let verifier: Verifier = PENCIL.parse().expect("well formed");
        assert_eq!(format!("{verifier:?}"), "Verifier { iterations: 4096, .. }");
    }

    proptest! {
        #[test]
        fn any_text_parses_or_is_refused(text in any::<String>()) {
            let _ = text.parse::<Verifier>();
        }

        #[test]
        fn what_parses_prints_a_text_that_parses_to_the_same(
            text in r"SCRAM-SHA-256\$[0-9]{1,7}:[A-Za-z0-9+/]{0,24}=?\$[A-Za-z0-9+/]{42}[AEIMQUY]=:[A-Za-z0-9+/]{42}[AEIMQUY]="
        ) {
            if let Ok(verifier) = text.parse::<Verifier>() {
                prop_assert_eq!(verifier.to_string().parse(), Ok(verifier));
            }
        }
    }
}
