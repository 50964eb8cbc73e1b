//! Tokens that stand for a user's name and password for a while: JSON Web Tokens (RFC 7519), signed with HS256.
//!
//! The keys are random and live as long as the process, so no token outlives a restart. What signs a user's token is
//! derived from such a key and from the user's credential: with a changed password or role, and without the user,
//! nobody's signature fits any more, and nothing has to be remembered of tokens that were given out.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{Error as SignatureError, Signer, Verifier};
use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, EncodingKey, Header, Validation, decode,
    decode_header, encode,
};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::users::{Account, Users};
use super::verifier::hmac_sha256;

/// Who issues the tokens.
const ISSUER: &str = "rollcall";

/// How long a key signs new tokens.
const KEY_AGE_MAX: Duration = Duration::from_secs(8 * 60 * 60);

/// A token that could be longer is not looked at: names have no bound of their own.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// What a token says.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    iat: u64,
    exp: u64,
    /// The role, for whoever reads the token: what its bearer may do is looked up.
    account: String,
}

/// What is looked at before the signature, to find what it must fit.
#[derive(Deserialize)]
struct Subject {
    sub: String,
}

/// Issues tokens and checks them.
pub struct Tokens {
    keys: Mutex<Keys>,
}

/// The keys that tokens may be signed with.
struct Keys {
    /// The one that signs is the last.
    all: Vec<Key>,
    /// Names the next one.
    next: u64,
}

struct Key {
    /// What a token's header calls it.
    id: String,
    secret: Zeroizing<[u8; 32]>,
    made: u64,
    /// When the last token that it has signed expires.
    needed_until: u64,
}

impl Keys {
    /// The key for a token that lives from one moment to another. Keys that no living token needs are forgotten.
    fn sign(&mut self, now: u64, until: u64) -> &Key {
        self.all.retain(|key| key.needed_until > now);
        let is_old = |key: &Key| now.abs_diff(key.made) >= KEY_AGE_MAX.as_secs();
        if self.all.last().is_none_or(is_old) {
            self.all.push(Key {
                id: self.next.to_string(),
                secret: Zeroizing::new(rand::random()),
                made: now,
                needed_until: until,
            });
            self.next += 1;
        }
        let last = self.all.len() - 1;
        let key = &mut self.all[last];
        key.needed_until = key.needed_until.max(until);
        key
    }
}

impl Default for Tokens {
    fn default() -> Self {
        Self::new()
    }
}

impl Tokens {
    /// Issues tokens with keys of its own.
    pub fn new() -> Self {
        // Only the first call in a process counts; a provider that somebody else has chosen signs HS256 as well.
        let _ = PROVIDER.install_default();
        Self {
            keys: Mutex::new(Keys {
                all: Vec::new(),
                next: 1,
            }),
        }
    }

    /// A token for this account, for so long. `None` when there is no such user any more.
    pub fn issue(&self, users: &Users, account: &Account, age_max: Duration) -> Option<String> {
        self.issue_at(users, account, age_max, now())
    }

