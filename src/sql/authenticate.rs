//! Who a client is: SCRAM-SHA-256 against the user store, in plain words an exchange after which the server knows
//! that the client knows the password, without seeing it.

use bytes::Bytes;
use pgwire::api::auth::sasl::scram::{ScramSecret, ScramServerAuth};
use pgwire::error::PgWireError;
use pgwire::messages::startup::{Authentication, BackendKeyData, SecretKey};
use tokio::sync::OwnedSemaphorePermit;

use super::connection::End;
use super::settings::Settings;
use super::sqlstate::SqlError;
use super::startup::{Introduction, fatal};
use super::{Door, message, reply};
use crate::auth::{Account, Role, TooManyFailures, Users};
use crate::catalog::DATABASE;
use crate::proxy::postgres::frame::{self, UNTRUSTED_BYTES_MAX};
use crate::proxy::postgres::keys::IssuedKey;
use crate::proxy::postgres::opening::StartupMessage;
use crate::proxy::wire::Wire;
use crate::session::{Remote, State};

/// SCRAM-SHA-256, RFC 7677.
const SCRAM: &str = "SCRAM-SHA-256";
/// The same, bound to the certificate that the client was shown.
const SCRAM_PLUS: &str = "SCRAM-SHA-256-PLUS";
/// The message type that carries every kind of answer of a client that logs in.
const PASSWORD_MESSAGE: u8 = b'p';

/// A client that was let in.
pub(super) struct Accepted {
    /// Who it is.
    pub account: Account,
    /// What it asked for.
    pub settings: Settings,
    /// The key to cancel its statements with.
    pub key: IssuedKey<()>,
    /// Its place among the clients that may be there.
    pub place: OwnedSemaphorePermit,
}

/// Lets a client in, or says why not. All that has to be said to it by then is in the output.
pub(super) async fn log_in(
    wire: &mut Wire,
    door: &Door,
    startup: &StartupMessage,
) -> Result<Accepted, End> {
    let introduction = Introduction::read(startup, wire)?;
    let place = door.places.clone().try_acquire_owned();
    let place = place.map_err(|_| SqlError::fatal("53300", "sorry, too many clients already"))?;
    let account = if door.users.is_open() {
        let_neighbour_in(wire.guard.remote(), &door.users, &introduction.user)?
    } else {
        authenticate(wire, door, startup, &introduction.user).await?
    };

    let database = introduction.database.as_deref();
    if let Some(other) = database.filter(|name| ![DATABASE, &introduction.user].contains(name)) {
        let message = format!("database \"{other}\" does not exist");
        return Err(SqlError::fatal("3D000", message).into());
    }
    let mut settings = settings(door, &account, &introduction)?;
    let key = door.keys.issue(wire.guard.id(), introduction.key_bytes, ());

    let application_name = settings.text("application_name");
    let application_name = (!application_name.is_empty()).then(|| application_name.into());
    let tls = wire.tls().map(Into::into);
    wire.guard.update(|profile| {
        profile.user = Some(account.name.clone());
        profile.database = Some(DATABASE.into());
        profile.application_name = application_name;
        profile.tls = tls;
    });
    wire.guard.advance(State::Ready);

    reply::put(&mut wire.output, &Authentication::Ok);
    for (name, value) in settings.report_all() {
        reply::parameter_status(&mut wire.output, name, &value);
    }
    // Ids have 31 bits, so that they are process ids to every client.
    let process = wire.guard.id().get() as i32;
    let secret = SecretKey::Bytes(key.secret.clone());
    reply::put(&mut wire.output, &BackendKeyData::new(process, secret));
    Ok(Accepted {
        account,
        settings,
        key,
        place,
    })
}

/// Without users, whoever is on this host is an administrator, and nobody else is anybody.
fn let_neighbour_in(remote: Remote, users: &Users, user: &str) -> Result<Account, SqlError> {
    if remote.ip().is_some_and(|ip| !ip.is_loopback()) {
        let message = format!(
            "no users are configured, so only clients of this host are accepted, and {} is not one",
            remote.address()
        );
        return Err(SqlError::fatal("28000", message)
            .with_hint("Configure [users.NAME] with a password verifier, as `rollcall hash-password` makes it."));
    }
    users.open_account(user).ok_or_else(|| wrong_password(user))
}

fn wrong_password(user: &str) -> SqlError {
    SqlError::fatal(
        "28P01",
        format!("password authentication failed for user \"{user}\""),
    )
}

/// PostgreSQL has no such limit; a code of "later" fits, since the password may be right.
fn too_many(error: TooManyFailures) -> SqlError {
    let seconds = error.retry_after_s();
    SqlError::fatal("53300", "too many failed logins")
        .with_hint(format!("Try again in {seconds} s."))
}

fn malformed() -> SqlError {
    SqlError::fatal("08P01", "malformed SCRAM message")
}

