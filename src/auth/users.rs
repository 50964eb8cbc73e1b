//! The store of users that both doors ask.
//!
//! Users and the cache of successes are one value that [`Users::replace`] swaps as a whole. A password check
//! keeps the value that it started with and writes its success into that value's cache, so a check that was
//! under way while the users changed cannot leave an entry that outlives them.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::thread::available_parallelism;

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::attempts::{AttemptLimits, Attempts, TooManyFailures};
use super::cache::SuccessCache;
use super::verifier::{ITERATIONS_DEFAULT, Verifier, hmac_sha256};

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Reads everything and kills sessions.
    Admin,
    /// Reads.
    Basic,
}

/// A role's name that is neither `admin` nor `basic`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role is \"admin\" or \"basic\"")]
pub struct RoleError;

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        match text {
            "admin" => Ok(Self::Admin),
            "basic" => Ok(Self::Basic),
            _ => Err(RoleError),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Admin => "admin",
            Self::Basic => "basic",
        })
    }
}

/// Who a client is, once authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The user's name as configured.
    pub name: Arc<str>,
    /// What the user may do.
    pub role: Role,
}

/// What is configured for one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Checks the password.
    pub verifier: Verifier,
    /// What the user may do.
    pub role: Role,
}

/// Why a name and a password do not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// The password is wrong, or there is no such user.
    #[error("the user name or the password is wrong")]
    Wrong,
    /// Neither was looked at.
    #[error(transparent)]
    TooManyFailures(#[from] TooManyFailures),
}

/// All configured users by name.
pub type UserMap = HashMap<String, Credential>;

/// The users of both doors; shared, and replaced while the program runs.
pub struct Users {
    generation: ArcSwap<Generation>,
    /// Makes the verifiers of unknown names; kept across [`Users::replace`], since an unknown name whose salt
    /// changed with the configuration would show that it is unknown.
    mock_secret: [u8; 32],
    /// Bounds the threads that compute PBKDF2.
    checks: Arc<Semaphore>,
    attempts: Arc<Attempts>,
}

/// The users between two replacements, and what was found out about them.
struct Generation {
    users: HashMap<Arc<str>, Credential>,
    /// What unknown names pretend to have: the most that a user has, so that they cost as much.
    mock_iterations: u32,
    successes: SuccessCache,
}

impl Generation {
    fn new(map: UserMap) -> Self {
        Self {
            mock_iterations: map
                .values()
                .map(|credential| credential.verifier.iterations())
                .max()
                .unwrap_or(ITERATIONS_DEFAULT),
            users: map
                .into_iter()
                .map(|(name, credential)| (name.into(), credential))
                .collect(),
            successes: SuccessCache::new(),
        }
    }

    fn account(&self, name: &str) -> Option<Account> {
        if self.users.is_empty() {
            return Some(Account {
                name: name.into(),
                role: Role::Admin,
            });
        }
        let (name, credential) = self.users.get_key_value(name)?;
        Some(Account {
            name: Arc::clone(name),
            role: credential.role,
        })
    }

    fn verifier_or_mock(&self, name: &str, mock_secret: &[u8; 32]) -> Verifier {
        // Made for known names too: the lookup must not take longer for the unknown ones.
        let mock = Verifier::mock(mock_secret, name, self.mock_iterations);
        self.users
            .get(name)
            .map_or(mock, |credential| credential.verifier.clone())
    }
}

impl Users {
    /// A store of these users. With none the store is open: see [`Users::is_open`].
    pub fn new(map: UserMap) -> Self {
        Self::with_limits(map, AttemptLimits::default())
    }

    /// The same with limits of its own to failed logins.
    pub fn with_limits(map: UserMap, limits: AttemptLimits) -> Self {
        let checks = available_parallelism().map_or(1, |cores| cores.get().div_ceil(2));
        Self {
            generation: ArcSwap::from_pointee(Generation::new(map)),
            mock_secret: rand::random(),
            checks: Arc::new(Semaphore::new(checks)),
            attempts: Arc::new(Attempts::new(limits)),
        }
    }

    /// Swaps all users at once and forgets every success. Clients that are logged in stay so.
    pub fn replace(&self, map: UserMap) {
        self.generation.store(Arc::new(Generation::new(map)));
    }

    /// The failed logins of both doors.
    pub fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    /// The accounts of all configured users, in no order.
    pub fn accounts(&self) -> Vec<Account> {
        let generation = self.generation.load();
        let account = |(name, credential): (&Arc<str>, &Credential)| Account {
            name: Arc::clone(name),
            role: credential.role,
        };
        generation.users.iter().map(account).collect()
    }

    /// Whether no users are configured. Then each door accepts loopback peers only, and takes any name with any
    /// password as an admin; the peer's address is the door's to check.
    pub fn is_open(&self) -> bool {
        self.generation.load().users.is_empty()
    }