    fn issue_at(
        &self,
        users: &Users,
        account: &Account,
        age_max: Duration,
        now: u64,
    ) -> Option<String> {
        let until = now + age_max.as_secs();
        let (id, secret) = {
            let mut keys = self.keys.lock();
            let key = keys.sign(now, until);
            (key.id.clone(), key.secret.clone())
        };
        let (account, own) = users.bound_key(&account.name, &*secret)?;
        let name = account.name.to_string();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: name.clone(),
            sub: name,
            iat: now,
            exp: until,
            account: account.role.to_string(),
        };
        let header = Header {
            kid: Some(id),
            ..Header::new(Algorithm::HS256)
        };
        let token = encode(&header, &claims, &EncodingKey::from_secret(&*own));
        token
            .inspect_err(|error| tracing::error!(%error, "a token cannot be made"))
            .ok()
    }

    /// Whose token it is, with what that user may do now. `None` when it is none of this process's, has expired, or
    /// the user has changed since.
    pub fn check(&self, users: &Users, token: &str) -> Option<Account> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let id = decode_header(token).ok()?.kid?;
        let Subject { sub } = insecure_decode_claims(token).ok()?;
        let secret = {
            let keys = self.keys.lock();
            let key = keys.all.iter().find(|key| key.id == id)?;
            key.secret.clone()
        };
        let (account, own) = users.bound_key(&sub, &*secret)?;
        let mut wanted = Validation::new(Algorithm::HS256);
        wanted.leeway = 0;
        wanted.set_issuer(&[ISSUER]);
        wanted.set_audience(&[&sub]);
        wanted.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        wanted.sub = Some(sub);
        decode::<Claims>(token, &DecodingKey::from_secret(&*own), &wanted).ok()?;
        Some(account)
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// HS256 by the program's own HMAC, and nothing else: the token library brings no cryptography of its own.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| match (algorithm, key.family()) {
        (Algorithm::HS256, AlgorithmFamily::Hmac) => Ok(Box::new(Hs256::new(key.as_bytes()))),
        _ => Err(unsupported()),
    },
    verifier_factory: |algorithm, key| match (algorithm, key.family()) {
        (Algorithm::HS256, AlgorithmFamily::Hmac) => {
            Ok(Box::new(Hs256::new(key.try_get_as_bytes()?)))
        }
        _ => Err(unsupported()),
    },
    key_utils: KeyUtils::new_unimplemented(),
};

fn unsupported() -> Error {
    ErrorKind::InvalidAlgorithm.into()
}

/// HMAC-SHA-256 with one key.
struct Hs256(Zeroizing<Vec<u8>>);