/// The whole exchange. A name that is no user goes through it as well, with a verifier that nothing fits, so that
/// it cannot be told from a wrong password.
async fn authenticate(
    wire: &mut Wire,
    door: &Door,
    startup: &StartupMessage,
    user: &str,
) -> Result<Account, End> {
    // A client of a UNIX socket has no address, and none that others could pretend to have.
    let address = wire.guard.remote().ip();
    let attempts = door.users.attempts();
    let listened_to = || address.map_or(Ok(()), |address| attempts.check(address));
    listened_to().map_err(too_many)?;
    attempts.wait_for(user).await.map_err(too_many)?;
    let mut scram = ScramServerAuth::new();
    // Signature algorithms without a digest of their own, such as Ed25519, have no channel binding.
    let bound = startup
        .certificate
        .as_ref()
        .is_some_and(|pem| scram.configure_certificate(pem).is_ok());
    let mechanisms = if bound {
        vec![SCRAM_PLUS, SCRAM]
    } else {
        vec![SCRAM]
    };
    let offer = mechanisms.iter().map(|name| (*name).to_owned()).collect();
    reply::put(&mut wire.output, &Authentication::SASL(offer));

    let first = message::sasl_initial_response(&answer(wire).await?).map_err(fatal)?;
    let data = first.data.unwrap_or_default();
    if !mechanisms.contains(&first.mechanism.as_str()) {
        return Err(SqlError::fatal(
            "08P01",
            "client selected an invalid SASL authentication mechanism",
        )
        .into());
    }
    // The binding belongs to the one mechanism and to no other.
    if data.starts_with(b"p=") != (first.mechanism == SCRAM_PLUS) {
        return Err(malformed().into());
    }
    let verifier = door.users.verifier_or_mock(user);
    let secret = ScramSecret::Verifier {
        salt: verifier.salt().to_vec(),
        iterations: verifier.iterations() as usize,
        stored_key: verifier.stored_key().to_vec(),
        server_key: verifier.server_key().to_vec(),
    };
    let (server_first, exchange) = scram
        .on_client_first_message_with_secret(&data, secret)
        .map_err(|_| malformed())?;
    reply::put(
        &mut wire.output,
        &Authentication::SASLContinue(server_first.into()),
    );

    let last = answer(wire).await?;
    // Others of the address may have failed since: no number of exchanges at a time makes more guesses.
    listened_to().map_err(too_many)?;
    let server_final = exchange
        .on_client_final_message(&last)
        .map_err(|error| match error {
            PgWireError::InvalidPassword(_) => {
                if let Some(address) = address {
                    attempts.failed(address, user);
                }
                wrong_password(user)
            }
            // Not the error's own text: it quotes the message.
            _ => malformed(),
        })?;
    // The user may have been removed while the exchange went on.
    let account = door.users.account(user).filter(|_| !door.users.is_open());
    let account = account.ok_or_else(|| wrong_password(user))?;
    reply::put(
        &mut wire.output,
        &Authentication::SASLFinal(server_final.into()),
    );
    Ok(account)
}

/// Sends what is to be sent and waits for the client's answer.
async fn answer(wire: &mut Wire) -> Result<Bytes, End> {
    wire.flush().await?;
    loop {
        if let Some(frame) =
            frame::next(&mut wire.input, UNTRUSTED_BYTES_MAX).map_err(SqlError::from)?
        {
            if frame.kind == PASSWORD_MESSAGE {
                return Ok(frame.body);
            }
            let message = format!(
                "expected an authentication message, got type {}",
                frame.kind
            );
            return Err(SqlError::fatal("08P01", message).into());
        }
        if !wire.read().await? {
            return Err(End::Gone);
        }
    }
}

/// The client's parameters: the door's limits, then what the client asked for.
fn settings(
    door: &Door,
    account: &Account,
    introduction: &Introduction,
) -> Result<Settings, SqlError> {
    let mut settings = Settings::new();
    let superuser = if account.role == Role::Admin {
        "on"
    } else {
        "off"
    };
    settings.establish_fact("is_superuser", superuser);
    settings.establish_fact("session_authorization", &account.name);
    settings.establish_fact("max_connections", &door.limits.connections_max.to_string());
    settings.establish_fact("ssl", if door.tls.is_some() { "on" } else { "off" });
    let limits = [
        ("statement_timeout", door.limits.statement_timeout),
        ("idle_session_timeout", door.limits.idle_timeout),
        (
            "idle_in_transaction_session_timeout",
            door.limits.idle_timeout,
        ),
    ];
    for (name, limit) in limits {
        if let Some(limit) = limit {
            let ms = limit.as_millis().min(i32::MAX as u128);
            settings.establish(name, &ms.to_string()).map_err(fatal)?;
        }
    }
    for (name, value) in &introduction.settings {
        settings.establish(name, value).map_err(fatal)?;
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    #[test]
    fn without_users_only_clients_of_this_host_are_let_in() {
        let users = Users::new(Default::default());
        let let_in = |address: &str| {
            let address: SocketAddr = address.parse().expect("an address");
            let account = let_neighbour_in(Remote::Tcp(address), &users, "ann");
            account
                .map(|account| account.role)
                .map_err(|error| error.code)
        };
        for near in [
            "127.0.0.1:1",
            "127.9.9.9:1",
            "[::1]:1",
            "[::ffff:127.0.0.1]:1",
        ] {
            assert_eq!(let_in(near), Ok(Role::Admin), "{near}");
        }
        for far in [
            "192.0.2.1:1",
            "0.0.0.0:1",
            "[2001:db8::1]:1",
            "[::ffff:192.0.2.1]:1",
        ] {
            assert_eq!(let_in(far), Err("28000"), "{far}");
        }
    }
}