    /// The account that anyone has under this name while no users are configured; none once there are some, however
    /// shortly before they came.
    pub fn open_account(&self, name: &str) -> Option<Account> {
        let generation = self.generation.load();
        match generation.users.is_empty() {
            true => generation.account(name),
            false => None,
        }
    }

    /// The account of this name, without any authentication; an admin of any name when the store is open.
    pub fn account(&self, name: &str) -> Option<Account> {
        self.generation.load().account(name)
    }

    /// A key that is made of another one and of what is configured for this name, and the name's account: with
    /// another password or role, or once there are no users or some, it is another key. `None` for who is no user.
    pub(super) fn bound_key(
        &self,
        name: &str,
        key: &[u8],
    ) -> Option<(Account, Zeroizing<[u8; 32]>)> {
        let generation = self.generation.load();
        let account = generation.account(name)?;
        let (verifier, role) = match generation.users.get(name) {
            Some(credential) => (credential.verifier.to_string(), credential.role.to_string()),
            None => Default::default(),
        };
        let verifier = Zeroizing::new(verifier);
        let length = (name.len() as u64).to_be_bytes();
        let parts = [
            &length,
            name.as_bytes(),
            role.as_bytes(),
            verifier.as_bytes(),
        ];
        Some((account, Zeroizing::new(hmac_sha256(key, &parts))))
    }

    /// What the SCRAM exchange with this name runs on. An unknown name gets a verifier that no password fits,
    /// with the same salt each time in this process, so that the exchange looks and costs the same for both
    /// (PostgreSQL calls it mock authentication).
    pub fn verifier_or_mock(&self, name: &str) -> Verifier {
        self.generation
            .load()
            .verifier_or_mock(name, &self.mock_secret)
    }