impl Hs256 {
    fn new(key: &[u8]) -> Self {
        Self(Zeroizing::new(key.to_vec()))
    }
}

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        Ok(hmac_sha256(&self.0, &[message]).to_vec())
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        let right = hmac_sha256(&self.0, &[message]);
        match bool::from(right.ct_eq(signature.as_slice())) {
            true => Ok(()),
            false => Err(SignatureError::new()),
        }
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::auth::{Credential, Role, UserMap, Verifier as Password};

    const HOUR: Duration = Duration::from_secs(3600);

    fn map(role: Role, password: &str) -> UserMap {
        let verifier = Password::generate(password);
        UserMap::from([("alice".to_owned(), Credential { verifier, role })])
    }

    fn issued(tokens: &Tokens, users: &Users) -> String {
        let alice = users.account("alice").expect("a user");
        tokens.issue(users, &alice, HOUR).expect("a token")
    }

    fn part(token: &str, at: usize) -> Value {
        let part = token.split('.').nth(at).expect("three parts");
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
    }

    #[test]
    fn a_token_tells_what_is_documented() {
        let (tokens, users) = (Tokens::new(), Users::new(map(Role::Admin, "a")));
        let token = issued(&tokens, &users);
        assert_eq!(
            part(&token, 0),
            json!({"alg": "HS256", "typ": "JWT", "kid": "1"})
        );
        let claims = part(&token, 1);
        for (name, value) in [
            ("iss", "rollcall"),
            ("aud", "alice"),
            ("sub", "alice"),
            ("account", "admin"),
        ] {
            assert_eq!(claims[name], value);
        }
        let age = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
        assert_eq!(age, 3600);
        let account = tokens.check(&users, &token).expect("a good token");
        assert_eq!((&*account.name, account.role), ("alice", Role::Admin));
    }

    /// The example of RFC 7515, appendix A.1.
    #[test]
    fn the_signature_is_that_of_hs256() {
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let key = URL_SAFE_NO_PAD.decode(key).unwrap();
        let message = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = Hs256::new(&key).sign(message.as_bytes());
        let expected = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(URL_SAFE_NO_PAD.encode(signature), expected);
    }

    #[test]
    fn a_token_dies_with_what_it_was_given_for() {
        let same = map(Role::Admin, "a");
        let (tokens, users) = (Tokens::new(), Users::new(same.clone()));
        let token = issued(&tokens, &users);
        let lives = |users: &Users| tokens.check(users, &token).is_some();
        users.replace(same.clone());
        assert!(lives(&users), "nothing has changed");
        users.replace(map(Role::Admin, "a"));
        assert!(!lives(&users), "another verifier");
        let mut basic = same.clone();
        basic.get_mut("alice").unwrap().role = Role::Basic;
        users.replace(basic);
        assert!(!lives(&users), "another role");
        users.replace(UserMap::new());
        assert!(!lives(&users), "no users");
        assert!(!lives(&Users::new(map(Role::Admin, "b"))));
        assert_eq!(Tokens::new().check(&users, &token), None, "another process");
    }

    #[test]
    fn without_users_a_token_is_anybody_s_until_there_are_some() {
        let (tokens, users) = (Tokens::new(), Users::new(UserMap::new()));
        let token = issued(&tokens, &users);
        let account = tokens.check(&users, &token).expect("a good token");
        assert_eq!((&*account.name, account.role), ("alice", Role::Admin));
        users.replace(map(Role::Admin, "a"));
        assert_eq!(tokens.check(&users, &token), None);
    }

    #[test]
    fn a_forged_token_is_none() {
        let (tokens, users) = (Tokens::new(), Users::new(map(Role::Basic, "a")));
        let token = issued(&tokens, &users);
        let parts: Vec<&str> = token.split('.').collect();
        let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let mut claims = part(&token, 1);
        claims["exp"] = json!(u64::MAX);
        let later = format!("{}.{}.{}", parts[0], encoded(&claims), parts[2]);
        let none = json!({"alg": "none", "typ": "JWT", "kid": "1"});
        let unsigned = format!("{}.{}.", encoded(&none), parts[1]);
        let other = json!({"alg": "HS512", "typ": "JWT", "kid": "1"});
        let stronger = format!("{}.{}.{}", encoded(&other), parts[1], parts[2]);
        for forged in [
            &later,
            &unsigned,
            &stronger,
            &format!("{}.{}.", parts[0], parts[1]),
            &format!("{}.{}", parts[0], parts[1]),
            &format!("{token}A"),
            &"x".repeat(TOKEN_BYTES_MAX + 1),
        ] {
            assert_eq!(tokens.check(&users, forged), None, "{forged}");
        }
    }

    #[test]
    fn a_token_expires_and_keys_change() {
        let (tokens, users) = (Tokens::new(), Users::new(map(Role::Basic, "a")));
        let alice = users.account("alice").unwrap();
        let begin = now();
        let issue = |at, age: Duration| tokens.issue_at(&users, &alice, age, at).unwrap();
        let expired = issue(begin - 3601, HOUR);
        assert_eq!(tokens.check(&users, &expired), None);
        let old = issue(begin, 24 * HOUR);
        let new = issue(begin + KEY_AGE_MAX.as_secs(), HOUR);
        assert_ne!(part(&old, 0)["kid"], part(&new, 0)["kid"]);
        assert!(tokens.check(&users, &old).is_some(), "its key is kept");
        assert!(tokens.check(&users, &new).is_some());
        // When its tokens are out, a key goes.
        let count = || tokens.keys.lock().all.len();
        assert_eq!(count(), 2);
        issue(begin + 25 * 3600, HOUR);
        assert_eq!(count(), 1);
    }

    proptest! {
        #[test]
        fn any_text_is_checked(text in any::<String>()) {
            let users = Users::new(UserMap::new());
            prop_assert_eq!(Tokens::new().check(&users, &text), None);
        }

        #[test]
        fn any_parts_are_checked(header in any::<Vec<u8>>(), claims in any::<Vec<u8>>(), kid in "[0-9]{0,3}") {
            let (tokens, users) = (Tokens::new(), Users::new(UserMap::new()));
            issued(&tokens, &users);
            let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
            let known = json!({"alg": "HS256", "typ": "JWT", "kid": kid}).to_string();
            for header in [&header, known.as_bytes()] {
                let text = format!("{}.{}.{}", encode(header), encode(&claims), encode(&claims));
                prop_assert_eq!(tokens.check(&users, &text), None);
            }
        }
    }
}