    /// Checks a name and a password, as HTTP Basic brings them from an address. Must be called on a Tokio runtime: the
    /// hash is computed on its blocking threads, for a bounded number of callers at a time; the others wait.
    ///
    /// # Errors
    /// [`LoginError::Wrong`] for a wrong password and for an unknown name, which cost the same;
    /// [`LoginError::TooManyFailures`] when the address has had too many of both.
    pub async fn check_password(
        &self,
        name: &str,
        password: &str,
        address: IpAddr,
    ) -> Result<Account, LoginError> {
        let generation = self.generation.load_full();
        let known = || {
            let known = generation.successes.contains(name, password);
            known.then(|| generation.account(name)).flatten()
        };
        if generation.users.is_empty() {
            return generation.account(name).ok_or(LoginError::Wrong);
        }
        // Before the memory of successes is asked: it could be guessed with, too.
        self.attempts.check(address)?;
        if let Some(account) = known() {
            return Ok(account);
        }
        self.attempts.wait_for(name).await?;

        let permit = Arc::clone(&self.checks).acquire_owned().await;
        let permit = permit.map_err(|_| LoginError::Wrong)?;
        // While this one waited for its turn, others of the address may have failed, or have been right.
        self.attempts.check(address)?;
        if let Some(account) = known() {
            return Ok(account);
        }
        let verifier = generation.verifier_or_mock(name, &self.mock_secret);
        let candidate = Zeroizing::new(password.to_owned());
        let (attempts, guessed) = (Arc::clone(&self.attempts), name.to_owned());
        // The permit goes along: the thread is busy until it is done, whether or not the caller still waits.
        let check = tokio::task::spawn_blocking(move || {
            let right = verifier.check(&candidate);
            // Before the next one has its turn, which may be another guess of the same address.
            if !right {
                attempts.failed(address, &guessed);
            }
            drop(permit);
            right
        });
        let right = check.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a password check did not finish");
            false
        });

        let account = generation.account(name).filter(|_| right);
        let account = account.ok_or(LoginError::Wrong)?;
        generation.successes.insert(name, password);
        Ok(account)
    }
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Users")
            .field("count", &self.generation.load().users.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    impl Users {
        /// From this machine.
        async fn check(&self, name: &str, password: &str) -> Option<Account> {
            let address = Ipv4Addr::LOCALHOST.into();
            self.check_password(name, password, address).await.ok()
        }
    }

    fn users(list: &[(&str, &str, Role)]) -> UserMap {
        list.iter()
            .map(|&(name, password, role)| {
                let verifier = Verifier::generate(password);
                (name.to_owned(), Credential { verifier, role })
            })
            .collect()
    }

    #[tokio::test]
    async fn the_right_password_gives_the_account_and_is_remembered() {
        let store = Users::new(users(&[
            ("alice", "a", Role::Admin),
            ("bob", "b", Role::Basic),
        ]));
        assert_eq!(store.check("alice", "b").await, None);
        assert_eq!(store.check("carol", "a").await, None);
        assert_eq!(store.generation.load().successes.len(), 0);

        let alice = Account {
            name: "alice".into(),
            role: Role::Admin,
        };
        for _ in 0..2 {
            assert_eq!(store.check("alice", "a").await.as_ref(), Some(&alice));
        }
        assert_eq!(store.generation.load().successes.len(), 1);
        assert_eq!(store.check("alice", "b").await, None);
        let bob = store.check("bob", "b").await.expect("right password");
        assert_eq!(bob.role, Role::Basic);
    }

    #[tokio::test]
    async fn a_success_does_not_outlive_the_users() {
        let store = Users::new(users(&[("alice", "old", Role::Admin)]));
        assert!(store.check("alice", "old").await.is_some());
        store.replace(users(&[("alice", "new", Role::Basic)]));
        assert_eq!(store.check("alice", "old").await, None);
        let alice = store.check("alice", "new").await.expect("right password");
        assert_eq!(alice.role, Role::Basic);
    }

    #[tokio::test]
    async fn a_check_that_started_before_a_replacement_leaves_nothing_behind() {
        let store = Arc::new(Users::new(users(&[("alice", "old", Role::Admin)])));
        // All permits taken: the check has begun and waits.
        let taken = store.checks.available_permits() as u32;
        let held = Arc::clone(&store.checks)
            .acquire_many_owned(taken)
            .await
            .expect("never closed");
        let mut check = Box::pin(store.check("alice", "old"));
        assert!(futures::poll!(&mut check).is_pending());

        store.replace(users(&[("alice", "new", Role::Admin)]));
        drop(held);
        assert!(check.await.is_some(), "judged by the users of its start");
        assert_eq!(store.check("alice", "old").await, None);
    }

    #[tokio::test]
    async fn a_caller_who_leaves_keeps_the_permit_until_the_thread_is_done() {
        let store = Users::new(users(&[("alice", "a", Role::Admin)]));
        let free = store.checks.available_permits();
        let mut check = Box::pin(store.check("alice", "a"));
        assert!(futures::poll!(&mut check).is_pending());
        drop(check);
        let all = store.checks.acquire_many(free as u32).await;
        assert!(all.is_ok(), "the permit came back");
    }

    #[tokio::test]
    async fn an_address_with_too_many_failures_is_not_listened_to() {
        let limits = AttemptLimits {
            per_address_max: 2,
            per_user_max: 0,
        };
        let store = Users::with_limits(users(&[("alice", "a", Role::Admin)]), limits);
        let at = |host| IpAddr::from([192, 0, 2, host]);
        assert!(store.check_password("alice", "a", at(1)).await.is_ok());
        for name in ["alice", "nobody"] {
            let refused = store.check_password(name, "b", at(1)).await;
            assert_eq!(refused, Err(LoginError::Wrong));
        }
        // Not even by what is known to be right: that could be guessed, too.
        let refused = store.check_password("alice", "a", at(1)).await;
        assert!(matches!(refused, Err(LoginError::TooManyFailures(_))));
        assert!(store.check_password("alice", "a", at(2)).await.is_ok());
    }

    #[tokio::test]
    async fn guesses_at_a_time_are_no_more_than_guesses_one_by_one() {
        let limits = AttemptLimits {
            per_address_max: 2,
            per_user_max: 0,
        };
        let store = Users::with_limits(users(&[("alice", "a", Role::Admin)]), limits);
        let guesses = (0..40).map(|number| {
            let (store, guess) = (&store, number.to_string());
            async move {
                store
                    .check_password("alice", &guess, [192, 0, 2, 1].into())
                    .await
            }
        });
        let answers = futures::future::join_all(guesses).await;
        let wrong = answers.iter().filter(|a| **a == Err(LoginError::Wrong));
        let permits = available_parallelism().map_or(1, |cores| cores.get().div_ceil(2));
        assert!((2..=1 + permits).contains(&wrong.count()));
    }

    #[tokio::test]
    async fn without_users_any_name_is_an_admin() {
        let store = Users::new(UserMap::new());
        assert!(store.is_open());
        let anyone = store.check("anyone", "").await.expect("open");
        assert_eq!((&*anyone.name, anyone.role), ("anyone", Role::Admin));
        store.replace(users(&[("alice", "a", Role::Admin)]));
        assert!(!store.is_open());
        assert_eq!(store.account("anyone"), None);
    }

    #[test]
    fn an_unknown_name_keeps_its_salt_and_resembles_a_user() {
        let store = Users::new(users(&[("alice", "a", Role::Admin)]));
        let mock = store.verifier_or_mock("mallory");
        store.replace(users(&[("bob", "b", Role::Basic)]));
        assert_eq!(store.verifier_or_mock("mallory"), mock);
        assert_ne!(store.verifier_or_mock("mallet").salt(), mock.salt());

        let known = store.verifier_or_mock("bob");
        assert_eq!(known.iterations(), mock.iterations());
        assert_eq!(known.salt().len(), mock.salt().len());
        assert!(!mock.check(""));
        // Another process, another secret.
        assert_ne!(
            Users::new(UserMap::new())
                .verifier_or_mock("mallory")
                .salt(),
            mock.salt()
        );
    }

    #[test]
    fn roles_have_two_names() {
        for role in [Role::Admin, Role::Basic] {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
        assert_eq!("Admin".parse::<Role>(), Err(RoleError));
    }
}
